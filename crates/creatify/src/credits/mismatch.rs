//! Comparison of charges with the estimates of every known rate card. Pure.

use std::{fmt, time::Duration};

use creatify_api::ModelVersion;

use super::{BillableOperation, CreditRange, Credits, RateCard};

/// The charge of one finished job.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Charge {
    /// Operation that was charged.
    pub operation: BillableOperation,
    /// Model of the video.
    pub model_version: ModelVersion,
    /// Exact duration of the video. Zero is a duration that is not known.
    pub duration: Duration,
    /// Credits charged.
    pub charged: Credits,
}

/// Charges that differ from the rate card in use: prices have changed, or another card applies.
#[derive(Debug, Clone, PartialEq, Eq)]
#[doc(alias = "price change")]
#[non_exhaustive]
pub struct Mismatch {
    /// Name of the rate card in use.
    pub rate_card: String,
    /// Number of jobs that were compared.
    pub jobs: usize,
    /// Number of jobs that were charged something else.
    pub differing: usize,
    /// Estimate for the differing jobs by the rate card in use.
    pub predicted: CreditRange,
    /// Credits charged for the differing jobs.
    pub charged: Credits,
    /// Names of the known rate cards that fit every charge.
    pub fitting: Vec<String>,
}

/// Longest time by which a video may run over a block without starting the next one: it ends with a
/// whole frame, and has at least 24 of them a second.
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 24);

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rate_card, jobs, differing, predicted, charged, fitting } = self;
        let (unit, verb) =
            (if *jobs == 1 { "job" } else { "jobs" }, if *differing == 1 { "was" } else { "were" });
        write!(
            f,
            "rate card `{rate_card}` does not fit: {differing} of {jobs} {unit} {verb} estimated \
             at {} but charged {}; ",
            predicted.in_words(),
            charged.in_words()
        )?;
        match fitting.as_slice() {
            [] => f.write_str("no known card fits, so prices may have changed"),
            [card] => write!(f, "`{card}` fits"),
            cards => write!(f, "these fit: {}", cards.join(", ")),
        }
    }
}

impl Charge {
    /// Creates a charge to compare.
    pub fn new(
        operation: BillableOperation,
        model_version: ModelVersion,
        duration: Duration,
        charged: Credits,
    ) -> Self {
        Self { operation, model_version, duration, charged }
    }

    fn predicted_by(&self, card: &RateCard) -> Option<CreditRange> {
        self.predicted_for(card, self.duration)
    }

    fn predicted_for(&self, card: &RateCard, duration: Duration) -> Option<CreditRange> {
        card.estimate(self.operation, &self.model_version, duration, 1)
            .ok()
            .map(|estimate| estimate.credits)
    }

    /// Returns whether the card predicts the charge, for the duration or for less than a frame
    /// less.
    fn fits(&self, card: &RateCard) -> bool {
        let charged = self.charged.without_noise();
        [self.duration, self.duration.saturating_sub(FRAME)]
            .into_iter()
            .filter_map(|duration| self.predicted_for(card, duration))
            .any(|range| range.min <= charged && charged <= range.max)
    }
}

impl Mismatch {
    /// Compares charges with the rate card in use, and if they differ with the known ones.
    ///
    /// Charges for a video of unknown duration are left out. Less than a frame (1/24 s) over a
    /// block may be charged or not.
    pub fn find(in_use: &RateCard, known: &[RateCard], charges: &[Charge]) -> Option<Self> {
        let charges: Vec<_> =
            charges.iter().filter(|charge| charge.duration > Duration::ZERO).collect();
        let differing: Vec<_> =
            charges.iter().copied().filter(|charge| !charge.fits(in_use)).collect();
        if differing.is_empty() {
            return None;
        }
        let predictions: Vec<_> = differing
            .iter()
            .map(|charge| charge.predicted_by(in_use).unwrap_or(CreditRange::ZERO))
            .collect();
        let fits_all = |card: &&RateCard| charges.iter().all(|charge| charge.fits(card));
        Some(Self {
            rate_card: in_use.name().to_owned(),
            jobs: charges.len(),
            differing: differing.len(),
            predicted: CreditRange {
                min: sum(predictions.iter().map(|range| range.min)),
                max: sum(predictions.iter().map(|range| range.max)),
            },
            charged: sum(differing.iter().map(|charge| charge.charged)),
            fitting: known.iter().filter(fits_all).map(|card| card.name().to_owned()).collect(),
        })
    }
}

fn sum(mut amounts: impl Iterator<Item = Credits>) -> Credits {
    amounts.try_fold(Credits::ZERO, Credits::checked_add).unwrap_or(Credits::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charge(operation: BillableOperation, seconds: u64, charged: &str) -> Charge {
        Charge::new(
            operation,
            ModelVersion::AuroraV1,
            Duration::from_secs(seconds),
            charged.parse().unwrap(),
        )
    }

    #[test]
    fn charges_by_another_card_name_that_card() {
        let charges = [
            charge(BillableOperation::Create, 28, "28"),
            charge(BillableOperation::Preview, 28, "1"),
        ];
        let mismatch = Mismatch::find(&RateCard::default(), RateCard::known(), &charges).unwrap();
        assert_eq!((mismatch.jobs, mismatch.differing), (2, 1));
        assert_eq!(mismatch.fitting, ["per-second"]);
        assert_eq!(
            mismatch.to_string(),
            "rate card `blocks` does not fit: 1 of 2 jobs was estimated at 40 credits but charged \
             28 credits; `per-second` fits"
        );
    }

    #[test]
    fn charges_within_the_estimate_are_no_mismatch() {
        let charges = [
            charge(BillableOperation::Render, 45, "59"),
            charge(BillableOperation::Create, 45, "60"),
        ];
        assert_eq!(Mismatch::find(&RateCard::default(), RateCard::known(), &charges), None);
        assert_eq!(Mismatch::find(&RateCard::default(), RateCard::known(), &[]), None);
    }

    #[test]
    fn float_noise_is_no_price_change() {
        let noisy = [charge(BillableOperation::Create, 28, "28.000000000000004")];
        let per_second = RateCard::named("per-second").unwrap();
        assert_eq!(Mismatch::find(&per_second, RateCard::known(), &noisy), None);
    }

    #[test]
    fn less_than_a_frame_over_a_block_is_no_price_change() {
        let charged = |millis, charged: u32| {
            let charge = Charge::new(
                BillableOperation::Create,
                ModelVersion::Standard,
                Duration::from_millis(millis),
                charged.into(),
            );
            Mismatch::find(&RateCard::default(), RateCard::known(), &[charge]).is_none()
        };
        for millis in [30_001, 30_040, 30_041] {
            assert!(charged(millis, 5) && charged(millis, 10), "{millis} ms");
            assert!(!charged(millis, 7), "no price lies between two blocks");
        }
        assert!(!charged(30_042, 5), "a frame more is charged");
        assert!(!charged(30_000, 10), "a block that has not started is not");
        assert!(charged(20, 5), "the first block is always charged");
    }

    #[test]
    fn a_charge_for_an_unknown_duration_is_not_compared() {
        let unknown = [charge(BillableOperation::Create, 0, "80")];
        assert_eq!(Mismatch::find(&RateCard::default(), RateCard::known(), &unknown), None);
    }

    #[test]
    fn a_new_price_fits_no_card() {
        let mismatch = Mismatch::find(
            &RateCard::default(),
            RateCard::known(),
            &[charge(BillableOperation::Preview, 30, "2")],
        )
        .unwrap();
        assert!(mismatch.fitting.is_empty());
    }
}

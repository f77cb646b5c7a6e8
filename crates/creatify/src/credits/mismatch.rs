//! Is the rate card right? Compares what was charged with what every known card predicts. Pure.

use std::{fmt, time::Duration};

use creatify_api::ModelVersion;

use super::{BillableOperation, CreditRange, Credits, RateCard};

/// What one finished job was charged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Charge {
    /// What for.
    pub operation: BillableOperation,
    /// With which model.
    pub model_version: ModelVersion,
    /// For how long a video, exactly.
    pub duration: Duration,
    /// How much.
    pub charged: Credits,
}

/// Charges that the rate card in use does not predict: prices may have changed, or the wrong card is in use.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mismatch {
    /// The card in use.
    pub rate_card: String,
    /// How many jobs were compared.
    pub jobs: usize,
    /// How many of them were charged something else.
    pub differing: usize,
    /// What the card predicts for those.
    pub predicted: CreditRange,
    /// What was charged for those.
    pub charged: Credits,
    /// The known cards that predict every charge.
    pub fitting: Vec<String>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rate_card, jobs, differing, predicted, charged, fitting } = self;
        write!(
            f,
            "rate card `{rate_card}` does not fit: of {jobs} jobs, {differing} were predicted to cost {predicted} credits and were charged {charged}; "
        )?;
        match fitting.as_slice() {
            [] => f.write_str("no known card fits, so the prices may have changed"),
            cards => write!(f, "what fits is {}", cards.join(", ")),
        }
    }
}

impl Charge {
    /// A charge to compare.
    pub fn new(
        operation: BillableOperation,
        model_version: ModelVersion,
        duration: Duration,
        charged: Credits,
    ) -> Self {
        Self { operation, model_version, duration, charged }
    }

    fn predicted_by(&self, card: &RateCard) -> Option<CreditRange> {
        card.estimate(self.operation, &self.model_version, self.duration, 1)
            .ok()
            .map(|estimate| estimate.credits)
    }

    fn fits(&self, card: &RateCard) -> bool {
        self.predicted_by(card)
            .is_some_and(|range| range.min <= self.charged && self.charged <= range.max)
    }
}

impl Mismatch {
    /// Compares charges with the card in use, and if that fails with the other known ones.
    pub fn find(in_use: &RateCard, known: &[RateCard], charges: &[Charge]) -> Option<Self> {
        let differing: Vec<_> = charges.iter().filter(|charge| !charge.fits(in_use)).collect();
        if differing.is_empty() {
            return None;
        }
        let none = CreditRange { min: Credits::ZERO, max: Credits::ZERO };
        let predictions: Vec<_> =
            differing.iter().map(|charge| charge.predicted_by(in_use).unwrap_or(none)).collect();
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
    fn charges_of_another_card_name_that_card() {
        let charges = [
            charge(BillableOperation::Create, 28, "28"),
            charge(BillableOperation::Preview, 28, "1"),
        ];
        let mismatch = Mismatch::find(&RateCard::default(), RateCard::known(), &charges).unwrap();
        assert_eq!((mismatch.jobs, mismatch.differing), (2, 1));
        assert_eq!(mismatch.fitting, ["per-second"]);
        assert_eq!(
            mismatch.to_string(),
            "rate card `blocks` does not fit: of 2 jobs, 1 were predicted to cost 40 credits and were charged 28; what fits is per-second"
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

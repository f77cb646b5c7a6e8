//! What will it cost? A range of credits, with what it rests on. Pure and exact.

use std::{fmt, sync::Arc, time::Duration};

use creatify_api::ModelVersion;
use serde::{Deserialize, Serialize};

use super::{BillableOperation, Bound, Credits, DurationRange, Price, Provenance, Rate, RateCard};

/// What some equal submissions will cost, by one rate card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Estimate {
    /// What is to be charged.
    pub operation: BillableOperation,
    /// The model it is made with.
    pub model_version: ModelVersion,
    /// The name of the card.
    pub rate_card: Arc<str>,
    /// How many submissions.
    pub count: u32,
    /// The duration of each video, in seconds in JSON.
    pub seconds: DurationRange,
    /// The cost of all of them.
    pub credits: CreditRange,
    /// How the least sure of the prices used is known.
    pub basis: Provenance,
    /// What else the figure rests on; for people, so not in JSON.
    #[serde(skip)]
    pub assumptions: &'static [Assumption],
}

/// From the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CreditRange {
    /// The least it may cost.
    pub min: Credits,
    /// The most it may cost; this is what limits are held against.
    pub max: Credits,
}

impl fmt::Display for CreditRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max {
            write!(f, "{}", self.max)
        } else {
            write!(f, "{} to {}", self.min, self.max)
        }
    }
}

/// Something that an estimate takes for true and that the vendor does not state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Assumption {
    /// A started block is charged whole.
    StartedBlocksAreWhole,
    /// No price is documented: preview and render together are taken to cost what a create costs, give or take the preview.
    PriceDerivedFromCreate,
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StartedBlocksAreWhole => "a started block is charged whole",
            Self::PriceDerivedFromCreate => {
                "no price is documented; it lies between the create price less the preview price and the create price"
            }
        })
    }
}

/// Why there is no estimate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EstimateError {
    /// The card has no such price.
    #[error("rate card `{rate_card}` has no price for {operation} with model `{model_version}`")]
    NoRate {
        /// The card.
        rate_card: String,
        /// The operation asked for.
        operation: BillableOperation,
        /// The model asked for.
        model_version: ModelVersion,
    },
    /// The amount is too large to hold.
    #[error("the estimate is too large to compute")]
    Overflow,
}

impl RateCard {
    /// What `count` equal submissions will cost. Offline and free.
    ///
    /// # Errors
    ///
    /// When the card has no rate for the operation and model, or the amount is too large to hold.
    ///
    /// ```
    /// use creatify::{ModelVersion, credits::{BillableOperation, RateCard}};
    /// use std::time::Duration;
    ///
    /// let card = RateCard::default();
    /// let estimate = card.estimate(BillableOperation::Create, &ModelVersion::AuroraV1, Duration::from_secs(31), 2)?;
    /// assert_eq!(estimate.credits.max, 120.into()); // three started blocks of 15 s, 20 credits each, twice
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn estimate(
        &self,
        operation: BillableOperation,
        model_version: &ModelVersion,
        seconds: impl Into<DurationRange>,
        count: u32,
    ) -> Result<Estimate, EstimateError> {
        let seconds = seconds.into();
        let rate = self.rate_or_error(operation, model_version)?;
        let (one, basis, assumptions) = match rate.price {
            Price::PerBlock { credits, block } => {
                let price = PerBlock { credits, block };
                let range =
                    CreditRange { min: price.of(seconds.min())?, max: price.of(seconds.max())? };
                (range, rate.provenance, &[Assumption::StartedBlocksAreWhole][..])
            }
            Price::Between { min, max } => {
                let create = self.rate_or_error(BillableOperation::Create, model_version)?;
                let preview = self.rate_or_error(BillableOperation::Preview, model_version)?;
                let basis = rate.provenance.max(create.provenance).max(preview.provenance);
                let derived = Derived {
                    create: self.per_block(create, model_version)?,
                    preview: self.per_block(preview, model_version)?,
                };
                let range = CreditRange {
                    min: derived.least(min, seconds)?,
                    max: derived.most(max, seconds)?,
                };
                (
                    range,
                    basis,
                    &[Assumption::StartedBlocksAreWhole, Assumption::PriceDerivedFromCreate][..],
                )
            }
        };
        let all =
            |credits: Credits| credits.checked_mul(count.into()).ok_or(EstimateError::Overflow);
        Ok(Estimate {
            operation,
            model_version: model_version.clone(),
            rate_card: self.shared_name(),
            count,
            seconds,
            credits: CreditRange { min: all(one.min)?, max: all(one.max)? },
            basis,
            assumptions,
        })
    }
}

impl RateCard {
    /// Estimates the cost of `count` equal submissions whose model is not known: from the least to
    /// the most that any model costs. Offline and free.
    ///
    /// # Errors
    ///
    /// When the card has no rate for the operation, or the amount is too large to hold.
    pub fn estimate_any_model(
        &self,
        operation: BillableOperation,
        seconds: impl Into<DurationRange>,
        count: u32,
    ) -> Result<Estimate, EstimateError> {
        let seconds = seconds.into();
        let mut models = ModelVersion::KNOWN
            .iter()
            .map(|model_version| self.estimate(operation, model_version, seconds, count));
        let first =
            models.next().ok_or_else(|| self.no_rate(operation, &ModelVersion::Standard))??;
        models.try_fold(first, |known, other| {
            let other = other?;
            let credits = CreditRange {
                min: known.credits.min.min(other.credits.min),
                max: known.credits.max.max(other.credits.max),
            };
            let dearest = if other.credits.max > known.credits.max { other } else { known };
            Ok(Estimate { credits, ..dearest })
        })
    }

    fn rate_or_error(
        &self,
        operation: BillableOperation,
        model_version: &ModelVersion,
    ) -> Result<&Rate, EstimateError> {
        self.rate(operation, model_version).ok_or_else(|| self.no_rate(operation, model_version))
    }

    /// A price to derive others from: one of its own.
    fn per_block(
        &self,
        rate: &Rate,
        model_version: &ModelVersion,
    ) -> Result<PerBlock, EstimateError> {
        match rate.price {
            Price::PerBlock { credits, block } => Ok(PerBlock { credits, block }),
            Price::Between { .. } => Err(self.no_rate(rate.operation, model_version)),
        }
    }

    fn no_rate(&self, operation: BillableOperation, model_version: &ModelVersion) -> EstimateError {
        EstimateError::NoRate {
            rate_card: self.name().to_owned(),
            operation,
            model_version: model_version.clone(),
        }
    }
}

/// `credits` for every started block.
#[derive(Clone, Copy)]
struct PerBlock {
    credits: Credits,
    block: Duration,
}

impl PerBlock {
    fn of(self, duration: Duration) -> Result<Credits, EstimateError> {
        self.credits
            .checked_mul(started_blocks(duration, self.block)?)
            .ok_or(EstimateError::Overflow)
    }
}

fn started_blocks(duration: Duration, block: Duration) -> Result<u64, EstimateError> {
    let (duration, block) = (duration.as_nanos(), block.as_nanos().max(1));
    // Any video is short enough for the faster division.
    match (u64::try_from(duration), u64::try_from(block)) {
        (Ok(duration), Ok(block)) => Ok(duration.div_ceil(block)),
        _ => u64::try_from(duration.div_ceil(block)).map_err(|_| EstimateError::Overflow),
    }
}

/// The prices that another one lies between.
struct Derived {
    create: PerBlock,
    preview: PerBlock,
}

impl Derived {
    fn at(&self, bound: Bound, duration: Duration) -> Result<Credits, EstimateError> {
        let create = self.create.of(duration)?;
        match bound {
            Bound::Create => Ok(create),
            Bound::CreateLessPreview => {
                let less = create
                    .checked_sub(self.preview.of(duration)?)
                    .ok_or(EstimateError::Overflow)?;
                Ok(less.max(Credits::ZERO))
            }
        }
    }

    /// The least of a bound over a range. `create - preview` falls by a preview block's price where one starts, so the shortest duration
    /// is not always the cheapest: the starts of the next preview blocks are tried too.
    fn least(&self, bound: Bound, seconds: DurationRange) -> Result<Credits, EstimateError> {
        let mut least = self.at(bound, seconds.min())?;
        if bound == Bound::CreateLessPreview {
            let (create, preview) = (self.create.block, self.preview.block);
            let mut start = blocks_end(seconds.min(), preview);
            // Beyond one create block and one preview block, the same differences come again, and dearer.
            let last =
                seconds.max().min(seconds.min().saturating_add(create).saturating_add(preview));
            while start < last {
                least = least.min(self.at(bound, start.saturating_add(Duration::from_nanos(1)))?);
                start = start.saturating_add(preview);
            }
        }
        Ok(least)
    }

    /// The most of a bound over a range: highest just before a preview block starts, or at the end.
    fn most(&self, bound: Bound, seconds: DurationRange) -> Result<Credits, EstimateError> {
        // `create` bounds both from above and never falls, so the longest duration is dear enough for either.
        match bound {
            Bound::Create => self.at(Bound::Create, seconds.max()),
            Bound::CreateLessPreview => {
                let preview = self.preview.block;
                let before =
                    blocks_end(seconds.max(), preview).saturating_sub(preview).max(seconds.min());
                Ok(self.at(bound, seconds.max())?.max(self.at(bound, before)?))
            }
        }
    }
}

/// The end of the block that a duration lies in.
fn blocks_end(duration: Duration, block: Duration) -> Duration {
    let begun = duration.as_nanos() % block.as_nanos().max(1);
    match u64::try_from(begun) {
        Ok(0) | Err(_) => duration,
        Ok(begun) => duration.saturating_add(block - Duration::from_nanos(begun)),
    }
}

//! What will it cost? A range of credits, with what it rests on. Pure and exact.

use std::{fmt, sync::Arc, time::Duration};

use creatify_api::ModelVersion;
use serde::{Deserialize, Serialize};

use super::{Bound, Credits, DurationRange, Operation, Price, Provenance, RateCard};

/// What some equal submissions will cost, by one rate card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Estimate {
    /// What is to be charged.
    pub operation: Operation,
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
        if self.min == self.max { write!(f, "{}", self.max) } else { write!(f, "{} to {}", self.min, self.max) }
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
        operation: Operation,
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
    /// use creatify::{ModelVersion, credits::{Operation, RateCard}};
    /// use std::time::Duration;
    ///
    /// let card = RateCard::default();
    /// let estimate = card.estimate(Operation::Create, &ModelVersion::AuroraV1, Duration::from_secs(31), 2)?;
    /// assert_eq!(estimate.credits.max, 120.into()); // three started blocks of 15 s, 20 credits each, twice
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn estimate(
        &self,
        operation: Operation,
        model_version: &ModelVersion,
        seconds: impl Into<DurationRange>,
        count: u32,
    ) -> Result<Estimate, EstimateError> {
        let seconds = seconds.into();
        let rates = Rates { card: self, model_version };
        let rate = rates.find(operation)?;
        let (one, basis, assumptions) = match rate.price {
            Price::PerBlock { credits, block } => (
                CreditRange { min: blocks(credits, block, seconds.min())?, max: blocks(credits, block, seconds.max())? },
                rate.provenance,
                &[Assumption::StartedBlocksAreWhole][..],
            ),
            Price::Between { min, max } => {
                let (create, preview) = (rates.find(Operation::Create)?, rates.find(Operation::Preview)?);
                let basis = rate.provenance.max(create.provenance).max(preview.provenance);
                let range = CreditRange { min: rates.least(min, seconds)?, max: rates.most(max, seconds)? };
                (range, basis, &[Assumption::StartedBlocksAreWhole, Assumption::PriceDerivedFromCreate][..])
            }
        };
        let all = |credits: Credits| credits.checked_mul(count.into()).ok_or(EstimateError::Overflow);
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

/// `credits` for every started block.
fn blocks(credits: Credits, block: Duration, duration: Duration) -> Result<Credits, EstimateError> {
    let blocks = duration.as_nanos().div_ceil(block.as_nanos().max(1));
    let blocks = u64::try_from(blocks).map_err(|_| EstimateError::Overflow)?;
    credits.checked_mul(blocks).ok_or(EstimateError::Overflow)
}

/// The rates of one card for one model.
struct Rates<'a> {
    card: &'a RateCard,
    model_version: &'a ModelVersion,
}

impl<'a> Rates<'a> {
    fn find(&self, operation: Operation) -> Result<&'a super::Rate, EstimateError> {
        self.card.rate(operation, self.model_version).ok_or_else(|| EstimateError::NoRate {
            rate_card: self.card.name().to_owned(),
            operation,
            model_version: self.model_version.clone(),
        })
    }

    /// Credits and block length of an operation that has a price of its own.
    fn per_block(&self, operation: Operation) -> Result<(Credits, Duration), EstimateError> {
        match self.find(operation)?.price {
            Price::PerBlock { credits, block } => Ok((credits, block)),
            Price::Between { .. } => Err(EstimateError::NoRate {
                rate_card: self.card.name().to_owned(),
                operation,
                model_version: self.model_version.clone(),
            }),
        }
    }

    fn at(&self, bound: Bound, duration: Duration) -> Result<Credits, EstimateError> {
        let (credits, block) = self.per_block(Operation::Create)?;
        let create = blocks(credits, block, duration)?;
        match bound {
            Bound::Create => Ok(create),
            Bound::CreateLessPreview => {
                let (credits, block) = self.per_block(Operation::Preview)?;
                let less = create.checked_sub(blocks(credits, block, duration)?).ok_or(EstimateError::Overflow)?;
                Ok(less.max(Credits::ZERO))
            }
        }
    }

    /// The least of a bound over a range. `create - preview` falls by a preview block's price where one starts, so the shortest duration
    /// is not always the cheapest: the starts of the next preview blocks are tried too.
    fn least(&self, bound: Bound, seconds: DurationRange) -> Result<Credits, EstimateError> {
        let mut least = self.at(bound, seconds.min())?;
        if bound == Bound::CreateLessPreview {
            let (_, preview) = self.per_block(Operation::Preview)?;
            let (_, create) = self.per_block(Operation::Create)?;
            let mut start = blocks_end(seconds.min(), preview);
            // Beyond one create block and one preview block, the same differences come again, and dearer.
            let last = seconds.max().min(seconds.min().saturating_add(create).saturating_add(preview));
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
                let (_, preview) = self.per_block(Operation::Preview)?;
                let before = blocks_end(seconds.max(), preview).saturating_sub(preview).max(seconds.min());
                Ok(self.at(bound, seconds.max())?.max(self.at(bound, before)?))
            }
        }
    }
}

/// The end of the block that a duration lies in.
fn blocks_end(duration: Duration, block: Duration) -> Duration {
    let block = block.max(Duration::from_nanos(1));
    let started = u32::try_from(duration.as_nanos().div_ceil(block.as_nanos())).unwrap_or(u32::MAX);
    block.saturating_mul(started)
}

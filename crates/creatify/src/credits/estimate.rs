//! Estimates: ranges of credits, with their basis and assumptions. Pure and exact.

use std::{fmt, sync::Arc};

use creatify_api::ModelVersion;
use serde::{Deserialize, Serialize};

use super::{
    BillableOperation, Credits, DurationRange, Price, Provenance, Rate, RateCard,
    blocks::{Derived, PerBlock},
};

/// The estimated cost of some equal submissions, by one rate card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[doc(alias = "cost")]
#[doc(alias = "price")]
#[non_exhaustive]
pub struct Estimate {
    /// Operation that is charged.
    pub operation: BillableOperation,
    /// Model of the videos; the dearest one when the model is not known.
    pub model_version: ModelVersion,
    /// Name of the rate card.
    pub rate_card: Arc<str>,
    /// Number of submissions.
    pub count: u32,
    /// Duration of each video; in seconds in JSON.
    pub seconds: DurationRange,
    /// Cost of all submissions together.
    pub credits: CreditRange,
    /// Provenance of the least certain price used.
    pub basis: Provenance,
    /// Assumptions beyond the prices; for people, so not in JSON.
    #[serde(skip)]
    pub assumptions: &'static [Assumption],
}

impl Estimate {
    /// Returns the estimates by the other known rate cards, where they differ: the vendor's
    /// document and its public pages state different prices, and only charges show which apply.
    /// Empty for a card of your own.
    ///
    /// ```
    /// use creatify::{ModelVersion, credits::{BillableOperation, RateCard}};
    ///
    /// let (card, model) = (RateCard::default(), ModelVersion::AuroraV1);
    /// let estimate = card.estimate(BillableOperation::Create, &model, 16..=16, 1)?;
    /// assert_eq!(estimate.credits.in_words(), "40 credits");
    /// for other in estimate.by_other_cards() {
    ///     assert_eq!((&*other.rate_card, other.credits.max), ("per-second", 16.into()));
    /// }
    /// # Ok::<(), creatify::credits::EstimateError>(())
    /// ```
    pub fn by_other_cards(&self) -> Vec<Self> {
        let is_used = |card: &RateCard| card.name() == &*self.rate_card;
        if !RateCard::known().iter().any(is_used) {
            return Vec::new();
        }
        let is_of_any_model = self.assumptions.contains(&Assumption::AnyModel);
        let others = RateCard::known().iter().filter(|card| !is_used(card));
        others
            .filter_map(|card| {
                let Self { operation, ref model_version, seconds, count, .. } = *self;
                if is_of_any_model {
                    card.estimate_any_model(operation, seconds, count).ok()
                } else {
                    card.estimate(operation, model_version, seconds, count).ok()
                }
            })
            .filter(|other| other.credits != self.credits)
            .collect()
    }
}

/// A range of credits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CreditRange {
    /// Lowest cost.
    pub min: Credits,
    /// Highest cost. Limits are compared with this.
    pub max: Credits,
}

impl CreditRange {
    /// No credits.
    pub(super) const ZERO: Self = Self { min: Credits::ZERO, max: Credits::ZERO };

    /// Returns the range with its unit: `1 credit`, `5 to 10 credits`.
    pub fn in_words(self) -> String {
        if self.min == self.max { self.max.in_words() } else { format!("{self} credits") }
    }
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

/// An assumption of an estimate that the vendor does not confirm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Assumption {
    /// Started blocks are charged whole, and at least one.
    StartedBlocksAreWhole,
    /// No price is documented; it lies between the create price less the preview price and the
    /// create price.
    PriceDerivedFromCreate,
    /// The model is not known; it may be any model of the rate card.
    AnyModel,
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StartedBlocksAreWhole => "started blocks are charged whole",
            Self::PriceDerivedFromCreate => {
                "no price is documented; it lies between the create price less the preview price \
                 and the create price"
            }
            Self::AnyModel => "the model is not known, so that of any model may be charged",
        })
    }
}

/// Error for a cost that cannot be estimated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EstimateError {
    /// The rate card has no such price.
    #[error("rate card `{rate_card}` has no price for {operation} with model `{model_version}`")]
    NoRate {
        /// Name of the rate card.
        rate_card: String,
        /// Operation to be charged.
        operation: BillableOperation,
        /// Model of the video.
        model_version: ModelVersion,
    },
    /// The amount is too large to hold.
    #[error("the estimated cost is too large to hold")]
    Overflow,
}

const PRICED: &[Assumption] = &[Assumption::StartedBlocksAreWhole];
const DERIVED: &[Assumption] =
    &[Assumption::StartedBlocksAreWhole, Assumption::PriceDerivedFromCreate];
const ANY_MODEL: &[Assumption] = &[Assumption::AnyModel, Assumption::StartedBlocksAreWhole];
const ANY_MODEL_DERIVED: &[Assumption] =
    &[Assumption::AnyModel, Assumption::StartedBlocksAreWhole, Assumption::PriceDerivedFromCreate];

impl RateCard {
    /// Estimates the cost of `count` equal submissions. Offline and free.
    ///
    /// Every video is charged at least one block: a duration of zero is not free, since the service
    /// also shows it while a duration is not known yet.
    ///
    /// # Errors
    ///
    /// When the card has no rate for the operation and model, or the amount is too large to hold.
    ///
    /// ```
    /// use creatify::{ModelVersion, credits::{BillableOperation, RateCard}};
    ///
    /// let (card, model) = (RateCard::default(), ModelVersion::AuroraV1);
    /// let estimate = card.estimate(BillableOperation::Create, &model, 20..=31, 2)?;
    /// // Two to three started blocks of 15 s, 20 credits each, twice.
    /// assert_eq!(estimate.credits.in_words(), "80 to 120 credits");
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
        let ((min, max), basis, assumptions) = match rate.price {
            Price::PerBlock { credits, block } => {
                let price = PerBlock { credits, block };
                let range = (price.of(seconds.min()), price.of(seconds.max()));
                (range, rate.provenance, PRICED)
            }
            Price::Between { min, max } => {
                let create = self.rate_or_error(BillableOperation::Create, model_version)?;
                let preview = self.rate_or_error(BillableOperation::Preview, model_version)?;
                let basis = rate.provenance.max(create.provenance).max(preview.provenance);
                let derived = Derived {
                    create: self.per_block(create, model_version)?,
                    preview: self.per_block(preview, model_version)?,
                };
                let range = (derived.least(min, seconds), derived.most(max, seconds));
                (range, basis, DERIVED)
            }
        };
        let all = |credits: Option<Credits>| {
            credits
                .and_then(|credits| credits.checked_mul(count.into()))
                .ok_or(EstimateError::Overflow)
        };
        Ok(Estimate {
            operation,
            model_version: model_version.clone(),
            rate_card: self.shared_name(),
            count,
            seconds,
            credits: CreditRange { min: all(min)?, max: all(max)? },
            basis,
            assumptions,
        })
    }

    /// Estimates the cost of `count` equal submissions whose model is not known: from the lowest to
    /// the highest cost with any model that this version or the card knows. Offline and free.
    ///
    /// # Errors
    ///
    /// When the card has no rate for the operation with one of these models, which may be the one
    /// in use, or when the amount is too large to hold.
    ///
    /// ```
    /// use creatify::credits::{BillableOperation, RateCard};
    ///
    /// let card = RateCard::default();
    /// let estimate = card.estimate_any_model(BillableOperation::Create, 1..=15, 1)?;
    /// // From 5 with `standard` to 20 with `aurora_v1`.
    /// assert_eq!(estimate.credits.in_words(), "5 to 20 credits");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn estimate_any_model(
        &self,
        operation: BillableOperation,
        seconds: impl Into<DurationRange>,
        count: u32,
    ) -> Result<Estimate, EstimateError> {
        let seconds = seconds.into();
        let own = self.rates().iter().filter_map(|rate| rate.model_version.as_ref());
        let estimates = ModelVersion::KNOWN
            .iter()
            .chain(own)
            .map(|model_version| self.estimate(operation, model_version, seconds, count))
            .collect::<Result<Vec<_>, _>>()?;
        let all = estimates.iter();
        let min = all.clone().map(|estimate| estimate.credits.min).min();
        let basis = all.clone().map(|estimate| estimate.basis).max();
        let is_derived = all
            .clone()
            .any(|estimate| estimate.assumptions.contains(&Assumption::PriceDerivedFromCreate));
        let dearest = all.max_by_key(|estimate| estimate.credits.max);
        let (Some(dearest), Some(min), Some(basis)) = (dearest, min, basis) else {
            return Err(self.no_rate(operation, &ModelVersion::Standard)); // no model is known
        };
        Ok(Estimate {
            credits: CreditRange { min, ..dearest.credits },
            basis,
            assumptions: if is_derived { ANY_MODEL_DERIVED } else { ANY_MODEL },
            ..dearest.clone()
        })
    }

    fn rate_or_error(
        &self,
        operation: BillableOperation,
        model_version: &ModelVersion,
    ) -> Result<&Rate, EstimateError> {
        self.rate(operation, model_version).ok_or_else(|| self.no_rate(operation, model_version))
    }

    /// Returns a price that others are derived from. It must be one by block itself.
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

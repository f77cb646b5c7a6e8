//! What does it cost? The prices of each operation and model, from `x-credit-rates` in `openapi.yaml`.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use creatify_api::{ModelVersion, credit_rates};

use super::{BillableOperation, Bound, Credits, Provenance};

/// A named set of prices.
///
/// The default is the card that `openapi.yaml` names; [`RateCard::known`] lists all of it. The vendor's pages have shown other prices
/// than its documents, so watch what is really charged.
#[derive(Debug, Clone)]
pub struct RateCard {
    name: Arc<str>,
    rates: Vec<Rate>,
}

/// What one operation costs with one model.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Rate {
    /// What is charged.
    pub operation: BillableOperation,
    /// The model it holds for; `None` for every model without a rate of its own.
    pub model_version: Option<ModelVersion>,
    /// How it is charged.
    pub price: Price,
    /// How this is known.
    pub provenance: Provenance,
}

/// How an operation is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Price {
    /// So many credits for every started block of the finished video.
    PerBlock {
        /// Credits for a block.
        credits: Credits,
        /// Length of a block; never zero.
        block: Duration,
    },
    /// Not known; somewhere between two sums of other rates.
    Between {
        /// The least it may be.
        min: Bound,
        /// The most it may be.
        max: Bound,
    },
}

/// A name that no card has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no rate card `{name}`; known are {known}")]
pub struct UnknownRateCard {
    name: String,
    known: String,
}

static KNOWN: LazyLock<Vec<RateCard>> =
    LazyLock::new(|| creatify_api::RATE_CARDS.iter().map(RateCard::from).collect());

impl RateCard {
    /// The cards of `openapi.yaml`.
    pub fn known() -> &'static [Self] {
        &KNOWN
    }

    /// The known card of that name.
    ///
    /// # Errors
    ///
    /// When there is none; the error lists those there are.
    pub fn named(name: &str) -> Result<Self, UnknownRateCard> {
        Self::known().iter().find(|card| card.name() == name).cloned().ok_or_else(|| {
            let known: Vec<_> = Self::known().iter().map(RateCard::name).collect();
            UnknownRateCard { name: name.to_owned(), known: known.join(", ") }
        })
    }

    pub(super) fn new(name: &str, rates: Vec<Rate>) -> Self {
        Self { name: name.into(), rates }
    }

    /// What users choose it by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name, shared.
    pub(crate) fn shared_name(&self) -> Arc<str> {
        self.name.clone()
    }

    /// All its prices.
    pub fn rates(&self) -> &[Rate] {
        &self.rates
    }

    /// The rate of an operation with a model: the model's own, or else the one for every model.
    pub fn rate(
        &self,
        operation: BillableOperation,
        model_version: &ModelVersion,
    ) -> Option<&Rate> {
        let mut of_operation = self.rates.iter().filter(|rate| rate.operation == operation);
        let own =
            of_operation.clone().find(|rate| rate.model_version.as_ref() == Some(model_version));
        own.or_else(|| of_operation.find(|rate| rate.model_version.is_none()))
    }
}

impl Default for RateCard {
    fn default() -> Self {
        Self::from(creatify_api::DEFAULT_RATE_CARD)
    }
}

impl From<&credit_rates::RateCard> for RateCard {
    fn from(card: &credit_rates::RateCard) -> Self {
        Self { name: card.name.into(), rates: card.rates.iter().map(Rate::from).collect() }
    }
}

impl From<&credit_rates::Rate> for Rate {
    fn from(rate: &credit_rates::Rate) -> Self {
        let price = match rate.price {
            credit_rates::Price::PerBlock { credits, block_seconds } => Price::PerBlock {
                credits: credits.into(),
                block: Duration::from_secs(block_seconds.into()),
            },
            credit_rates::Price::Between { min, max } => Price::Between { min, max },
        };
        Self {
            operation: rate.operation,
            model_version: rate.model_version.clone(),
            price,
            provenance: rate.provenance,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_card_prices_every_operation_with_every_known_model() {
        for card in RateCard::known() {
            for operation in BillableOperation::ALL {
                for model in ModelVersion::KNOWN {
                    assert!(
                        card.rate(*operation, model).is_some(),
                        "{} {operation} {model}",
                        card.name()
                    );
                }
            }
        }
    }

    #[test]
    fn a_models_own_rate_goes_before_the_one_for_every_model() {
        let mut card = RateCard::default();
        let special = Price::PerBlock { credits: Credits::from(9), block: Duration::from_secs(1) };
        let own = Rate {
            operation: BillableOperation::Preview,
            model_version: Some(ModelVersion::AuroraV1),
            price: special,
            provenance: Provenance::Observed,
        };
        card.rates.push(own);
        let price = |model| card.rate(BillableOperation::Preview, &model).map(|rate| rate.price);
        assert_eq!(price(ModelVersion::AuroraV1), Some(special));
        assert_ne!(price(ModelVersion::Standard), Some(special));
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let message = RateCard::named("gold").unwrap_err().to_string();
        assert!(message.contains("blocks") && message.contains("per-second"), "{message}");
    }
}

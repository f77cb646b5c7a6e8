//! Rate cards: the prices of each operation and model, from `x-credit-rates` in `openapi.yaml`.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use creatify_api::{ModelVersion, credit_rates};

use super::{BillableOperation, Bound, Credits, Provenance};

/// A named set of prices.
///
/// The default is the default card of `openapi.yaml`; [`RateCard::known`] lists all of them. The
/// vendor's pages show other prices than its documents, so compare estimates with charges
/// ([`Mismatch`](super::Mismatch)).
#[derive(Debug, Clone)]
#[doc(alias = "price")]
#[doc(alias = "pricing")]
pub struct RateCard {
    name: Arc<str>,
    description: Arc<str>,
    rates: Vec<Rate>,
}

/// The price of one operation with one model.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Rate {
    /// Operation that is charged.
    pub operation: BillableOperation,
    /// Model that the price applies to; `None` for every model without a rate of its own.
    pub model_version: Option<ModelVersion>,
    /// Price.
    pub price: Price,
    /// Provenance of the price.
    pub provenance: Provenance,
}

/// A price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Price {
    /// A price for every started block of the finished video.
    PerBlock {
        /// Credits for one block.
        credits: Credits,
        /// Length of a block; never zero.
        block: Duration,
    },
    /// An undocumented price, between two sums of other rates.
    Between {
        /// Lower bound.
        min: Bound,
        /// Upper bound.
        max: Bound,
    },
}

/// Error for a name that no known rate card has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no rate card `{name}`; the known cards are {known}")]
pub struct UnknownRateCard {
    name: String,
    known: String,
}

static KNOWN: LazyLock<Vec<RateCard>> =
    LazyLock::new(|| creatify_api::RATE_CARDS.iter().map(RateCard::from).collect());

impl RateCard {
    /// Returns the rate cards of `openapi.yaml`.
    pub fn known() -> &'static [Self] {
        &KNOWN
    }

    /// Returns the known rate card with this name.
    ///
    /// # Errors
    ///
    /// When there is none; the error lists the known names.
    pub fn named(name: &str) -> Result<Self, UnknownRateCard> {
        Self::known().iter().find(|card| card.name() == name).cloned().ok_or_else(|| {
            let known: Vec<_> = Self::known().iter().map(RateCard::name).collect();
            UnknownRateCard { name: name.to_owned(), known: known.join(", ") }
        })
    }

    pub(super) fn new(name: &str, description: &str, rates: Vec<Rate>) -> Self {
        Self { name: name.into(), description: description.into(), rates }
    }

    /// Returns the name by which users choose it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name, shared.
    pub(crate) fn shared_name(&self) -> Arc<str> {
        self.name.clone()
    }

    /// Returns the source of the prices in words; empty when the card does not tell it.
    ///
    /// ```
    /// use creatify::credits::RateCard;
    ///
    /// let card = RateCard::named("per-second")?;
    /// assert_eq!(card.description(), "The prices of the vendor's public pages in mid-2026.");
    /// # Ok::<(), creatify::credits::UnknownRateCard>(())
    /// ```
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Returns all prices.
    pub fn rates(&self) -> &[Rate] {
        &self.rates
    }

    /// Returns the rate of an operation with a model: the model's own, or else the one for every
    /// model.
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
        Self::new(card.name, card.description, card.rates.iter().map(Rate::from).collect())
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
    fn every_known_card_has_a_price_for_every_operation_and_model() {
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
    fn a_rate_of_the_model_precedes_the_rate_for_every_model() {
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
    fn an_unknown_name_is_an_error_with_the_known_names() {
        let message = RateCard::named("gold").unwrap_err().to_string();
        assert!(message.contains("blocks") && message.contains("per-second"), "{message}");
    }
}

//! Rate cards of the user, in YAML or JSON, in the form of the cards in `openapi.yaml`.

use std::{collections::HashMap, time::Duration};

use creatify_api::ModelVersion;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{BillableOperation, Bound, Credits, Price, Provenance, Rate, RateCard};
use crate::http::error_response::shortened;

/// Longest block, in seconds: a day.
const MAX_BLOCK_SECONDS: u32 = 24 * 60 * 60;

/// Error in a rate card file, with its line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct InvalidRateCard {
    /// Line number, from 1.
    pub line: u64,
    /// Problem on that line.
    pub problem: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CardFile {
    name: Spanned<String>,
    #[serde(default)]
    description: String,
    rates: Spanned<Vec<Spanned<RateLine>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateLine {
    operation: BillableOperation,
    model_version: Option<String>,
    credits: Option<Credits>,
    block_seconds: Option<u32>,
    between: Option<[Bound; 2]>,
    provenance: Option<Provenance>,
}

impl RateCard {
    /// Parses a rate card of your own, such as negotiated prices. JSON is YAML, so it is read too.
    ///
    /// # Errors
    ///
    /// With the line, when the text is not a rate card, has two rates for the same operation and
    /// model, or derives a rate from others that are missing.
    ///
    /// ```
    /// use creatify::credits::RateCard;
    ///
    /// let card = RateCard::from_yaml("
    /// name: negotiated
    /// description: Our contract of 2026.
    /// rates:
    ///   - { operation: preview, credits: 1, block_seconds: 30 }
    ///   - { operation: create, credits: 4.5, block_seconds: 30, provenance: documented }
    ///   - { operation: create, model_version: aurora_v1, credits: 0.9, block_seconds: 1 }
    ///   - { operation: render, between: [create_less_preview, create] }
    /// ")?;
    /// assert_eq!(card.name(), "negotiated");
    ///
    /// let error = RateCard::from_yaml("
    /// name: x
    /// rates:
    ///   - { operation: preview, credits: -1, block_seconds: 30 }
    /// ").unwrap_err();
    /// assert_eq!(error.line, 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_yaml(text: &str) -> Result<Self, InvalidRateCard> {
        let file: CardFile = serde_saphyr::from_str(text).map_err(|error| InvalidRateCard {
            line: error.location().map_or(1, |location| location.line()),
            problem: shortened(&error.without_snippet().to_string()),
        })?;
        if file.name.value.trim().is_empty() {
            return Err(invalid(&file.name, "the name is empty"));
        }
        let mut seen = HashMap::new();
        let mut rates = Vec::new();
        for line in &file.rates.value {
            let rate = rate(line)?;
            if let Some(before) =
                seen.insert((rate.operation, rate.model_version.clone()), line.referenced.line())
            {
                return Err(invalid(
                    line,
                    format!("line {before} already has a rate for this operation and model"),
                ));
            }
            rates.push(rate);
        }
        let card = Self::new(&file.name.value, &file.description, rates);
        if card.rates().is_empty() {
            return Err(invalid(&file.rates, "the card has no rates"));
        }
        // A derived rate needs the prices that it is derived from.
        for (rate, line) in card.rates().iter().zip(&file.rates.value) {
            if let Price::Between { .. } = rate.price {
                let model = rate.model_version.clone().unwrap_or(ModelVersion::Standard);
                card.estimate(rate.operation, &model, Duration::from_secs(1), 1).map_err(
                    |error| invalid(line, format!("this rate is derived from others, but {error}")),
                )?;
            }
        }
        Ok(card)
    }
}

fn rate(line: &Spanned<RateLine>) -> Result<Rate, InvalidRateCard> {
    let price = match (&line.value.between, line.value.credits, line.value.block_seconds) {
        (None, Some(credits), Some(seconds)) => {
            if credits.is_negative() {
                return Err(invalid(line, format!("the price of {credits} is below zero")));
            }
            if !(1..=MAX_BLOCK_SECONDS).contains(&seconds) {
                return Err(invalid(
                    line,
                    format!("block_seconds must be from 1 to {MAX_BLOCK_SECONDS}"),
                ));
            }
            Price::PerBlock { credits, block: Duration::from_secs(seconds.into()) }
        }
        (Some([min, max]), None, None) => Price::Between { min: *min, max: *max },
        _ => {
            return Err(invalid(line, "a rate needs either credits and block_seconds, or between"));
        }
    };
    Ok(Rate {
        operation: line.value.operation,
        model_version: line.value.model_version.as_deref().map(ModelVersion::from),
        price,
        provenance: line.value.provenance.unwrap_or(Provenance::Documented),
    })
}

fn invalid<T>(place: &Spanned<T>, problem: impl Into<String>) -> InvalidRateCard {
    InvalidRateCard { line: place.referenced.line(), problem: shortened(&problem.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_line() {
        let rates = |lines: &str| {
            let preview = "  - { operation: preview, credits: 1, block_seconds: 30 }";
            format!("name: mine\nrates:\n{preview}\n{lines}")
        };
        for (text, line, word) in [
            (rates("  - { operation: preview, credits: 2, block_seconds: 30 }"), 4, "line 3"),
            (rates("  - { operation: create, credits: -1, block_seconds: 30 }"), 4, "below zero"),
            (rates("  - { operation: create, credits: 1, block_seconds: 0 }"), 4, "block_seconds"),
            (rates("  - { operation: create, credits: 1 }"), 4, "either"),
            (rates("  - { operation: create, credits: lots, block_seconds: 30 }"), 4, ""),
            (rates("  - { operation: destroy, credits: 1, block_seconds: 30 }"), 4, "destroy"),
            (rates("  - { operation: create, price: 1, block_seconds: 30 }"), 4, "price"),
            (
                rates("  - { operation: render, between: [create_less_preview, create] }"),
                4,
                "derived",
            ),
            (rates("  - { operation: render, between: [create, nothing] }"), 4, "nothing"),
            ("name: mine\nrates: []\n".to_owned(), 2, "no rates"),
            ("name: ' '\nrates: []\n".to_owned(), 1, "empty"),
            ("rates: [".to_owned(), 1, ""),
        ] {
            let error = RateCard::from_yaml(&text).unwrap_err();
            assert_eq!(error.line, line, "{text}\n{error}");
            assert!(error.to_string().contains(word), "{text}\n{error}");
        }
    }

    #[test]
    fn error_messages_are_short() {
        let long = "x".repeat(10_000);
        for text in [
            format!("name: x\nrates:\n  - {long}"),
            format!("name: x\nrates:\n  - {{ operation: {long} }}"),
            long,
        ] {
            assert!(RateCard::from_yaml(&text).unwrap_err().to_string().len() < 400);
        }
    }

    #[test]
    fn json_is_read_too() {
        let json = r#"{"name": "mine",
            "rates": [{"operation": "create", "credits": 0.1, "block_seconds": 1}]}"#;
        let card = RateCard::from_yaml(json).unwrap();
        let estimate = card
            .estimate(BillableOperation::Create, &ModelVersion::Standard, Duration::from_secs(3), 1)
            .unwrap();
        assert_eq!(estimate.credits.max, "0.3".parse().unwrap());
    }
}

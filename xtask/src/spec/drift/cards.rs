//! Stated prices, compared with the rate cards of `x-credit-rates`.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    amounts::{PerBlock, Unclear},
    compare::{Finding, Kind, Quoted},
    prices::{Statement, Subject},
};
use crate::spec::document::{decimal, items, members};

/// `x-credit-rates` of our document.
pub struct Cards<'d> {
    default: &'d str,
    cards: &'d Value,
}

/// Rate of a card for a subject.
enum Rate<'d> {
    PerBlock(PerBlock, &'d str),
    Between(&'d str),
}

impl<'d> Cards<'d> {
    pub fn of(document: &'d Value) -> Self {
        let rates = &document["x-credit-rates"];
        Self { default: rates["default"].as_str().unwrap_or_default(), cards: &rates["cards"] }
    }

    /// Returns the models that have prices.
    pub fn models(&self) -> impl Iterator<Item = &'d str> {
        members(self.cards)
            .flat_map(|(_, card)| items(&card["rates"]))
            .filter_map(|rate| rate["model_version"].as_str())
    }

    /// Compares a price with every card. One that fits no card is a difference; one that fits
    /// another card than the default is a remark, since the vendor has stated both.
    pub fn compare(&self, statement: &Statement) -> Finding {
        let quoted = Quoted { line: statement.line + 1, words: statement.words.clone() };
        let finding = |kind, place: String, fact: String, ours: Option<String>| {
            let theirs = statement.price.map(in_words);
            Finding { kind, place, fact, theirs, ours, provenance: None, quoted: Some(quoted) }
        };
        let (subject, price) = match (&statement.subject, statement.price) {
            (Ok(subject), Some(price)) => (subject, price),
            (subject, _) => {
                let unclear = subject.as_ref().err().unwrap_or(&Unclear::NoLength);
                let why = unclear.why().to_owned();
                return finding(Kind::NotClear, "a price".to_owned(), why, None);
            }
        };
        let rates = self.rates(subject);
        let fits = rates
            .iter()
            .filter(|(_, rate)| matches!(rate, Rate::PerBlock(own, _) if *own == price))
            .map(|(card, _)| *card);
        let fits: Vec<_> = fits.collect();
        let of_models =
            rates.is_empty() && subject.model.is_none() && self.has_models(&subject.operation);
        let (kind, fact) = match fits.as_slice() {
            [] if of_models => (Kind::NotClear, "it does not say with which model".to_owned()),
            [] if rates.is_empty() => (Kind::TheyHave, "no card has a rate for it".to_owned()),
            [] => (Kind::Differs, "fits no card".to_owned()),
            fits if fits.contains(&self.default) => {
                (Kind::Agrees, format!("as on card {}", fits.join(" and ")))
            }
            fits => (
                Kind::Remark,
                format!("as on card {}, not on the default, {}", fits.join(" and "), self.default),
            ),
        };
        let ours = rates.iter().map(|(card, rate)| match rate {
            Rate::PerBlock(own, mark) => format!("{} on card {card} ({mark})", in_words(*own)),
            Rate::Between(mark) => format!("only a range on card {card} ({mark})"),
        });
        let ours = (!rates.is_empty()).then(|| ours.collect::<Vec<_>>().join(", "));
        let model =
            subject.model.as_deref().map(|model| format!(" with {model}")).unwrap_or_default();
        finding(kind, format!("price of {}{model}", subject.operation), fact, ours)
    }

    /// Returns the rate of a subject on each card: that of the model, or that of every model.
    fn rates(&self, subject: &Subject) -> BTreeMap<&'d str, Rate<'d>> {
        let rate = |card: &'d Value| {
            let of_operation = || {
                items(&card["rates"]).filter(|rate| rate["operation"] == subject.operation.as_str())
            };
            let of_model = of_operation()
                .find(|rate| rate["model_version"].as_str() == subject.model.as_deref());
            let rate =
                of_model.or_else(|| of_operation().find(|rate| rate["model_version"].is_null()))?;
            let mark = rate["provenance"].as_str().unwrap_or("unknown");
            Some(match (decimal(&rate["credits"]), decimal(&rate["block_seconds"])) {
                (Some(credits), Some(seconds)) => {
                    Rate::PerBlock(PerBlock { credits, seconds }, mark)
                }
                _ => Rate::Between(mark),
            })
        };
        members(self.cards).filter_map(|(name, card)| Some((name.as_str(), rate(card)?))).collect()
    }

    fn has_models(&self, operation: &str) -> bool {
        members(self.cards)
            .flat_map(|(_, card)| items(&card["rates"]))
            .any(|rate| rate["operation"] == operation)
    }
}

fn in_words(PerBlock { credits, seconds }: PerBlock) -> String {
    let (credits, seconds) = (credits.normalize(), seconds.normalize());
    let plural = if credits == Decimal::ONE { "" } else { "s" };
    if seconds == Decimal::ONE {
        format!("{credits} credit{plural} a second")
    } else {
        format!("{credits} credit{plural} for every {seconds} s")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Returns the result for a price on the cards below.
    fn kind(operation: &str, model: Option<&str>, credits: &str, seconds: u32) -> Kind {
        let document = json!({ "x-credit-rates": { "default": "blocks", "cards": {
            "blocks": { "rates": [
                { "operation": "preview", "credits": 1, "block_seconds": 30 },
                { "operation": "create", "model_version": "fast", "credits": 10, "block_seconds": 15 },
                { "operation": "render", "model_version": "fast", "between": ["create_less_preview", "create"] },
            ] },
            "per-second": { "rates": [{ "operation": "create", "model_version": "fast", "credits": 0.5, "block_seconds": 1 }] },
        } } });
        let subject = Subject { operation: operation.to_owned(), model: model.map(str::to_owned) };
        let price =
            PerBlock { credits: credits.parse().unwrap_or_default(), seconds: seconds.into() };
        let statement =
            Statement { subject: Ok(subject), price: Some(price), words: String::new(), line: 0 };
        Cards::of(&document).compare(&statement).kind
    }

    #[test]
    fn a_price_is_compared_by_its_credits_and_its_length_exactly() {
        let fast = |credits, seconds| kind("create", Some("fast"), credits, seconds);
        assert_eq!([fast("10", 15), fast("10.0", 15)], [Kind::Agrees; 2]);
        assert_eq!([fast("0.5", 1), fast("0.50", 1)], [Kind::Remark; 2]);
        // The same price a second, but a video of 16 s costs 20 instead of 30.
        assert_eq!(
            [fast("20", 30), fast("10", 30), fast("10.01", 15), fast("0.51", 1)],
            [Kind::Differs; 4]
        );
    }

    #[test]
    fn a_rate_without_model_applies_to_each_model_and_a_range_is_no_price() {
        assert_eq!(
            [kind("preview", None, "1", 30), kind("preview", Some("fast"), "1", 30)],
            [Kind::Agrees; 2]
        );
        assert_eq!(kind("render", Some("fast"), "9", 15), Kind::Differs);
        assert_eq!(kind("create", Some("slow"), "9", 15), Kind::TheyHave);
        assert_eq!(kind("create", None, "10", 15), Kind::NotClear);
    }
}

//! What changed about money? Redocly does not look at `x-credit-rates`, `x-plans` and `x-billing`.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::Value;

use super::change::{Change, Weight, Whom};
use crate::spec::document::{decimal, items, members, operations};

/// What a document says of money, in words that can be compared, by what it is about.
type Prices = BTreeMap<String, Price>;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Price {
    words: String,
    /// By which it can be said how much dearer it became.
    amount: Option<Decimal>,
}

pub fn money(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut compare = |before: &Prices, after: &Prices| {
        for (what, price) in before {
            match after.get(what) {
                None => changes
                    .push(decision(format!("{what}: no longer has a price (was {})", price.words))),
                Some(now) if now != price => {
                    changes.push(decision(format!("{what}: {}", price.becomes(now))))
                }
                Some(_) => {}
            }
        }
        for (what, price) in after.iter().filter(|(what, _)| !before.contains_key(*what)) {
            changes.push(Change::new(
                Weight::Additive,
                Whom::Money,
                format!("{what}: {} is new", price.words),
            ));
        }
    };
    compare(&rates(before), &rates(after));
    compare(&plans(before), &plans(after));
    let (billing_before, billing_after) = (billing(before), billing(after));
    for (operation, price) in &billing_before {
        if let Some(now) = billing_after.get(operation).filter(|now| *now != price) {
            changes.push(decision(format!("{operation}: {}", price.becomes(now))));
        }
    }
    changes
}

fn decision(what: String) -> Change {
    Change::new(Weight::Decision, Whom::Money, what)
        .so("estimates, limits and the sandbox follow it")
}

impl Price {
    fn becomes(&self, now: &Self) -> String {
        let percent = self.amount.zip(now.amount).and_then(|(before, now)| {
            let change = now
                .checked_div(before)?
                .checked_sub(Decimal::ONE)?
                .checked_mul(Decimal::ONE_HUNDRED)?;
            let sign = if change.is_sign_positive() { "+" } else { "" };
            (!change.is_zero()).then(|| format!(" ({sign}{} %)", change.round_dp(1).normalize()))
        });
        format!("{} becomes {}{}", self.words, now.words, percent.unwrap_or_default())
    }
}

/// The rates by card, operation and model, and which card is the default.
fn rates(document: &Value) -> Prices {
    let rates = &document["x-credit-rates"];
    let default = Price { words: text(&rates["default"]), amount: None };
    let mut prices = Prices::from([("the default rate card".to_owned(), default)]);
    for (card, value) in members(&rates["cards"]) {
        for rate in items(&value["rates"]) {
            let model = rate["model_version"].as_str().unwrap_or("any model");
            let price = match (decimal(&rate["credits"]), decimal(&rate["block_seconds"])) {
                (Some(credits), Some(seconds)) => Price {
                    words: format!("{} / {} s", credits.normalize(), seconds),
                    amount: credits.checked_div(seconds),
                },
                _ => Price {
                    words: items(&rate["between"]).map(text).collect::<Vec<_>>().join(" to "),
                    amount: None,
                },
            };
            prices
                .insert(format!("{} with {model} on card {card}", text(&rate["operation"])), price);
        }
    }
    prices
}

fn plans(document: &Value) -> Prices {
    let price = |plan: &Value| {
        let (credits, dollars) = (decimal(&plan["credits"])?, decimal(&plan["usd_per_month"])?);
        let words =
            format!("{} credits for {} USD a month", credits.normalize(), dollars.normalize());
        Some((
            format!("plan {}", text(&plan["name"])),
            Price { words, amount: dollars.checked_div(credits) },
        ))
    };
    items(&document["x-plans"]).filter_map(price).collect()
}

/// At which rate each operation is charged.
fn billing(document: &Value) -> Prices {
    let operations = operations(document);
    let rate = |value: &Value| Price { words: text(&value["x-billing"]), amount: None };
    operations
        .map(|operation| {
            (format!("{} {}", operation.method, operation.path), rate(operation.value))
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(rates: &Value, default: &str, plans: &Value, billing: &str) -> Value {
        json!({
            "paths": { "/jobs/": { "post": { "x-billing": billing } } },
            "x-credit-rates": { "default": default, "cards": { "blocks": { "rates": rates } } },
            "x-plans": plans,
        })
    }

    #[test]
    fn everything_that_someone_pays_by_is_a_decision_when_it_changes() {
        let rate = |operation: &str, credits: Value| json!({ "operation": operation, "credits": credits, "block_seconds": 30 });
        let plan =
            |dollars: u8| json!([{ "name": "Starter", "credits": 500, "usd_per_month": dollars }]);
        let before = document(
            &json!([rate("create", json!(0.3)), rate("render", json!(4))]),
            "blocks",
            &plan(99),
            "free",
        );
        let after = document(
            &json!([rate("create", json!(0.1)), rate("preview", json!(1))]),
            "per-second",
            &plan(100),
            "create",
        );
        let said: Vec<_> = money(&before, &after)
            .into_iter()
            .map(|change| format!("{:?}: {}", change.weight, change.what))
            .collect();
        assert_eq!(
            said,
            [
                "Decision: create with any model on card blocks: 0.3 / 30 s becomes 0.1 / 30 s (-66.7 %)",
                "Decision: render with any model on card blocks: no longer has a price (was 4 / 30 s)",
                "Decision: the default rate card: blocks becomes per-second",
                "Additive: preview with any model on card blocks: 1 / 30 s is new",
                "Decision: plan Starter: 500 credits for 99 USD a month becomes 500 credits for 100 USD a month (+1 %)",
                "Decision: POST /jobs/: free becomes create",
            ]
        );
        assert_eq!(money(&before, &before), []);
    }
}

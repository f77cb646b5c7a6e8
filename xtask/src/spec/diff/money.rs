//! Changes of money: `x-credit-rates`, `x-plans` and `x-billing`, which Redocly does not compare.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::Value;

use super::change::{Audience, Change, Weight};
use crate::spec::document::{decimal, items, members, operations};

/// Prices of a document in comparable words, by subject.
type Prices = BTreeMap<String, Price>;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Price {
    words: String,
    /// Comparable amount, to express a change in percent.
    amount: Option<Decimal>,
}

pub fn money(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut compare = |before: &Prices, after: &Prices| {
        for (subject, price) in before {
            match after.get(subject) {
                None => changes.push(decision(format!(
                    "{subject}: no longer has a price (was {})",
                    price.words
                ))),
                Some(now) if now != price => {
                    changes.push(decision(format!("{subject}: {}", price.becomes(now))))
                }
                Some(_) => {}
            }
        }
        for (subject, price) in after.iter().filter(|(subject, _)| !before.contains_key(*subject)) {
            changes.push(Change::new(
                Weight::Additive,
                Audience::Money,
                format!("{subject}: {} is new", price.words),
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

fn decision(subject: String) -> Change {
    Change::new(Weight::Decision, Audience::Money, subject)
        .note("estimates, limits and the sandbox follow it")
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

/// Returns the rates by card, operation and model, and the default card.
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

/// Returns the rate of each operation.
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
    fn every_change_of_a_rate_a_plan_or_a_billing_needs_a_decision() {
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
        let found: Vec<_> = money(&before, &after)
            .into_iter()
            .map(|change| format!("{:?}: {}", change.weight, change.text))
            .collect();
        assert_eq!(
            found,
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

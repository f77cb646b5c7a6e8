//! Consistency of the price and estimate files for other languages with this workspace.
//!
//! `UPDATE_DOCS=1 cargo test -p creatify-tests --test credit_files` writes them anew.

#![allow(clippy::unwrap_used)] // a test file

use std::{fmt::Write, fs, path::Path, time::Duration};

use creatify::{
    ModelVersion,
    credits::{BillableOperation, Credits, DurationRange, RateCard},
};
use creatify_api::{
    DEFAULT_RATE_CARD, PLANS, RATE_CARDS,
    credit_rates::{Price, Rate},
};
use serde_json::{Value, json};

/// Compares a file in `clients/`, or writes it.
fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, text).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == text,
        "clients/{name} is stale: UPDATE_DOCS=1 cargo test -p creatify-tests --test credit_files"
    );
}

/// Returns an amount as text: JSON has no decimals, and money must not be a float.
fn amount(amount: creatify_api::credit_rates::Amount) -> Value {
    Credits::from(amount).to_string().into()
}

fn rate(rate: &Rate) -> Value {
    let mut written = json!({ "operation": rate.operation });
    if let Some(model) = &rate.model_version {
        written["model_version"] = json!(model);
    }
    match rate.price {
        Price::PerBlock { credits, block_seconds } => {
            written["credits"] = amount(credits);
            written["block_seconds"] = json!(block_seconds);
        }
        Price::Between { min, max } => written["between"] = json!([min, max]),
    }
    written["provenance"] = json!(rate.provenance);
    written
}

#[test]
fn credit_rates_json_has_the_prices_of_the_specification() {
    let cards = RATE_CARDS.iter().map(|card| {
        let rates: Vec<_> = card.rates.iter().map(rate).collect();
        (card.name.to_owned(), json!({ "description": card.description, "rates": rates }))
    });
    let plans = PLANS
        .iter()
        .map(|plan| json!({ "name": plan.name, "credits": amount(plan.credits), "usd_per_month": amount(plan.usd_per_month) }));
    let file = json!({
        "about": "The prices of openapi.yaml, amounts as exact decimals. Generated; do not edit.",
        "default": DEFAULT_RATE_CARD.name,
        "cards": cards.collect::<serde_json::Map<_, _>>(),
        "plans": plans.collect::<Vec<_>>(),
    });
    check("credit-rates.json", &(serde_json::to_string_pretty(&file).unwrap() + "\n"));
}

/// Returns durations around the ends of blocks, to the nanosecond, and ranges in which the cheapest
/// or dearest duration is not at an end.
const SECONDS: [&str; 20] = [
    "0",
    "0.000000001",
    "1",
    "14.999999999",
    "15",
    "15.000000001",
    "28.5",
    "30",
    "30.000000001",
    "31",
    "45",
    "60",
    "61",
    "3600",
    "20..45",
    "0..31",
    "29..31",
    "14.5..15.5",
    "15..60.5",
    "29.999999999..600",
];

fn digits(duration: Duration) -> String {
    let digits = format!("{}.{:09}", duration.as_secs(), duration.subsec_nanos());
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn vector(
    card: &RateCard,
    operation: BillableOperation,
    model: &ModelVersion,
    seconds: DurationRange,
    count: u32,
) -> Value {
    let credits = card.estimate(operation, model, seconds, count).ok();
    json!({
        "rate_card": card.name(),
        "operation": operation,
        "model_version": model,
        "seconds": { "min": digits(seconds.min()), "max": digits(seconds.max()) },
        "count": count,
        "credits": credits.map(|estimate| {
            json!({ "min": estimate.credits.min.to_string(), "max": estimate.credits.max.to_string() })
        }),
    })
}

#[test]
fn estimates_json_has_the_estimates_of_the_library() {
    let unheard_of = ModelVersion::from("aurora_v9");
    let mut vectors = Vec::new();
    for card in RateCard::known() {
        for operation in BillableOperation::ALL {
            for model in ModelVersion::KNOWN.iter().chain([&unheard_of]) {
                for (seconds, count) in SECONDS.iter().zip([1, 7].into_iter().cycle()) {
                    vectors.push(vector(card, *operation, model, seconds.parse().unwrap(), count));
                }
            }
        }
    }
    assert!(
        vectors.iter().any(|vector| vector["credits"].is_null()),
        "what has no price has no estimate"
    );
    assert!(vectors.iter().any(|vector| vector["credits"]["min"] != vector["credits"]["max"]));
    let mut file = String::from("[\n");
    for (place, vector) in vectors.iter().enumerate() {
        let comma = if place + 1 < vectors.len() { "," } else { "" };
        // One per line, so that a diff shows which changed.
        writeln!(file, "{vector}{comma}").unwrap();
    }
    check("estimates.json", &(file + "]\n"));
}

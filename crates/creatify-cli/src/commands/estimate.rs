//! `estimate`: what would it cost? Offline and free.

use creatify::credits::{
    CreditRange, Estimate, EstimateError, Plan, PlanEstimate, UsdPerCredit, UsdRange,
};
use serde::Serialize;

use crate::{args, exit::Failure, output, session::Session};

/// An estimate, with its price in dollars when that was asked for.
#[derive(Serialize)]
struct Priced<T> {
    #[serde(flatten)]
    estimate: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    usd: Option<Usd>,
}

/// As text: JSON has no decimals, and dollars want none of its floats.
#[derive(Serialize)]
struct Usd {
    min: String,
    max: String,
}

pub(crate) fn estimate(session: &Session, options: &args::Estimate) -> Result<(), Failure> {
    let price = options.usd_per_credit.or(options.plan_name);
    let wrong = |error: EstimateError| Failure::usage(error.to_string());
    if let Some(path) = &options.plan {
        let wrong_plan = |error: &dyn std::fmt::Display| {
            Failure::usage(format!("--plan {}: {error}", path.display()))
        };
        let text = std::fs::read_to_string(path).map_err(|error| wrong_plan(&error))?;
        let plan: Plan = serde_json::from_str(&text).map_err(|error| wrong_plan(&error))?;
        let estimate = plan.estimate(session.rate_card()).map_err(wrong)?;
        let usd = dollars(price, estimate.credits)?;
        let text = plan_text(&estimate, usd.as_ref());
        return output::show(session, &Priced { estimate, usd }, || text);
    }
    let (Some(operation), Some(seconds)) = (options.operation, options.seconds) else {
        return Err(Failure::usage("give --operation and --seconds, or --plan")); // clap says so first
    };
    let estimate = session
        .rate_card()
        .estimate(operation, &options.model_version, seconds, options.count)
        .map_err(wrong)?;
    let usd = dollars(price, estimate.credits)?;
    let text = estimate_text(&estimate, usd.as_ref());
    output::show(session, &Priced { estimate, usd }, || text)
}

fn dollars(price: Option<UsdPerCredit>, credits: CreditRange) -> Result<Option<Usd>, Failure> {
    let Some(price) = price else { return Ok(None) };
    let UsdRange { min, max, .. } =
        price.price(credits).ok_or_else(|| Failure::usage("the price is too large to compute"))?;
    Ok(Some(Usd { min: min.to_string(), max: max.to_string() }))
}

fn usd_text(usd: &Usd) -> String {
    if usd.min == usd.max { usd.max.clone() } else { format!("{} to {}", usd.min, usd.max) }
}

fn estimate_text(estimate: &Estimate, usd: Option<&Usd>) -> String {
    let mut rows = vec![("credits", estimate.credits.to_string())];
    rows.extend(usd.map(|usd| ("US dollars", usd_text(usd))));
    let what = format!(
        "{} × {} of {}, {}",
        estimate.count, estimate.operation, estimate.seconds, estimate.model_version
    );
    rows.extend([
        ("for", what),
        ("rate card", format!("{} (basis: {})", estimate.rate_card, estimate.basis)),
    ]);
    rows.extend(estimate.assumptions.iter().map(|assumption| ("assuming", assumption.to_string())));
    output::aligned(&rows)
}

fn plan_text(plan: &PlanEstimate, usd: Option<&Usd>) -> String {
    let row = |estimate: &Estimate| {
        let credits = estimate.credits.to_string();
        vec![
            format!("{} × {}", estimate.count, estimate.operation),
            estimate.model_version.to_string(),
            estimate.seconds.to_string(),
            credits,
        ]
    };
    let mut rows: Vec<_> = plan.steps.iter().map(row).collect();
    rows.push(vec!["total".to_owned(), String::new(), String::new(), plan.credits.to_string()]);
    rows.extend(
        usd.map(|usd| vec!["US dollars".to_owned(), String::new(), String::new(), usd_text(usd)]),
    );
    output::table(&["STEP", "MODEL", "SECONDS", "CREDITS"], &rows)
}

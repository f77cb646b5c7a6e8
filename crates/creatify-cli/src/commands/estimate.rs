//! `estimate`: the cost of submissions; offline and free.

use creatify::credits::{
    CreditRange, Estimate, EstimateError, Plan, PlanEstimate, UsdPerCredit, UsdRange,
};
use serde::Serialize;

use crate::{
    args,
    error::CliError,
    output::{
        ResultText,
        layout::{self, credits_in_words},
    },
    session::Session,
};

/// An estimate, with its price in dollars if that was asked for.
#[derive(Serialize)]
struct Priced<T> {
    #[serde(flatten)]
    estimate: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    usd: Option<Usd>,
}

/// US dollars as text: JSON has floats only.
#[derive(Serialize)]
struct Usd {
    min: String,
    max: String,
}

pub(crate) fn estimate(session: &Session, options: &args::Estimate) -> Result<(), CliError> {
    let price = options.usd_per_credit.or(options.plan_name);
    let wrong = |error: EstimateError| CliError::usage(error.to_string());
    if let Some(path) = &options.plan {
        let wrong_plan = |error: &dyn std::fmt::Display| {
            CliError::usage(format!("--plan {}: {error}", path.display()))
        };
        let text = std::fs::read_to_string(path).map_err(|error| wrong_plan(&error))?;
        let plan: Plan = serde_json::from_str(&text).map_err(|error| wrong_plan(&error))?;
        let estimate = plan.estimate(session.rate_card()).map_err(wrong)?;
        let usd = dollars(price, estimate.credits)?;
        let text = plan_text(&estimate, usd.as_ref());
        let short = estimate.credits.to_string();
        return session.output.show(&Priced { estimate, usd }, || ResultText { full: text, short });
    }
    let (Some(operation), Some(seconds)) = (options.operation, options.seconds) else {
        return Err(CliError::usage("give --operation and --seconds, or --plan"));
    };
    let estimate = session
        .rate_card()
        .estimate(operation, &options.model_version, seconds, options.count)
        .map_err(wrong)?;
    let usd = dollars(price, estimate.credits)?;
    let text = estimate_text(&estimate, usd.as_ref());
    let short = estimate.credits.to_string();
    session.output.show(&Priced { estimate, usd }, || ResultText { full: text, short })
}

fn dollars(price: Option<UsdPerCredit>, credits: CreditRange) -> Result<Option<Usd>, CliError> {
    let Some(price) = price else { return Ok(None) };
    let UsdRange { min, max, .. } =
        price.price(credits).ok_or_else(|| CliError::usage("the price is too large to compute"))?;
    Ok(Some(Usd { min: min.to_string(), max: max.to_string() }))
}

/// Returns dollars as people write them: `$9.50`, `$5.148 to $8.316`.
fn usd_text(usd: &Usd) -> String {
    let with_cents = |amount: &str| match amount.split_once('.') {
        None => format!("${amount}.00"),
        Some((whole, cents)) => format!("${whole}.{cents:0<2}"),
    };
    if usd.min == usd.max {
        with_cents(&usd.max)
    } else {
        format!("{} to {}", with_cents(&usd.min), with_cents(&usd.max))
    }
}

fn estimate_text(estimate: &Estimate, usd: Option<&Usd>) -> String {
    let mut rows = vec![("cost", credits_in_words(&estimate.credits))];
    rows.extend(usd.map(|usd| ("in dollars", usd_text(usd))));
    let submissions = format!(
        "{} × {} of {}, {}",
        estimate.count, estimate.operation, estimate.seconds, estimate.model_version
    );
    rows.extend([
        ("for", submissions),
        ("rate card", format!("{} (basis: {})", estimate.rate_card, estimate.basis)),
    ]);
    rows.extend(estimate.assumptions.iter().map(|assumption| ("assuming", assumption.to_string())));
    layout::aligned(&rows)
}

fn plan_text(plan: &PlanEstimate, usd: Option<&Usd>) -> String {
    let row = |estimate: &Estimate| {
        vec![
            format!("{} × {}", estimate.count, estimate.operation),
            estimate.model_version.to_string(),
            estimate.seconds.to_string(),
            credits_in_words(&estimate.credits),
        ]
    };
    let total =
        |name: &str, amount: String| vec![name.to_owned(), String::new(), String::new(), amount];
    let mut rows: Vec<_> = plan.steps.iter().map(row).collect();
    rows.push(total("total", credits_in_words(&plan.credits)));
    rows.extend(usd.map(|usd| total("in dollars", usd_text(usd))));
    layout::table(&["STEP", "MODEL", "DURATION", "COST"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_have_at_least_two_decimals_and_lose_none() {
        let text = |min: &str, max: &str| usd_text(&Usd { min: min.into(), max: max.into() });
        assert_eq!(text("9.5", "9.5"), "$9.50");
        assert_eq!(text("5.148", "9"), "$5.148 to $9.00");
    }
}

//! `ledger`: totals of the recorded calls, and a check of the rate card against them.

use creatify::{
    credits::{Charge, Mismatch, RateCard},
    journal::{Entry, Filter, GroupBy, GroupTotal, Summary},
};
use serde::Serialize;

use crate::{
    args::{self, Grouping},
    error::CliError,
    output::{Output, Reader, ResultText, csv_cell, layout},
    session::Session,
};

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    /// Contradiction between the rate card and the charges.
    rate_card_mismatch: Option<String>,
}

pub(crate) async fn ledger(session: &Session, options: &args::Ledger) -> Result<(), CliError> {
    let output = &session.output;
    for (option, is_given) in [("--csv", options.csv), ("--jsonl", options.jsonl)] {
        if is_given && output.is_json() {
            return Err(CliError::usage(format!("{option} cannot be used with --output json")));
        }
    }
    let mut filter = Filter::default();
    if let Some(since) = options.since {
        filter = filter.since(since);
    }
    let entries = session.journal().await?.entries(filter).await?;
    if options.jsonl {
        return export(output, &entries);
    }
    let by = match options.by {
        Grouping::Day => GroupBy::Day,
        Grouping::Template => GroupBy::Template,
        Grouping::Operation => GroupBy::Operation,
        Grouping::Model => GroupBy::Model,
    };
    let summary = Summary::of(&entries, by).map_err(|error| CliError::other(error.to_string()))?;
    let mismatch = mismatch(session.rate_card(), &entries);
    warn(output, mismatch.as_ref());
    if options.csv {
        return output.text(&csv(&summary));
    }
    let document = Document {
        summary: &summary,
        rate_card_mismatch: mismatch.map(|mismatch| mismatch.to_string()),
    };
    output.show(&document, || {
        let rows: Vec<_> = totals(&summary).map(table_cells).collect();
        ResultText {
            full: layout::table(&TABLE_HEADER, &rows),
            short: summary.total.charged.to_string(),
        }
    })
}

/// Prints each entry as a JSON document on a line.
fn export(output: &Output, entries: &[Entry]) -> Result<(), CliError> {
    for entry in entries {
        if output.show_line(entry)? == Reader::Gone {
            break;
        }
    }
    Ok(())
}

/// Returns how the charges of entries contradict a rate card.
pub(crate) fn mismatch(card: &RateCard, entries: &[Entry]) -> Option<Mismatch> {
    let charges: Vec<Charge> = entries.iter().filter_map(Entry::charge).collect();
    Mismatch::find(card, RateCard::known(), &charges)
}

/// Warns of a mismatch, and names the option that ends it.
pub(crate) fn warn(output: &Output, mismatch: Option<&Mismatch>) {
    let Some(mismatch) = mismatch else { return };
    output.line(&format!("warning: {mismatch}"));
    if let Some(card) = mismatch.fitting.first() {
        output.line(&format!("switch with: --rate-card {card} (or CREATIFY_RATE_CARD={card})"));
    }
}

const TABLE_HEADER: [&str; 6] = ["GROUP", "CALLS", "CHARGED", "ESTIMATED", "RESERVED", "UNKNOWN"];
const CSV_HEADER: &str =
    "group,calls,charged_calls,charged,estimated,reserved,unknown_calls,unknown";

fn totals(summary: &Summary) -> impl Iterator<Item = &GroupTotal> {
    summary.groups.iter().chain([&summary.total])
}

/// Returns the cells that fit a terminal; CSV and JSON have the counts too.
fn table_cells(total: &GroupTotal) -> Vec<String> {
    vec![
        total.group.clone(),
        total.calls.to_string(),
        total.charged.to_string(),
        total.estimated.to_string(),
        total.reserved.to_string(),
        total.unknown.to_string(),
    ]
}

/// Returns the groups as CSV, without the total, which a reader of CSV computes.
fn csv(summary: &Summary) -> String {
    let row = |total: &GroupTotal| {
        let GroupTotal {
            group,
            calls,
            charged_calls,
            charged,
            estimated,
            reserved,
            unknown_calls,
            unknown,
            ..
        } = total;
        format!(
            "{},{calls},{charged_calls},{charged},{estimated},{reserved},{unknown_calls},{unknown}",
            csv_cell(group)
        )
    };
    let rows = summary.groups.iter().map(row);
    std::iter::once(CSV_HEADER.to_owned()).chain(rows).collect::<Vec<_>>().join("\n")
}

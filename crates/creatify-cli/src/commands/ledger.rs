//! `ledger`: totals of the recorded calls, and a check of the rate card against them.

use creatify::credits::{
    Charge, Mismatch, RateCard,
    ledger::{GroupBy, GroupTotal, LedgerContents, Summary},
};
use serde::Serialize;

use crate::{
    args::{self, Grouping},
    error::CliError,
    output::{Output, ResultText, csv_cell, layout},
    session::{Session, Target},
};

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    /// Numbers of the lines that could not be read.
    torn_lines: Vec<usize>,
    /// Contradiction between the rate card and the charges.
    rate_card_mismatch: Option<String>,
}

pub(crate) fn ledger(session: &Session, options: &args::Ledger) -> Result<(), CliError> {
    let output = &session.output;
    if options.csv && output.is_json() {
        return Err(CliError::usage("--csv cannot be used with --output json"));
    }
    let Some(ledger) = session.ledger() else {
        return Err(CliError::usage(match session.target() {
            Target::Service => "no ledger is named: give --ledger or set CREATIFY_LEDGER",
            Target::EmbeddedSandbox => "the ledger of --sandbox is empty, since it ends with it",
        }));
    };
    let mut contents = ledger.read().map_err(|error| CliError::other(error.to_string()))?;
    if let Some(since) = options.since {
        contents.entries.retain(|entry| entry.time.date_naive() >= since);
    }
    let by = match options.by {
        Grouping::Day => GroupBy::Day,
        Grouping::Template => GroupBy::Template,
        Grouping::Operation => GroupBy::Operation,
        Grouping::Model => GroupBy::Model,
    };
    let summary =
        Summary::of(&contents.entries, by).map_err(|error| CliError::other(error.to_string()))?;
    for torn in &contents.torn {
        output.line(&format!(
            "warning: line {} of the ledger is damaged (torn) and was skipped: {}",
            torn.line, torn.reason
        ));
    }
    let mismatch = mismatch(session.rate_card(), &contents);
    warn(output, mismatch.as_ref());
    if options.csv {
        return output.text(&csv(&summary));
    }
    let document = Document {
        summary: &summary,
        torn_lines: contents.torn.iter().map(|torn| torn.line).collect(),
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

/// Returns how the charges in a ledger contradict a rate card.
pub(crate) fn mismatch(card: &RateCard, contents: &LedgerContents) -> Option<Mismatch> {
    let charges: Vec<Charge> = contents.entries.iter().filter_map(|entry| entry.charge()).collect();
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

//! `ledger`: what was spent, on what, and does the rate card fit?

use creatify::credits::{
    Charge, Mismatch, RateCard,
    ledger::{GroupBy, GroupTotal, LedgerContents, Summary},
};
use serde::Serialize;

use crate::{
    args::{self, By},
    exit::Failure,
    output,
    session::Session,
};

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    /// Lines of the file that could not be read.
    torn_lines: Vec<usize>,
    /// What contradicts the rate card.
    rate_card_mismatch: Option<String>,
}

pub(crate) fn ledger(session: &Session, options: &args::Ledger) -> Result<(), Failure> {
    let Some(ledger) = session.ledger() else {
        return Err(Failure::usage("no ledger is named: give --ledger or set CREATIFY_LEDGER"));
    };
    let mut contents = ledger.read().map_err(|error| Failure::other(error.to_string()))?;
    if let Some(since) = options.since {
        contents.entries.retain(|entry| entry.time.date_naive() >= since);
    }
    let by = match options.by {
        By::Day => GroupBy::Day,
        By::Template => GroupBy::Template,
        By::Operation => GroupBy::Operation,
        By::Model => GroupBy::Model,
    };
    let summary =
        Summary::of(&contents.entries, by).map_err(|error| Failure::other(error.to_string()))?;
    for torn in &contents.torn {
        output::line(&format!(
            "note: line {} of the ledger is torn and was skipped: {}",
            torn.line, torn.reason
        ));
    }
    let mismatch = mismatch(session.rate_card(), &contents);
    warn(mismatch.as_ref());
    if options.csv {
        output::result(&csv(&summary));
        return Ok(());
    }
    let document = Document {
        summary: &summary,
        torn_lines: contents.torn.iter().map(|torn| torn.line).collect(),
        rate_card_mismatch: mismatch.map(|mismatch| mismatch.to_string()),
    };
    output::show(session, &document, || {
        let rows: Vec<_> = lines(&summary).map(cells).collect();
        output::table(&HEADER, &rows)
    })
}

/// What the charges in a ledger say of a card.
pub(crate) fn mismatch(card: &RateCard, contents: &LedgerContents) -> Option<Mismatch> {
    let charges: Vec<Charge> = contents.entries.iter().filter_map(|entry| entry.charge()).collect();
    Mismatch::find(card, RateCard::known(), &charges)
}

/// Tells of a mismatch, and of the option that ends it.
pub(crate) fn warn(mismatch: Option<&Mismatch>) {
    let Some(mismatch) = mismatch else { return };
    output::line(&format!("warning: {mismatch}"));
    if let Some(card) = mismatch.fitting.first() {
        output::line(&format!("switch with: --rate-card {card} (or CREATIFY_RATE_CARD={card})"));
    }
}

const HEADER: [&str; 8] = [
    "GROUP",
    "CALLS",
    "CHARGED CALLS",
    "CHARGED",
    "ESTIMATED",
    "RESERVED",
    "UNKNOWN CALLS",
    "UNKNOWN",
];

fn lines(summary: &Summary) -> impl Iterator<Item = &GroupTotal> {
    summary.groups.iter().chain([&summary.total])
}

fn cells(line: &GroupTotal) -> Vec<String> {
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
    } = line;
    vec![
        group.clone(),
        calls.to_string(),
        charged_calls.to_string(),
        charged.to_string(),
        estimated.to_string(),
        reserved.to_string(),
        unknown_calls.to_string(),
        unknown.to_string(),
    ]
}

/// Without the total, which a reader of CSV makes again.
fn csv(summary: &Summary) -> String {
    let header = HEADER.map(|name| name.to_lowercase().replace(' ', "_")).join(",");
    let quoted = |cell: String| {
        if cell.contains([',', '"', '\n']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell
        }
    };
    let rows = summary
        .groups
        .iter()
        .map(|line| cells(line).into_iter().map(quoted).collect::<Vec<_>>().join(","));
    std::iter::once(header).chain(rows).collect::<Vec<_>>().join("\n")
}

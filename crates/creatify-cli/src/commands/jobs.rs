//! `jobs`: what the journal knows, in words.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use creatify::{
    JobId, ModelVersion, TemplateId,
    credits::{BillableOperation, CreditRange, Credits},
    journal::{Entry, EntryState, Filter, Key},
};
use serde::Serialize;

use crate::{
    args, entry,
    error::CliError,
    output::{ResultText, layout, visible},
    session::Session,
};

/// Characters of an id, unless they are those of another one too.
const SHORT_ID: usize = 8;
/// Longest list of advice.
const MAX_ADVICE: usize = 5;

#[derive(Serialize)]
struct Element<'e> {
    key: &'e Key,
    operation: BillableOperation,
    status: &'static str,
    label: Option<&'e str>,
    job_id: Option<JobId>,
    template_id: Option<TemplateId>,
    model_version: &'e ModelVersion,
    attempt: u32,
    estimate: Option<CreditRange>,
    charged: Option<Credits>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    error: Option<&'e str>,
    /// Command that settles or ends it.
    next: Option<String>,
}

pub(crate) async fn jobs(session: &Session, options: &args::Jobs) -> Result<(), CliError> {
    let journal = session.journal().await?;
    let most = usize::try_from(options.limit).unwrap_or(usize::MAX);
    let mut entries = journal.entries(filter(options)).await?;
    if options.failed {
        entries.retain(Entry::has_failed);
    }
    let surplus = entries.len().saturating_sub(most);
    entries.drain(..surplus); // the latest ones stay
    if surplus > 0 {
        session
            .output
            .note(&format!("only the latest {most} are shown; --limit shows more, --since fewer"));
    }
    if entries.is_empty() {
        session.output.note("the journal has no such submission");
    }
    let elements: Vec<_> = entries.iter().map(element).collect();
    session.output.show(&elements, || ResultText {
        full: text(&entries, Utc::now()),
        short: entries.iter().map(short).collect::<Vec<_>>().join("\n"),
    })
}

fn filter(options: &args::Jobs) -> Filter {
    let mut filter = Filter::default();
    if options.open {
        filter = filter.open();
    } else if options.unknown {
        filter = filter.states([EntryState::Unknown]);
    } else if options.failed {
        filter = filter.states([EntryState::Settled]);
    }
    if let Some(label) = &options.label {
        filter = filter.label(label);
    }
    if let Some(since) = options.since {
        filter = filter.since(since);
    }
    if options.failed {
        return filter; // the way of its end is no part of a filter
    }
    filter.latest(options.limit.saturating_add(1)) // one more shows that there are more
}

fn element(entry: &Entry) -> Element<'_> {
    Element {
        key: &entry.key,
        operation: entry.operation,
        status: entry::status(entry),
        label: entry.label.as_deref(),
        job_id: entry.job_id,
        template_id: entry.template_id,
        model_version: &entry.model_version,
        attempt: entry.attempt,
        estimate: entry.estimate,
        charged: entry.charged,
        created_at: entry.created_at,
        updated_at: entry.updated_at,
        error: entry.error.as_deref(),
        next: entry::next_step(entry),
    }
}

/// Returns the job's id, or the key of a submission without one.
fn short(entry: &Entry) -> String {
    let key = || visible(entry.key.as_str()).into_owned();
    entry.job_id.map_or_else(key, |job| job.to_string())
}

/// Returns a table, and below it what to do about the open ones.
fn text(entries: &[Entry], now: DateTime<Utc>) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let has_labels = entries.iter().any(|entry| entry.label.is_some());
    let shortened = shortened_ids(entries);
    let row = |entry: &Entry| {
        let mut cells = vec![
            entry.key.to_string(),
            entry.operation.to_string(),
            entry::status_in_words(entry),
            entry::credits(entry),
            entry::age(now - entry.created_at),
            entry.job_id.map(&shortened).unwrap_or_default(),
        ];
        if has_labels {
            cells.push(entry.label.clone().unwrap_or_default());
        }
        cells
    };
    let header = ["KEY", "OPERATION", "STATUS", "CREDITS", "AGE", "JOB", "LABEL"];
    let header = if has_labels { &header[..] } else { &header[..6] };
    let table = layout::table(header, &entries.iter().map(row).collect::<Vec<_>>());
    let advice = advice(entries);
    if advice.is_empty() { table } else { format!("{table}\n\n{}", advice.join("\n")) }
}

fn advice(entries: &[Entry]) -> Vec<String> {
    let unknown: Vec<_> =
        entries.iter().filter(|entry| entry.state == EntryState::Unknown).collect();
    let mut advice: Vec<_> = unknown
        .iter()
        .take(MAX_ADVICE)
        .map(|entry| visible(&entry::unknown_in_words(entry)).into_owned())
        .collect();
    if unknown.len() > MAX_ADVICE {
        let more = unknown.len() - MAX_ADVICE;
        advice.push(format!("and {more} more; settle them all with: creatify reconcile"));
    }
    if entries.iter().any(|entry| entry.state == EntryState::Submitted) {
        advice.push("wait for everything that is submitted with: creatify resume".to_owned());
    }
    advice
}

/// Returns a function that shortens ids as far as they stay unique among these entries.
fn shortened_ids(entries: &[Entry]) -> impl Fn(JobId) -> String {
    let ids: HashSet<_> = entries.iter().filter_map(|entry| entry.job_id).collect();
    let start = |id: JobId| id.to_string()[..SHORT_ID].to_owned();
    let starts: HashSet<_> = ids.iter().map(|id| start(*id)).collect();
    let are_unique = starts.len() == ids.len();
    move |id| if are_unique { start(id) } else { id.to_string() }
}

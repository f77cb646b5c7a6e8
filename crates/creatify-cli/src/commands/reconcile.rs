//! `reconcile`: submissions of unknown outcome are settled, and nothing is sent again.

use creatify::{
    Client, Job, JobId, MatchConfidence, Reconciled, SubmissionRecord,
    credits::BillableOperation,
    journal::{Entry, EntryState, Filter, Key},
};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use crate::{
    args::{self, ReconcileBy},
    entry::{self, reconcile_line},
    error::{CliError, ErrorParts},
    open_jobs::resume_line,
    output::{ResultText, shell::shell_word, visible},
    report,
    session::Session,
};

/// Result of one submission, in JSON.
#[derive(Serialize)]
struct Settled {
    key: Key,
    operation: BillableOperation,
    result: String,
    job: Option<Job>,
    /// Jobs that match and cannot be told apart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    candidates: Vec<JobId>,
    error: Option<ErrorParts>,
    #[serde(skip)]
    next: String,
}

pub(crate) async fn reconcile(
    session: &Session,
    options: &args::Reconcile,
) -> Result<(), CliError> {
    session.journal().await?; // fails with its own words
    let client = session.client().await?;
    let entries = chosen(client, options).await?;
    let by = options.by();
    if let (ReconcileBy::Adopt(_), [_, _, ..]) = (by, entries.as_slice()) {
        return Err(CliError::usage("--job is for one submission; give one KEY"));
    }
    if entries.is_empty() {
        session.output.note("nothing is of unknown outcome");
    }
    let started = Instant::now();
    let deadline = started.checked_add(options.timeout.timeout);
    let (mut all, mut exit_code) = (Vec::new(), 0);
    // One after another, so that no job is adopted by two submissions.
    for entry in &entries {
        if entry.state == EntryState::Unknown
            && matches!(by, ReconcileBy::Search | ReconcileBy::AdoptLikely)
        {
            session.output.note(&format!("searching for the job of {}", name(entry)));
        }
        let settling = settle(client, entry, by);
        let result = match deadline {
            None => settling.await,
            Some(deadline) => {
                let timeout = options.timeout.timeout;
                let late = CliError::TimedOut { doing: "the search", timeout };
                timeout_at(deadline, settling).await.unwrap_or(Err(late))
            }
        };
        all.push(match result {
            Ok(settled) => settled,
            Err(error) => {
                exit_code = exit_code.max(error.exit_code());
                report::describe(session, &error).await;
                let parts = ErrorParts::from(&error);
                let result = parts.kind.to_owned();
                Settled { error: Some(parts), ..Settled::new(entry, &result, None, String::new()) }
            }
        });
    }
    let line = |settled: &Settled| {
        let key = visible(settled.key.as_str());
        format!("{key} ({}): {}", settled.operation, visible(&settled.next))
    };
    // Errors are on stderr already.
    let settled = || all.iter().filter(|settled| settled.error.is_none());
    session.output.show(&all, || ResultText {
        full: settled().map(line).collect::<Vec<_>>().join("\n"),
        short: settled()
            .filter_map(|settled| Some(settled.job.as_ref()?.id().to_string()))
            .collect::<Vec<_>>()
            .join("\n"),
    })?;
    if exit_code == 0 { Ok(()) } else { Err(CliError::Several { exit_code }) }
}

/// Returns the entries to settle: the latest ones with the keys, or all of unknown outcome.
async fn chosen(client: &Client, options: &args::Reconcile) -> Result<Vec<Entry>, CliError> {
    if options.keys.is_empty() {
        let states = [EntryState::Unknown, EntryState::Sending];
        return Ok(client.entries(Filter::default().states(states)).await?);
    }
    let mut chosen: Vec<Entry> = Vec::new();
    for key in &options.keys {
        let mut entries = client.entries(Filter::default().key(key.clone())).await?;
        if entries.iter().any(|entry| entry.state == EntryState::Unknown) {
            entries.retain(|entry| entry.state == EntryState::Unknown);
        }
        let Some(latest) = entries.last() else {
            return Err(CliError::usage(format!(
                "the journal has no submission with the key {}; see: creatify jobs --unknown",
                shell_word(key.as_str())
            )));
        };
        let is_named = |entry: &Entry| entry.state == EntryState::Unknown || entry.id == latest.id;
        let named = entries.iter().filter(|entry| is_named(entry));
        for entry in named {
            if !chosen.iter().any(|other| other.id == entry.id) {
                chosen.push(entry.clone());
            }
        }
    }
    Ok(chosen)
}

async fn settle(client: &Client, entry: &Entry, by: ReconcileBy) -> Result<Settled, CliError> {
    if entry.state != EntryState::Unknown {
        return known(client, entry, by).await;
    }
    let record = client.submission_record(entry).await?.ok_or_else(|| {
        CliError::other(format!("the journal does not have the request of {}", name(entry)))
    })?;
    match by {
        ReconcileBy::NotAccepted => {
            client.disown(&record).await?;
            let next = "declared not accepted; it may be submitted again".to_owned();
            Ok(Settled::new(entry, "not_accepted", None, next))
        }
        ReconcileBy::Adopt(job) => {
            check_adoption(client, entry, &record, job).await?;
            let job = client.job(job).await?;
            client.adopt(&record, &job).await?;
            Ok(adopted(entry, job))
        }
        ReconcileBy::Search => {
            let search = client.reconcile(&record).adopt(MatchConfidence::Exact);
            Ok(found(entry, search.await?))
        }
        ReconcileBy::AdoptLikely => {
            let search = client.reconcile(&record).adopt(MatchConfidence::Likely);
            Ok(found(entry, search.await?))
        }
    }
}

/// Tells of a submission that is not of unknown outcome.
async fn known(client: &Client, entry: &Entry, by: ReconcileBy) -> Result<Settled, CliError> {
    let status = entry::status_in_words(entry);
    if matches!(by, ReconcileBy::Adopt(_) | ReconcileBy::NotAccepted) {
        return Err(CliError::usage(format!("{} is {status} already", name(entry))));
    }
    let job = match entry.job_id {
        Some(job) => Some(client.job(job).await?),
        None => None,
    };
    let next = match (entry.state, &job) {
        (EntryState::Sending, _) => {
            "it is being sent by another process; try again when that has ended".to_owned()
        }
        (_, Some(job)) => format!("{status} as job {}", job.id()),
        (_, None) => status,
    };
    Ok(Settled::new(entry, entry::status(entry), job, next))
}

/// Refuses a job that is certainly another one.
async fn check_adoption(
    client: &Client,
    entry: &Entry,
    record: &SubmissionRecord,
    job: JobId,
) -> Result<(), CliError> {
    if let Some(own) = record.job_id.filter(|own| *own != job) {
        return Err(CliError::usage(format!("--job {job}: {} is of job {own}", name(entry))));
    }
    let others = client.entries(Filter::default().jobs([job])).await?;
    let same_kind = |other: &&Entry| {
        other.id != entry.id
            && other.operation != BillableOperation::Render
            && entry.operation != BillableOperation::Render
    };
    match others.iter().find(same_kind) {
        Some(other) => Err(CliError::usage(format!("--job {job} is the job of {}", name(other)))),
        None => Ok(()),
    }
}

fn found(entry: &Entry, reconciled: Reconciled) -> Settled {
    let again = reconcile_line(&entry.key);
    match reconciled {
        Reconciled::Found(found) if found.adopted => adopted(entry, found.job),
        Reconciled::Found(found) => {
            let next = format!(
                "job {} is likely the one ({}); adopt it with: {again} --adopt; if it is certainly \
                 another one: {again} --not-accepted",
                found.job.id(),
                found.job.status()
            );
            Settled::new(entry, "likely", Some(found.job), next)
        }
        Reconciled::Ambiguous(jobs) => {
            let candidates: Vec<_> = jobs.iter().map(Job::id).collect();
            let listed: Vec<_> = candidates.iter().map(JobId::to_string).collect();
            let next = format!(
                "several jobs match: {}; adopt one with: {again} --adopt --job JOB_ID",
                listed.join(", ")
            );
            Settled { candidates, ..Settled::new(entry, "ambiguous", None, next) }
        }
        Reconciled::NotFoundYet => {
            let next = format!(
                "no job matches so far, which is no proof; try again later, or if you are certain: \
                 {again} --not-accepted"
            );
            Settled::new(entry, "not_found", None, next)
        }
        _ => {
            let next = format!(
                "the service does not list jobs; if you find it yourself: {again} --adopt --job \
                 JOB_ID, and if it is certainly not there: {again} --not-accepted"
            );
            Settled::new(entry, "unsupported", None, next)
        }
    }
}

fn adopted(entry: &Entry, job: Job) -> Settled {
    let handle = Entry::handle(&with_job(entry, job.id()));
    let wait = handle.map(|handle| format!("; wait for it with: {}", resume_line(handle)));
    let next = format!("it is job {}{}", job.id(), wait.unwrap_or_default());
    Settled::new(entry, "adopted", Some(job), next)
}

fn with_job(entry: &Entry, job: JobId) -> Entry {
    let mut entry = entry.clone();
    entry.job_id = Some(job);
    entry
}

fn name(entry: &Entry) -> String {
    format!("the {} with the key {}", entry.operation, shell_word(entry.key.as_str()))
}

impl Settled {
    fn new(entry: &Entry, result: &str, job: Option<Job>, next: String) -> Self {
        Self {
            key: entry.key.clone(),
            operation: entry.operation,
            result: result.to_owned(),
            job,
            candidates: Vec::new(),
            error: None,
            next,
        }
    }
}

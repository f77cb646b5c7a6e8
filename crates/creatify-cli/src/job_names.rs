//! Jobs as they are named on the command line: by ID, by key, or by a unique start of an ID.

use creatify::{
    Goal, JobHandle, JobId,
    journal::{Entry, Filter, Key},
};

use crate::{
    args::JobArg,
    entry,
    error::CliError,
    output::shell::shell_word,
    session::{Session, Target},
};

/// Longest list of candidates that is told.
const MAX_CANDIDATES: usize = 5;

/// A job that was named, and its goal if the name says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NamedJob {
    pub(crate) id: JobId,
    pub(crate) goal: Option<Goal>,
}

/// The jobs that a name may mean.
#[derive(Debug, PartialEq)]
enum Found {
    One(JobId),
    Several(Vec<JobId>),
    /// A submission whose job is not known.
    NoJob(Box<Entry>),
    Nothing,
}

/// Returns the jobs that arguments name. The journal is read only for those that are no IDs.
pub(crate) async fn find(session: &Session, jobs: &[JobArg]) -> Result<Vec<NamedJob>, CliError> {
    let mut named = Vec::with_capacity(jobs.len());
    for job in jobs {
        named.push(find_one(session, job).await?);
    }
    Ok(named)
}

/// Returns the job that an argument names.
pub(crate) async fn find_one(session: &Session, job: &JobArg) -> Result<NamedJob, CliError> {
    let name = match job {
        JobArg::Id { id, goal } => return Ok(NamedJob { id: *id, goal: *goal }),
        JobArg::Name(name) => name,
    };
    if let Some(job) = by_name(session, name).await? {
        return Ok(NamedJob { id: job, goal: None });
    }
    // As in `preview:7c0a2d0e`.
    if let Some((goal, rest)) = name.as_str().split_once(':')
        && let (Ok(goal), Ok(rest)) = (goal_named(goal), rest.parse())
        && let Some(id) = by_name(session, &rest).await?
    {
        return Ok(NamedJob { id, goal: Some(goal) });
    }
    Err(CliError::usage(match session.target() {
        Target::Service => format!(
            "`{name}` is not the ID of a job, and the journal has no submission with this key and \
             no job whose ID starts with it; see: creatify jobs"
        ),
        Target::EmbeddedSandbox => format!("`{name}` is not the ID of a job"),
    }))
}

fn goal_named(text: &str) -> Result<Goal, ()> {
    match text {
        "preview" => Ok(Goal::Preview),
        "video" => Ok(Goal::Video),
        _ => Err(()),
    }
}

async fn by_name(session: &Session, name: &Key) -> Result<Option<JobId>, CliError> {
    if session.target() == Target::EmbeddedSandbox {
        return Ok(None); // it has just started
    }
    let journal = session.journal().await?;
    let entries = journal.entries(Filter::default().prefix(name.as_str().to_owned())).await?;
    match choose(name, &entries) {
        Found::One(job) => Ok(Some(job)),
        Found::Nothing => Ok(None),
        Found::NoJob(entry) => Err(CliError::usage(format!(
            "the {} with the key {} has no job: it is {}{}",
            entry.operation,
            shell_word(name.as_str()),
            entry::status_in_words(&entry),
            entry::next_step(&entry).map(|step| format!("; {step}")).unwrap_or_default()
        ))),
        Found::Several(jobs) => {
            let listed: Vec<_> = jobs
                .iter()
                .take(MAX_CANDIDATES)
                .map(|job| described(*job, &entries))
                .chain((jobs.len() > MAX_CANDIDATES).then(|| "…".to_owned()))
                .collect();
            Err(CliError::usage(format!(
                "`{name}` may be any of {} jobs: {}",
                jobs.len(),
                listed.join(", ")
            )))
        }
    }
}

fn described(job: JobId, entries: &[Entry]) -> String {
    let latest = entries.iter().rev().find(|entry| entry.job_id == Some(job));
    match latest {
        Some(entry) => format!("{job} ({}, key {})", entry.operation, entry.key),
        None => job.to_string(),
    }
}

/// Chooses among entries whose key or job ID starts with a name: an exact key first, then a unique
/// start of an ID. Of a key, the latest attempt of each operation counts.
fn choose(name: &Key, entries: &[Entry]) -> Found {
    let mut latest: Vec<&Entry> = Vec::new();
    for entry in entries.iter().rev().filter(|entry| entry.key == *name) {
        if !latest.iter().any(|newer| newer.operation == entry.operation) {
            latest.push(entry);
        }
    }
    let jobs = distinct(latest.iter().copied());
    if let (true, Some(entry)) = (jobs.is_empty(), latest.first()) {
        return Found::NoJob(Box::new((*entry).clone()));
    }
    if !jobs.is_empty() {
        return one_or_several(jobs);
    }
    let starts =
        |entry: &&Entry| entry.job_id.is_some_and(|job| job.to_string().starts_with(name.as_str()));
    one_or_several(distinct(entries.iter().filter(starts)))
}

fn one_or_several(jobs: Vec<JobId>) -> Found {
    match jobs.as_slice() {
        [] => Found::Nothing,
        [job] => Found::One(*job),
        _ => Found::Several(jobs),
    }
}

fn distinct<'e>(entries: impl Iterator<Item = &'e Entry>) -> Vec<JobId> {
    let mut jobs = Vec::new();
    for job in entries.filter_map(|entry| entry.job_id) {
        if !jobs.contains(&job) {
            jobs.push(job);
        }
    }
    jobs
}

/// Returns the goal of the latest submission of a job.
pub(crate) fn recorded_goal(entries: &[Entry], id: JobId) -> Option<Goal> {
    let latest = entries.iter().rev().find(|entry| entry.job_id == Some(id))?;
    latest.handle().map(|JobHandle { goal, .. }| goal)
}

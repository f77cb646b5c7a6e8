//! `wait`: waiting for any job by its ID.

use std::{pin::pin, time::Duration};

use creatify::{
    Client, ErrorKind, Goal, Job, JobHandle, JobId,
    journal::{Entry, Filter},
    wait::{Wait, WaitEvent},
};
use futures_util::{StreamExt, future::join_all};

use super::several::{self, Reached};
use crate::{
    args::JobArg,
    error::{CliError, has_preview_only},
    job_names::{self, NamedJob, recorded_goal},
    progress::{Bar, Bars},
    report,
    session::Session,
};

/// The origin of a job's goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GoalOrigin {
    /// The user or the journal: it was asked for.
    Known,
    /// Nobody, so it is the video. A job that has a preview only was perhaps never rendered.
    Assumed,
}

pub(crate) async fn wait(
    session: &Session,
    jobs: &[JobArg],
    goal: Option<Goal>,
    timeout: Duration,
) -> Result<(), CliError> {
    let jobs = job_names::find(session, jobs).await?;
    wait_for(session, &jobs, goal, timeout).await
}

/// Waits for jobs, each with its own goal unless one is given.
pub(super) async fn wait_for(
    session: &Session,
    jobs: &[NamedJob],
    goal: Option<Goal>,
    timeout: Duration,
) -> Result<(), CliError> {
    let client = session.client().await?;
    let without_goal = jobs.iter().filter(|job| goal.or(job.goal).is_none());
    let without_goal: Vec<_> = without_goal.map(|job| job.id).collect();
    let recorded = match without_goal.is_empty() {
        true => Vec::new(),
        false => recorded_entries(session, client, without_goal).await,
    };
    let goals: Vec<_> = jobs
        .iter()
        .map(|job| {
            let known = goal.or(job.goal).or_else(|| recorded_goal(&recorded, job.id));
            let origin = if known.is_some() { GoalOrigin::Known } else { GoalOrigin::Assumed };
            (JobHandle { id: job.id, goal: known.unwrap_or(Goal::Video) }, origin)
        })
        .collect();
    let bars = Bars::new(&session.output, jobs.len());
    if jobs.len() > 1 {
        session.outcomes.begin(&jobs.iter().map(|job| job.id).collect::<Vec<_>>());
    }
    for (handle, _) in &goals {
        session.open_jobs.add(*handle);
    }
    let waits = goals.into_iter().enumerate().map(|(place, (handle, origin))| {
        let bar = bars.bar(handle);
        async move {
            let wait = client.wait(handle).timeout(timeout);
            let result = follow(wait, origin, bar).await.map(Reached);
            if result.as_ref().err().is_some_and(has_ended) {
                session.open_jobs.told(handle);
            }
            several::record(session, place, handle.id, &result);
            (handle, result)
        }
    });
    // Every wait goes on to its end, whatever becomes of the others.
    let results = join_all(waits).await;
    drop(bars); // before anything is printed below them
    let reached: Vec<_> =
        results.iter().filter(|(_, result)| result.is_ok()).map(|(handle, _)| *handle).collect();
    let results = results.into_iter().map(|(handle, result)| (handle.id, result)).collect();
    let told = several::tell(session, "\n\n", results).await;
    if !matches!(told, Err(CliError::Stdout(_))) {
        for handle in reached {
            session.open_jobs.told(handle);
        }
    }
    told
}

/// Waits for the goal of a job that was submitted in this run.
pub(crate) async fn submitted(
    session: &Session,
    wait: Wait,
    handle: JobHandle,
    timeout: Duration,
) -> Result<Job, CliError> {
    let bars = Bars::new(&session.output, 1);
    let result = follow(wait.timeout(timeout), GoalOrigin::Known, bars.bar(handle)).await;
    if result.as_ref().is_err_and(has_failed) {
        session.open_jobs.told(handle);
    }
    result
}

/// Returns whether the job itself failed or was rejected.
pub(super) fn has_failed(error: &CliError) -> bool {
    matches!(error, CliError::Sdk(error)
        if matches!(error.kind(), ErrorKind::JobFailed | ErrorKind::JobRejected))
}

/// Returns whether nothing is left to wait for. The error tells the rest.
pub(super) fn has_ended(error: &CliError) -> bool {
    match error {
        CliError::NotRendered(_) => true,
        CliError::Sdk(error) => matches!(
            error.kind(),
            ErrorKind::JobFailed
                | ErrorKind::JobRejected
                | ErrorKind::NoOutput
                | ErrorKind::Refused
                | ErrorKind::Credentials
        ),
        _ => false,
    }
}

async fn follow(wait: Wait, origin: GoalOrigin, mut bar: Bar) -> Result<Job, CliError> {
    let mut events = pin!(wait.events());
    while let Some(event) = events.next().await {
        let error = match event {
            Ok(WaitEvent::Completed(job)) => {
                bar.update(&WaitEvent::Completed(job.clone()));
                return Ok(job);
            }
            Ok(WaitEvent::Progress { job, .. })
                if origin == GoalOrigin::Assumed && has_preview_only(&job) =>
            {
                CliError::NotRendered(Box::new(job))
            }
            Ok(event) => {
                bar.update(&event);
                continue;
            }
            Err(error) => error.into(),
        };
        bar.failed(&error);
        return Err(error);
    }
    Err(CliError::other("the wait ended without a result; this is a bug"))
}

/// Returns the journal's entries of these jobs, oldest first.
async fn recorded_entries(session: &Session, client: &Client, jobs: Vec<JobId>) -> Vec<Entry> {
    match client.entries(Filter::default().jobs(jobs)).await {
        Ok(entries) => entries,
        Err(error) => {
            report::causes(session, &format!("warning: {error}"), &error);
            Vec::new()
        }
    }
}

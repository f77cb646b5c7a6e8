//! `wait`: waiting for any job by its ID.

use std::{pin::pin, time::Duration};

use creatify::{
    ErrorKind, Goal, Job, JobHandle, JobId,
    credits::{BillableOperation, ledger::Entry},
    wait::{Wait, WaitEvent},
};
use futures_util::{StreamExt, future::join_all};

use super::several::{self, Reached};
use crate::{
    args::JobArg,
    error::{CliError, has_preview_only},
    progress::{Bar, Bars},
    session::Session,
};

/// The origin of a job's goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GoalOrigin {
    /// The user or the ledger: it was asked for.
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
    let client = session.client().await?;
    let recorded = recorded_entries(session, jobs);
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
    if let Err(CliError::Sdk(error)) = &result
        && matches!(error.kind(), ErrorKind::JobFailed | ErrorKind::JobRejected)
    {
        session.open_jobs.told(handle);
    }
    result
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

/// Returns the entries of these jobs in the ledger, oldest first.
fn recorded_entries(session: &Session, jobs: &[JobArg]) -> Vec<Entry> {
    let Some(ledger) = session.ledger() else { return Vec::new() };
    match ledger.read() {
        Ok(contents) => contents
            .entries
            .into_iter()
            .filter(|entry| jobs.iter().any(|job| entry.job_id == Some(job.id)))
            .collect(),
        Err(error) => {
            session.output.note(&format!("warning: {error}"));
            Vec::new()
        }
    }
}

/// Returns the goal of the latest submission of a job.
fn recorded_goal(entries: &[Entry], id: JobId) -> Option<Goal> {
    let latest = entries.iter().rev().find(|entry| entry.job_id == Some(id))?;
    Some(match latest.operation {
        BillableOperation::Preview => Goal::Preview,
        _ => Goal::Video,
    })
}

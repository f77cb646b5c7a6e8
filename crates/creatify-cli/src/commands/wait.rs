//! `wait`: for jobs submitted anywhere, earlier, by anyone.

use std::pin::pin;

use creatify::{
    Error, Goal, Job, JobHandle,
    wait::{Wait, WaitEvent},
};
use futures_util::{StreamExt, future::join_all};

use crate::{
    args::{JobArg, Timeout},
    exit::Failure,
    output,
    progress::{Bar, Bars},
    session::Session,
};

pub(crate) async fn wait(
    session: &Session,
    jobs: &[JobArg],
    goal: Option<Goal>,
    timeout: Timeout,
) -> Result<(), Failure> {
    let client = session.client().await?;
    let bars = Bars::new(session, jobs.len());
    let waits = jobs.iter().map(|job| {
        let handle = JobHandle { id: job.id, goal: goal.or(job.goal).unwrap_or(Goal::Video) };
        session.accepted(handle);
        let bar = bars.bar(handle);
        async move {
            let result = follow(client.wait(handle).timeout(timeout.timeout), bar).await;
            if !matches!(&result, Err(error) if matches!(error.kind(), creatify::ErrorKind::TimedOut)) {
                session.finished(handle);
            }
            result
        }
    });
    // All are waited for to their end, whatever becomes of the others.
    let (mut done, mut failures) = (Vec::new(), Vec::new());
    for result in join_all(waits).await {
        match result {
            Ok(job) => done.push(job),
            Err(error) => failures.push(error),
        }
    }
    let mut failures = failures.into_iter();
    let Some(first) = failures.next() else {
        return output::show(session, &done, || {
            done.iter().map(output::job_text).collect::<Vec<_>>().join("\n\n")
        });
    };
    if !session.is_json() {
        done.iter().for_each(|job| output::result(&output::job_text(job)));
    }
    failures.for_each(|error| output::line(&format!("error: {error}")));
    Err(first.into())
}

/// Waits for one job, with its bar.
pub(crate) async fn one(
    session: &Session,
    wait: Wait,
    handle: JobHandle,
    timeout: Timeout,
) -> Result<Job, Failure> {
    let bars = Bars::new(session, 1);
    let job = follow(wait.timeout(timeout.timeout), bars.bar(handle)).await?;
    session.finished(handle);
    Ok(job)
}

async fn follow(wait: Wait, mut bar: Bar) -> Result<Job, Error> {
    let mut updates = pin!(wait.events());
    let mut last = None;
    while let Some(update) = updates.next().await {
        match &update {
            Ok(update) => bar.update(update),
            Err(_) => bar.failed(),
        }
        last = Some(update);
    }
    match last {
        Some(Ok(WaitEvent::Completed(job))) => Ok(job),
        Some(Err(error)) => Err(error),
        _ => unreachable!("a stream of updates ends with the job or an error"),
    }
}

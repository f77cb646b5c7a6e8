//! Search for the job of a submission whose answer was lost. It never guesses.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use creatify_api::JobStatus;
use http::StatusCode;
use serde_json::Value;

use super::Submitter;
use crate::{
    credits::BillableOperation,
    error::{Error, ErrorKind, SubmissionRecord},
    job::{Goal, Job, JobHandle},
};

/// A job may be missing from a list for this long after it was accepted. Nothing documents it; a
/// list read earlier proves nothing.
const LISTING_LAG: TimeDelta = TimeDelta::seconds(15);
/// Difference that the clocks of this machine and of the service may have.
const CLOCK_SKEW: TimeDelta = TimeDelta::seconds(60);
/// Upper bound of the time for which a service works on a request.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(3600);

/// Result of looking for the job of a submission of unknown outcome.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Reconciled {
    /// One job matches. It is [adopted](crate::Client::adopt) only if the caller says so.
    Found(Box<Match>),
    /// No job matches so far. That is no proof: try again later, or check the balance, before
    /// sending it again.
    NotFoundYet,
    /// Several jobs match, and nothing tells them apart.
    Ambiguous(Vec<Job>),
    /// The service does not offer the list, so it cannot be known this way.
    Unsupported,
}

/// The one job that matches.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Match {
    /// The job.
    pub job: Job,
    /// Handle to wait for it.
    pub handle: JobHandle,
    /// Confidence that it is the one.
    pub confidence: MatchConfidence,
    /// True if it was adopted.
    pub adopted: bool,
}

/// Confidence of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MatchConfidence {
    /// It carries the marker of the submission, or it is the very job that was to be rendered.
    Exact,
    /// It has the same name and variables, and was made in the same minutes. Another submission of
    /// the same content would look the same.
    Likely,
}

/// A search for the job of a submission whose outcome is unknown. Awaiting it searches; free.
#[must_use = "nothing is read before it is awaited"]
pub struct Reconcile<'c> {
    submitter: &'c Submitter,
    record: SubmissionRecord,
    adopt: Option<MatchConfidence>,
}

/// Takes a job for that of a submission of unknown outcome.
pub(crate) fn adopt(submitter: &Submitter, record: &SubmissionRecord, job: &Job) -> JobHandle {
    submitter.billing().adopt(&record.entry, job.id());
    JobHandle { id: job.id(), goal: goal(record) }
}

impl<'c> Reconcile<'c> {
    pub(crate) fn new(submitter: &'c Submitter, record: &SubmissionRecord) -> Self {
        Self { submitter, record: record.clone(), adopt: None }
    }
}

impl Reconcile<'_> {
    /// Adopts a single match that is at least this sure.
    pub fn adopt(mut self, at_least: MatchConfidence) -> Self {
        self.adopt = Some(at_least);
        self
    }

    async fn run(self) -> Result<Reconciled, Error> {
        let Self { submitter, record, adopt: at_least } = self;
        // Never longer than if it had just been given up: the clock may have been set back.
        let wait = (proves_something_at(&record) - Utc::now()).min(timeout(&record) + LISTING_LAG);
        tokio::time::sleep(wait.to_std().unwrap_or_default()).await;
        let (mut found, confidence) = match record.job_id {
            Some(id) => {
                let options = submitter.jobs().executor.options();
                let job = submitter.jobs().get(id, options).await?;
                (rendered(&record, job), MatchConfidence::Exact)
            }
            None => match submitter.jobs().list(&[]).await {
                Ok(jobs) => {
                    let others = submitter.billing().jobs_of_others(&record.entry);
                    matching(&record, jobs.into_iter().filter(|job| !others.contains(&job.id())))
                }
                Err(error) if is_not_offered(&error) => return Ok(Reconciled::Unsupported),
                Err(error) => return Err(error),
            },
        };
        Ok(match (found.pop(), found.is_empty()) {
            (None, _) => Reconciled::NotFoundYet,
            (Some(last), false) => {
                found.push(last);
                Reconciled::Ambiguous(found)
            }
            (Some(job), true) => {
                let adopted = match at_least {
                    Some(MatchConfidence::Likely) => true,
                    Some(MatchConfidence::Exact) => confidence == MatchConfidence::Exact,
                    None => false,
                };
                if adopted {
                    self::adopt(submitter, &record, &job);
                }
                let handle = JobHandle { id: job.id(), goal: goal(&record) };
                Reconciled::Found(Box::new(Match { job, handle, confidence, adopted }))
            }
        })
    }
}

impl<'c> IntoFuture for Reconcile<'c> {
    type Output = Result<Reconciled, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'c>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

fn goal(record: &SubmissionRecord) -> Goal {
    match record.operation {
        BillableOperation::Preview => Goal::Preview,
        BillableOperation::Create | BillableOperation::Render => Goal::Video,
    }
}

/// Returns the time from which a list shows the job, if there is one.
pub(crate) fn proves_something_at(record: &SubmissionRecord) -> DateTime<Utc> {
    later(may_be_accepted_until(record), LISTING_LAG)
}

/// Returns the time until which the service may accept it: the request may be under way somewhere
/// although its answer was given up.
fn may_be_accepted_until(record: &SubmissionRecord) -> DateTime<Utc> {
    record.given_up_at.max(later(record.sent_at, timeout(record)))
}

fn timeout(record: &SubmissionRecord) -> TimeDelta {
    TimeDelta::from_std(record.timeout.min(LONGEST_TIMEOUT)).unwrap_or_default()
}

/// Adds to a date that may be anything, also the end of time.
fn later(at: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(by).unwrap_or(at)
}

fn is_not_offered(error: &Error) -> bool {
    let status = error.response().map(|answer| answer.status);
    matches!(error.kind(), ErrorKind::Refused)
        && matches!(status, Some(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED))
}

/// Returns the job that was to be rendered if it shows that it is. Before, it had no video.
fn rendered(record: &SubmissionRecord, job: Job) -> Vec<Job> {
    let came_of_it = match job.status() {
        JobStatus::Pending | JobStatus::InQueue | JobStatus::Running => true,
        JobStatus::Done => job.video_url().is_some(),
        JobStatus::Failed | JobStatus::Rejected => {
            job.updated_at().is_some_and(|at| at >= later(record.sent_at, -CLOCK_SKEW))
        }
        _ => false, // a status that says nothing to us proves nothing
    };
    came_of_it.then_some(job).into_iter().collect()
}

/// Returns the jobs that the submission may have made.
fn matching(
    record: &SubmissionRecord,
    jobs: impl Iterator<Item = Job>,
) -> (Vec<Job>, MatchConfidence) {
    if let Some(marker) = &record.marker {
        let carries = |job: &Job| {
            let webhook = job.as_api().webhook_url.as_deref().unwrap_or_default();
            job.name() == Some(marker) || webhook.contains(marker.as_str())
        };
        return (jobs.filter(carries).collect(), MatchConfidence::Exact);
    }
    let window =
        later(record.sent_at, -CLOCK_SKEW)..=later(may_be_accepted_until(record), CLOCK_SKEW);
    let same = |job: &Job| {
        let variables = job.as_api().variables.clone().map(Value::Object);
        job.name() == record.name.as_deref().filter(|name| !name.is_empty())
            && variables == record.variables
            && job.created_at().is_some_and(|at| window.contains(&at))
    };
    (jobs.filter(same).collect(), MatchConfidence::Likely)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record() -> SubmissionRecord {
        let at = "2026-05-04T09:12:30Z".parse().unwrap();
        SubmissionRecord {
            operation: BillableOperation::Preview,
            template_id: None,
            job_id: None,
            name: Some("Sale".to_owned()),
            variables: Some(json!({ "a": { "type": "text", "properties": { "content": "x" } } })),
            model_version: None,
            marker: None,
            sent_at: at,
            given_up_at: at + TimeDelta::seconds(30),
            timeout: Duration::from_secs(30),
            entry: "e".to_owned(),
        }
    }

    fn job(changes: Value) -> Job {
        let mut job = json!({
            "id": "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11", "status": "pending", "name": "Sale", "created_at": "2026-05-04T09:12:31Z",
            "variables": { "a": { "type": "text", "properties": { "content": "x" } } },
        });
        job.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        serde_json::from_value(job).unwrap()
    }

    #[test]
    fn a_likely_match_has_the_same_name_and_variables_and_was_made_in_the_window() {
        let matches = |changes| matching(&record(), [job(changes)].into_iter()).0.len();
        assert_eq!(matches(json!({})), 1);
        assert_eq!(matches(json!({ "name": "Sales" })), 0);
        assert_eq!(matches(json!({ "name": null })), 0);
        assert_eq!(matches(json!({ "variables": {} })), 0);
        assert_eq!(matches(json!({ "created_at": "2026-05-04T09:10:00Z" })), 0);
        assert_eq!(matches(json!({ "created_at": "2026-05-04T09:15:00Z" })), 0);
        assert_eq!(matches(json!({ "created_at": null })), 0);

        // Its answer was lost at once, and it may still have been accepted at the end of its
        // time-out.
        let slow = SubmissionRecord {
            given_up_at: record().sent_at,
            timeout: Duration::from_secs(900),
            ..record()
        };
        let late = job(json!({ "created_at": "2026-05-04T09:27:00Z" }));
        assert_eq!(matching(&slow, [late].into_iter()).0.len(), 1);
    }

    #[test]
    fn what_was_sent_can_be_written_down_and_read_again() {
        let written = serde_json::to_string(&record()).unwrap();
        let read: SubmissionRecord = serde_json::from_str(&written).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), written);
        assert_eq!(matching(&read, [job(json!({}))].into_iter()).0.len(), 1);

        // A number that is read otherwise than it was written would make another set of variables.
        let number: Value =
            serde_json::from_str("30000000000200000000000000000017830657899684750221").unwrap();
        assert_eq!(serde_json::from_str::<Value>(&number.to_string()).unwrap(), number);
        assert_eq!(proves_something_at(&read), proves_something_at(&record()));
    }

    #[test]
    fn a_marker_is_exact_and_nothing_else_counts_beside_it() {
        let marked = SubmissionRecord { marker: Some("cr-abc".to_owned()), ..record() };
        let matches = |changes| matching(&marked, [job(changes)].into_iter());
        assert_eq!(matches(json!({})).0.len(), 0);
        assert_eq!(matches(json!({ "name": "cr-abc", "variables": {} })).1, MatchConfidence::Exact);
        assert_eq!(
            matches(json!({ "webhook_url": "https://h.example.com/?creatify_marker=cr-abc" }))
                .0
                .len(),
            1
        );
    }

    #[test]
    fn a_list_that_is_read_too_early_proves_nothing() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(proves_something_at(&record()), at("2026-05-04T09:13:15Z"));
        let reset_at_once = SubmissionRecord { given_up_at: record().sent_at, ..record() };
        // The time-out may still be running elsewhere.
        assert_eq!(proves_something_at(&reset_at_once), at("2026-05-04T09:13:15Z"));
        let at_the_end_of_time = SubmissionRecord {
            given_up_at: DateTime::<Utc>::MAX_UTC,
            timeout: Duration::MAX,
            ..record()
        };
        assert_eq!(proves_something_at(&at_the_end_of_time), DateTime::<Utc>::MAX_UTC);
    }

    #[test]
    fn a_render_shows_by_any_change_of_its_job() {
        let started = |changes| rendered(&record(), job(changes)).len();
        let preview = json!({ "status": "done", "preview": "https://p", "updated_at": "2026-05-04T09:00:00Z" });
        assert_eq!(started(preview), 0);
        assert_eq!(
            started(json!({ "status": "in_queue", "updated_at": "2026-05-04T09:12:32Z" })),
            1
        );
        assert_eq!(started(json!({ "status": "done", "video_output": "https://v" })), 1);
        assert_eq!(
            started(json!({ "status": "archived", "updated_at": "2026-05-04T09:12:32Z" })),
            0
        );
        assert_eq!(started(json!({ "status": "failed", "updated_at": "2026-05-04T09:12:32Z" })), 1);
        assert_eq!(started(json!({ "status": "failed", "updated_at": "2026-05-04T09:00:00Z" })), 0);
    }
}

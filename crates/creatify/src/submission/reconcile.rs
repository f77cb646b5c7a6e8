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

use super::{Submitter, options::is_marked};
use crate::{
    error::{Error, ErrorKind},
    job::{Goal, Job, JobHandle},
    journal::{Entry, Filter, MACHINE_SKEW, SubmissionRecord},
};

/// Time for which a list may lack a job that was accepted: an assumption, since it is not
/// documented. A list that is read earlier proves nothing.
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
    /// The service does not offer the list, so the job cannot be found this way.
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
    /// It carries the marker of the submission, or it is the job of the render.
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

/// Assigns a job to a submission of unknown outcome.
pub(crate) async fn adopt(
    submitter: &Submitter,
    record: &SubmissionRecord,
    job: &Job,
) -> Result<JobHandle, Error> {
    submitter.billing().adopt(record.entry, job.id()).await?;
    Ok(JobHandle { id: job.id(), goal: Goal::of(record.operation) })
}

impl<'c> Reconcile<'c> {
    pub(crate) fn new(submitter: &'c Submitter, record: &SubmissionRecord) -> Self {
        Self { submitter, record: record.clone(), adopt: None }
    }
}

impl Reconcile<'_> {
    /// Adopts a single match of at least this confidence.
    pub fn adopt(mut self, at_least: MatchConfidence) -> Self {
        self.adopt = Some(at_least);
        self
    }

    async fn run(self) -> Result<Reconciled, Error> {
        // A match proves something at any time; only the absence of one has to be waited for.
        let mut result = self.look().await?;
        if !result.is_exact() && !matches!(result, Reconciled::Unsupported) {
            let record = &self.record;
            // At most as long as for a submission given up just now: the clock may have been set
            // back.
            let longest = timeout(record) + LISTING_LAG;
            let wait = (proves_something_at(record) - Utc::now()).min(longest);
            if let Ok(wait) = wait.to_std()
                && !wait.is_zero()
            {
                tokio::time::sleep(wait).await;
                result = self.look().await?;
            }
        }
        if let Reconciled::Found(found) = &mut result {
            found.adopted = match self.adopt {
                Some(MatchConfidence::Likely) => true,
                Some(MatchConfidence::Exact) => found.confidence == MatchConfidence::Exact,
                None => false,
            };
            if found.adopted {
                self::adopt(self.submitter, &self.record, &found.job).await?;
            }
        }
        Ok(result)
    }

    /// Looks for the job once.
    async fn look(&self) -> Result<Reconciled, Error> {
        let Self { submitter, record, .. } = self;
        let (mut found, confidence) = match record.job_id {
            Some(id) => {
                let options = submitter.jobs().executor.options();
                let job = submitter.jobs().get(id, options).await?;
                (rendered(record, job), MatchConfidence::Exact)
            }
            None => match submitter.jobs().list(&[]).await {
                Ok(jobs) => {
                    let entry = submitter.billing().find(record.entry).await?;
                    let entry = entry.map(|(entry, _)| entry);
                    let (jobs, mut confidence) = matching(record, entry.as_ref(), jobs);
                    if self.shares_key(entry.as_ref()).await? {
                        confidence = MatchConfidence::Likely;
                    }
                    (self.without_others(jobs).await?, confidence)
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
                let handle = JobHandle { id: job.id(), goal: Goal::of(record.operation) };
                Reconciled::Found(Box::new(Match { job, handle, confidence, adopted: false }))
            }
        })
    }

    /// Returns whether another submission of unknown outcome may have named its job after the same
    /// key, as a preview and a video with one key do.
    async fn shares_key(&self, entry: Option<&Entry>) -> Result<bool, Error> {
        let marker = self.record.marker.as_deref();
        let Some(entry) = entry.filter(|entry| Some(entry.key.as_str()) == marker) else {
            return Ok(false);
        };
        let same_key = Filter::default().key(entry.key.clone()).open();
        let open = self.submitter.billing().entries(same_key).await?;
        Ok(open.iter().any(|other| other.id != entry.id && other.job_id.is_none()))
    }

    /// Returns the jobs that the journal does not know from other submissions.
    async fn without_others(&self, mut jobs: Vec<Job>) -> Result<Vec<Job>, Error> {
        if !jobs.is_empty() {
            let ids: Vec<_> = jobs.iter().map(Job::id).collect();
            let known = self.submitter.billing().entries(Filter::default().jobs(ids)).await?;
            let is_of_another = |job: &Job| {
                known
                    .iter()
                    .any(|entry| entry.id != self.record.entry && entry.job_id == Some(job.id()))
            };
            jobs.retain(|job| !is_of_another(job));
        }
        Ok(jobs)
    }
}

impl Reconciled {
    fn is_exact(&self) -> bool {
        matches!(self, Self::Found(found) if found.confidence == MatchConfidence::Exact)
    }
}

impl<'c> IntoFuture for Reconcile<'c> {
    type Output = Result<Reconciled, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'c>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Returns the time from which a list shows the job, if there is one.
pub(crate) fn proves_something_at(record: &SubmissionRecord) -> DateTime<Utc> {
    later(may_be_accepted_until(record), LISTING_LAG)
}

/// Returns the time until which the service may accept the submission: the request may still be
/// under way after the client stopped waiting.
fn may_be_accepted_until(record: &SubmissionRecord) -> DateTime<Utc> {
    record.given_up_at.max(later(record.sent_at, timeout(record)))
}

fn timeout(record: &SubmissionRecord) -> TimeDelta {
    TimeDelta::from_std(record.timeout.min(LONGEST_TIMEOUT)).unwrap_or_default()
}

/// Adds to a date, or returns it unchanged if the sum is too large to hold.
fn later(at: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(by).unwrap_or(at)
}

fn is_not_offered(error: &Error) -> bool {
    let status = error.response().map(|answer| answer.status);
    matches!(error.kind(), ErrorKind::Refused)
        && matches!(status, Some(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED))
}

/// Returns the job if its status shows that the lost render was accepted. The job had no video
/// before.
fn rendered(record: &SubmissionRecord, job: Job) -> Vec<Job> {
    let was_accepted = match job.status() {
        JobStatus::Pending | JobStatus::InQueue | JobStatus::Running => true,
        JobStatus::Done => {
            let before = record.before.as_ref().and_then(|before| before.video_url.as_deref());
            job.video_url().is_some() && job.video_url() != before
        }
        JobStatus::Failed | JobStatus::Rejected => match &record.before {
            // Both times are of the service, so its clock does not matter.
            Some(before) => before.status != *job.status() || before.updated_at < job.updated_at(),
            None => job.updated_at().is_some_and(|at| at >= later(record.sent_at, -CLOCK_SKEW)),
        },
        _ => false, // an unknown status proves nothing
    };
    was_accepted.then_some(job).into_iter().collect()
}

/// Returns the jobs that the submission may have made.
fn matching(
    record: &SubmissionRecord,
    entry: Option<&Entry>,
    jobs: Vec<Job>,
) -> (Vec<Job>, MatchConfidence) {
    let jobs = jobs.into_iter();
    if let Some(marker) = &record.marker {
        // A name may be in use for longer than the key, unlike a marker, which is random.
        let earliest = entry
            .filter(|entry| entry.key.as_str() == marker)
            .map(|entry| later(entry.created_at, -CLOCK_SKEW));
        let is_before = |job: &Job, least: Option<DateTime<Utc>>| {
            job.created_at().is_some_and(|at| least.is_some_and(|least| at < least))
        };
        let carries = |job: &Job| {
            let webhook = job.as_api().webhook_url.as_deref().unwrap_or_default();
            job.name() == Some(marker) || is_marked(webhook, marker)
        };
        let (found, older): (Vec<_>, Vec<_>) =
            jobs.filter(carries).partition(|job| !is_before(job, earliest));
        if !found.is_empty() || older.is_empty() {
            return (found, MatchConfidence::Exact);
        }
        // The clock of the journal may be ahead of the service's.
        let earliest = earliest.map(|least| later(least, -MACHINE_SKEW));
        let likely = older.into_iter().filter(|job| !is_before(job, earliest)).collect();
        return (likely, MatchConfidence::Likely);
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
    use crate::credits::BillableOperation;
    use crate::journal::{Account, FoundEntries, NewEntry};

    fn record() -> SubmissionRecord {
        SubmissionRecord {
            name: Some("Sale".to_owned()),
            variables: Some(json!({ "a": { "type": "text", "properties": { "content": "x" } } })),
            ..SubmissionRecord::example(BillableOperation::Preview)
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
        let matches = |changes| matching(&record(), None, vec![job(changes)]).0.len();
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
        assert_eq!(matching(&slow, None, vec![late]).0.len(), 1);
    }

    #[test]
    fn what_was_sent_can_be_written_down_and_read_again() {
        let written = serde_json::to_string(&record()).unwrap();
        let read: SubmissionRecord = serde_json::from_str(&written).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), written);
        assert_eq!(matching(&read, None, vec![job(json!({}))]).0.len(), 1);

        // A number that is read otherwise than it was written would make another set of variables.
        let number: Value =
            serde_json::from_str("30000000000200000000000000000017830657899684750221").unwrap();
        assert_eq!(serde_json::from_str::<Value>(&number.to_string()).unwrap(), number);
        assert_eq!(proves_something_at(&read), proves_something_at(&record()));
    }

    #[test]
    fn a_key_that_is_part_of_some_webhook_url_does_not_make_a_match() {
        let keyed = SubmissionRecord { marker: Some("1".to_owned()), ..record() };
        for webhook in ["https://h1.example.com/", "https://h.example.com/?creatify_marker=cr-1"] {
            let job = job(json!({ "webhook_url": webhook }));
            assert!(matching(&keyed, None, vec![job]).0.is_empty(), "{webhook}");
        }
    }

    #[test]
    fn a_marker_is_exact_and_nothing_else_counts_beside_it() {
        let marked = SubmissionRecord { marker: Some("cr-abc".to_owned()), ..record() };
        let matches = |changes| matching(&marked, None, vec![job(changes)]);
        assert_eq!(matches(json!({})).0.len(), 0);
        assert_eq!(matches(json!({ "name": "cr-abc", "variables": {} })).1, MatchConfidence::Exact);
        assert_eq!(
            matches(json!({ "webhook_url": "https://h.example.com/?creatify_marker=cr-abc" }))
                .0
                .len(),
            1
        );
    }

    /// A job of last year may have the name of the key.
    #[test]
    fn a_job_that_is_older_than_its_submission_is_not_taken_for_it_by_its_name() {
        let account = Account::new("https://a.example.com", "id");
        let preview = BillableOperation::Preview;
        let new = NewEntry::new(account, "sku/1".parse().unwrap(), preview);
        let now = "2026-05-04T09:12:30Z".parse().unwrap();
        let (latest, renders, budgets) = (None, Vec::new(), Vec::new());
        let planned = new.plan(FoundEntries { now, latest, renders, budgets });
        let keyed = SubmissionRecord { marker: Some("sku/1".to_owned()), ..record() };
        let matches = |created_at: &str| {
            let job = job(json!({ "name": "sku/1", "created_at": created_at }));
            let (jobs, confidence) = matching(&keyed, planned.entry.as_ref(), vec![job]);
            (jobs.len(), confidence)
        };
        assert_eq!(matches("2026-05-04T09:12:31Z"), (1, MatchConfidence::Exact));
        assert_eq!(matches("2025-05-04T09:12:31Z").0, 0);
        // The journal's clock may be ahead.
        assert_eq!(matches("2026-05-04T08:12:31Z"), (1, MatchConfidence::Likely));
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

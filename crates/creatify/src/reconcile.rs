//! What became of a submission whose answer was lost? Looks for its job, without ever guessing.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use creatify_api::JobStatus;
use http::StatusCode;
use serde_json::Value;

use crate::{
    client::Client,
    credits::Operation,
    error::{Error, ErrorKind, Sent},
    job::{Goal, Job, JobHandle},
};

/// A job may be missing from a list for this long after it was accepted. Nothing documents it; a list read earlier proves nothing.
const LISTING_LAG: TimeDelta = TimeDelta::seconds(15);
/// How far the clocks of this machine and of the service may differ.
const CLOCK_SKEW: TimeDelta = TimeDelta::seconds(60);
/// Nothing works on a request for longer.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(3600);

/// What is known of a submission of unknown outcome.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Reconciled {
    /// One job matches. It is [adopted](Client::adopt) only if the caller or the policy says so.
    OneMatch(Box<Match>),
    /// No job matches so far. That is no proof: ask again later, or look at the balance, before sending it again.
    NoneSeenYet,
    /// Several jobs match, and nothing tells which is the one.
    Ambiguous(Vec<Job>),
    /// The service does not offer the list, so it cannot be known this way.
    CannotKnow,
}

/// The one job that matches.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Match {
    /// The job.
    pub job: Job,
    /// How to wait for it.
    pub handle: JobHandle,
    /// How sure it is.
    pub certainty: Certainty,
    /// Whether it was adopted.
    pub adopted: bool,
}

/// How sure a match is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Certainty {
    /// It carries the marker of the submission, or it is the very job that was to be rendered.
    Exact,
    /// Same name and variables, made in the same minutes. Another submission of the same content would look the same.
    Likely,
}

/// Looking for the job of a submission whose outcome is unknown. Awaiting it does so; every look is free.
#[derive(Debug)]
#[must_use = "nothing is looked for before it is awaited"]
pub struct Reconcile<'c> {
    client: &'c Client,
    sent: Sent,
    adopt: Option<Certainty>,
}

impl Client {
    /// Looks for the job of a submission whose outcome is unknown: a render by its id, anything else in the list of jobs.
    ///
    /// It first waits until a list can prove something: until the request's time-out and a listing lag of 15 s have passed. Jobs that the
    /// [ledger](Self::ledger) knows from other submissions are not proposed.
    ///
    /// # Errors
    ///
    /// Any error of [`jobs`](Self::jobs) and [`job`](Self::job). Nothing is concluded then.
    ///
    /// ```no_run
    /// # async fn example(client: creatify::Client, error: creatify::Error) -> Result<(), creatify::Error> {
    /// use creatify::{Certainty, ErrorKind, Reconciled};
    ///
    /// if let ErrorKind::OutcomeUnknown(sent) = error.kind() {
    ///     match client.reconcile(sent).adopt(Certainty::Exact).await? {
    ///         Reconciled::OneMatch(found) if found.adopted => drop(found.handle.wait(&client).await?),
    ///         other => println!("to be decided by a person: {other:?}"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn reconcile(&self, sent: &Sent) -> Reconcile<'_> {
        Reconcile { client: self, sent: sent.clone(), adopt: None }
    }

    /// Takes a job for that of a submission of unknown outcome, after [`reconcile`](Self::reconcile): its charge is then settled when it
    /// ends. No request.
    pub fn adopt(&self, sent: &Sent, job: &Job) -> JobHandle {
        self.accounts().adopt(&sent.entry, job.id());
        JobHandle { id: job.id(), goal: goal(sent) }
    }

    /// Declares that a submission of unknown outcome was certainly not accepted, and gives back what was set aside. No request.
    pub fn disown(&self, sent: &Sent) {
        self.accounts().disown(&sent.entry);
    }
}

impl Reconcile<'_> {
    /// Adopts a single match that is at least this sure.
    pub fn adopt(mut self, at_least: Certainty) -> Self {
        self.adopt = Some(at_least);
        self
    }

    async fn run(self) -> Result<Reconciled, Error> {
        let Self { client, sent, adopt } = self;
        // Never longer than if it had just been given up: the clock may have been set back.
        let wait = (proves_something_at(&sent) - Utc::now()).min(timeout(&sent) + LISTING_LAG);
        tokio::time::sleep(wait.to_std().unwrap_or_default()).await;
        let (mut found, certainty) = match sent.job_id {
            Some(id) => (render(&sent, client.job(id).await?), Certainty::Exact),
            None => match client.jobs(&[]).await {
                Ok(jobs) => {
                    let others = client.accounts().jobs_of_others(&sent.entry);
                    matching(&sent, jobs.into_iter().filter(|job| !others.contains(&job.id())))
                }
                Err(error) if is_not_offered(&error) => return Ok(Reconciled::CannotKnow),
                Err(error) => return Err(error),
            },
        };
        Ok(match (found.pop(), found.is_empty()) {
            (None, _) => Reconciled::NoneSeenYet,
            (Some(last), false) => {
                found.push(last);
                Reconciled::Ambiguous(found)
            }
            (Some(job), true) => {
                let adopted = match adopt {
                    Some(Certainty::Likely) => true,
                    Some(Certainty::Exact) => certainty == Certainty::Exact,
                    None => false,
                };
                if adopted {
                    client.adopt(&sent, &job);
                }
                let handle = JobHandle { id: job.id(), goal: goal(&sent) };
                Reconciled::OneMatch(Box::new(Match { job, handle, certainty, adopted }))
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

fn goal(sent: &Sent) -> Goal {
    match sent.operation {
        Operation::Preview => Goal::Preview,
        Operation::Create | Operation::Render => Goal::Video,
    }
}

/// From when on a list shows the job, if there is one.
pub(crate) fn proves_something_at(sent: &Sent) -> DateTime<Utc> {
    later(may_be_accepted_until(sent), LISTING_LAG)
}

/// Until when the service may accept it: the request may be under way somewhere although its answer was given up.
fn may_be_accepted_until(sent: &Sent) -> DateTime<Utc> {
    sent.given_up_at.max(later(sent.sent_at, timeout(sent)))
}

fn timeout(sent: &Sent) -> TimeDelta {
    TimeDelta::from_std(sent.timeout.min(LONGEST_TIMEOUT)).unwrap_or_default()
}

/// What was written down may say anything, also a date at the end of time.
fn later(at: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(by).unwrap_or(at)
}

fn is_not_offered(error: &Error) -> bool {
    let status = error.answer().map(|answer| answer.status);
    matches!(error.kind(), ErrorKind::Refused)
        && matches!(status, Some(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED))
}

/// Whether the job that was to be rendered shows that it is. Before, it was done and had no video.
fn render(sent: &Sent, job: Job) -> Vec<Job> {
    let came_of_it = match job.status() {
        JobStatus::Pending | JobStatus::InQueue | JobStatus::Running => true,
        JobStatus::Done => job.video_output().is_some(),
        JobStatus::Failed | JobStatus::Rejected => {
            job.updated_at().is_some_and(|at| at >= later(sent.sent_at, -CLOCK_SKEW))
        }
        _ => false, // a status that says nothing to us proves nothing
    };
    came_of_it.then_some(job).into_iter().collect()
}

/// The jobs that the submission may have made.
fn matching(sent: &Sent, jobs: impl Iterator<Item = Job>) -> (Vec<Job>, Certainty) {
    if let Some(marker) = &sent.marker {
        let carries = |job: &Job| {
            let webhook = job.as_api().webhook_url.as_deref().unwrap_or_default();
            job.name() == Some(marker) || webhook.contains(marker.as_str())
        };
        return (jobs.filter(carries).collect(), Certainty::Exact);
    }
    let window = later(sent.sent_at, -CLOCK_SKEW)..=later(may_be_accepted_until(sent), CLOCK_SKEW);
    let same = |job: &Job| {
        let variables = job.as_api().variables.clone().map(Value::Object);
        job.name() == sent.name.as_deref().filter(|name| !name.is_empty())
            && variables == sent.variables
            && job.created_at().is_some_and(|at| window.contains(&at))
    };
    (jobs.filter(same).collect(), Certainty::Likely)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent() -> Sent {
        let at = "2026-05-04T09:12:30Z".parse().unwrap();
        Sent {
            operation: Operation::Preview,
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
        let matches = |changes| matching(&sent(), [job(changes)].into_iter()).0.len();
        assert_eq!(matches(json!({})), 1);
        assert_eq!(matches(json!({ "name": "Sales" })), 0);
        assert_eq!(matches(json!({ "name": null })), 0);
        assert_eq!(matches(json!({ "variables": {} })), 0);
        assert_eq!(matches(json!({ "created_at": "2026-05-04T09:10:00Z" })), 0);
        assert_eq!(matches(json!({ "created_at": "2026-05-04T09:15:00Z" })), 0);
        assert_eq!(matches(json!({ "created_at": null })), 0);

        // Its answer was lost at once, and it may still have been accepted at the end of its time-out.
        let slow =
            Sent { given_up_at: sent().sent_at, timeout: Duration::from_secs(900), ..sent() };
        let late = job(json!({ "created_at": "2026-05-04T09:27:00Z" }));
        assert_eq!(matching(&slow, [late].into_iter()).0.len(), 1);
    }

    #[test]
    fn what_was_sent_can_be_written_down_and_read_again() {
        let written = serde_json::to_string(&sent()).unwrap();
        let read: Sent = serde_json::from_str(&written).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), written);
        assert_eq!(matching(&read, [job(json!({}))].into_iter()).0.len(), 1);

        // A number that is read otherwise than it was written would make another set of variables.
        let number: Value =
            serde_json::from_str("30000000000200000000000000000017830657899684750221").unwrap();
        assert_eq!(serde_json::from_str::<Value>(&number.to_string()).unwrap(), number);
        assert_eq!(proves_something_at(&read), proves_something_at(&sent()));
    }

    #[test]
    fn a_marker_is_exact_and_nothing_else_counts_beside_it() {
        let marked = Sent { marker: Some("cr-abc".to_owned()), ..sent() };
        let matches = |changes| matching(&marked, [job(changes)].into_iter());
        assert_eq!(matches(json!({})).0.len(), 0);
        assert_eq!(matches(json!({ "name": "cr-abc", "variables": {} })).1, Certainty::Exact);
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
        assert_eq!(proves_something_at(&sent()), at("2026-05-04T09:13:15Z"));
        let reset_at_once = Sent { given_up_at: sent().sent_at, ..sent() };
        assert_eq!(proves_something_at(&reset_at_once), at("2026-05-04T09:13:15Z")); // the time-out may still be running elsewhere
        let at_the_end_of_time =
            Sent { given_up_at: DateTime::<Utc>::MAX_UTC, timeout: Duration::MAX, ..sent() };
        assert_eq!(proves_something_at(&at_the_end_of_time), DateTime::<Utc>::MAX_UTC);
    }

    #[test]
    fn a_render_shows_by_any_change_of_its_job() {
        let started = |changes| render(&sent(), job(changes)).len();
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

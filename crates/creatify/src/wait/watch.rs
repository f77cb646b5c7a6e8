//! How does one wait go? It looks when it should, tells what changed, and ends with the goal, a failure or its deadline.

use std::time::Duration;

use chrono::Utc;
use http::StatusCode;
use tokio::time::{Instant, timeout_at};

use super::{Eta, History, Origin, Update, Wait};
use crate::{
    credits::Credits,
    error::{ChargeRisk, Error, ErrorKind},
    job::{Job, Standing},
    problem,
};

/// A job that stays `done` without its output for this long will not get it. Right after a render is accepted this is normal.
const OUTPUT_GRACE: Duration = Duration::from_secs(120);
/// A job that was just accepted may not be found at once, and one that was seen is not gone for one answer that says so.
const NOT_FOUND_GRACE: Duration = Duration::from_secs(30);
/// The last look is taken this long before the deadline at most, to have its answer in time.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// Of a job that was submitted by somebody else, if it does not say when.
const UNKNOWN_AGE: Duration = Duration::from_secs(600);
const GREATEST_AGE: Duration = Duration::from_secs(3600);
/// A look that failed is followed by another after this long, longer with each failure.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(2);
/// No policy may make a wait spin.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// The state of one wait.
pub(super) struct Watch {
    wait: Wait,
    started: Instant,
    deadline: Instant,
    last_look: Instant,
    next_look: Instant,
    history: History,
    last_seen: Option<Job>,
    last_failure: Option<String>,
    failures: u32,
    /// Not found since then, in every look.
    missing_since: Option<Instant>,
    done_since: Option<Instant>,
    over: bool,
}

impl Watch {
    pub(super) fn new(wait: Wait) -> Self {
        let started = Instant::now();
        // A time-out too long for the clock is as good as a year.
        let deadline = started
            .checked_add(wait.timeout)
            .unwrap_or(started + Duration::from_secs(365 * 24 * 3600));
        let earlier = || match &wait.origin {
            Origin::Here(Some(likeness)) => Some(wait.client.earlier().durations(likeness)),
            _ => None,
        };
        let history =
            History::new().with_earlier(wait.earlier.or_else(earlier).unwrap_or_default());
        Self {
            started,
            deadline,
            last_look: deadline - LAST_LOOK.min(wait.timeout / 10),
            next_look: started,
            history,
            last_seen: None,
            last_failure: None,
            failures: 0,
            missing_since: None,
            done_since: None,
            over: false,
            wait,
        }
    }

    /// The next thing to tell; `None` after the end.
    pub(super) async fn next(&mut self) -> Option<Result<Update, Error>> {
        while !self.over {
            let looked = match self.wait.known.take() {
                Some(job) => Some(Ok(job)),
                None => self.look().await,
            };
            let told = match looked {
                Some(Ok(job)) => self.seen(job),
                Some(Err(error)) => self.not_seen(error.of_job(self.wait.handle)),
                None => None,
            };
            self.over = matches!(told, Some(Ok(Update::Reached(_)) | Err(_)));
            if self.over {
                return told;
            }
            if Instant::now() >= self.last_look && self.next_look >= self.last_look {
                self.over = true;
                return Some(Err(self.timed_out()));
            }
            let (pause, eta) = self.plan();
            let now = Instant::now();
            self.next_look = now + pause.min(self.last_look.saturating_duration_since(now));
            match told {
                Some(Ok(Update::Changed { job, .. })) => {
                    return Some(Ok(Update::Changed { job, eta }));
                }
                Some(told) => return Some(told),
                None => {}
            }
        }
        None
    }

    /// `None` when the answer is not there in time. A look that hangs gives way to the last one.
    async fn look(&self) -> Option<Result<Job, Error>> {
        let until = if self.next_look < self.last_look { self.last_look } else { self.deadline };
        timeout_at(until, self.wait.client.look(self.wait.handle.id, self.next_look)).await.ok()
    }

    /// The pause before the next look, and when the job will probably end.
    fn plan(&self) -> (Duration, Option<Eta>) {
        let outlook = self.history.outlook();
        let pause = self.wait.schedule.pause(&self.history, &outlook, fastrand::f64());
        let eta = outlook.eta().filter(|_| self.history.is_running());
        (pause.max(PAUSE_AFTER_FAILURE * self.failures.min(10)).max(SHORTEST_PAUSE), eta)
    }

    /// When it was submitted is known only of a job that was submitted by this client.
    fn begin_history(&mut self, job: &Job) {
        let age = job.created_at().and_then(|created| (Utc::now() - created).to_std().ok());
        let history = std::mem::take(&mut self.history);
        self.history = history.submitted_before(age.unwrap_or(UNKNOWN_AGE).min(GREATEST_AGE));
    }

    fn seen(&mut self, job: Job) -> Option<Result<Update, Error>> {
        self.wait.client.accounts().saw(&job);
        self.failures = 0;
        self.missing_since = None;
        if self.history.looks() == 0 && self.wait.origin == Origin::Elsewhere {
            self.begin_history(&job);
        }
        let handle = self.wait.handle;
        let ended = |kind, message: String, job: Job| {
            let charge_risk = match job.credits_used() {
                Some(credits) if credits == Credits::ZERO => ChargeRisk::None,
                Some(_) => ChargeRisk::Charged,
                None => ChargeRisk::Unknown,
            };
            Some(Err(Error::new(kind, message).of_job(handle).seen(Some(job)).charged(charge_risk)))
        };
        let line = |reason: &str| problem::bounded_line(reason, self.wait.client.credentials());
        let reason = |job: &Job| {
            job.failed_reason().map(|reason| format!(": {}", line(reason))).unwrap_or_default()
        };
        match job.standing(handle.goal) {
            Standing::Reached => {
                self.learn();
                return Some(Ok(Update::Reached(job)));
            }
            Standing::Failed => {
                return ended(ErrorKind::JobFailed, format!("the job failed{}", reason(&job)), job);
            }
            Standing::Rejected => {
                return ended(
                    ErrorKind::JobRejected,
                    format!("the job was rejected{}", reason(&job)),
                    job,
                );
            }
            Standing::DoneWithoutOutput => {
                let since = *self.done_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= OUTPUT_GRACE {
                    let message = format!(
                        "the job has been done for {} s without a {}",
                        since.elapsed().as_secs(),
                        handle.goal
                    );
                    return ended(ErrorKind::NoOutput, message, job);
                }
            }
            Standing::Going => self.done_since = None,
        }
        self.history.saw(self.started.elapsed(), job.status(), job.progress());
        let told = |job: &Job| (job.status().clone(), job.progress());
        let changed = self.last_seen.as_ref().map(told) != Some(told(&job));
        self.last_seen = Some(job.clone());
        self.last_failure = None;
        changed.then_some(Ok(Update::Changed { job, eta: None }))
    }

    fn learn(&self) {
        if let (Origin::Here(Some(likeness)), Some(run)) =
            (&self.wait.origin, self.history.run_if_done(self.started.elapsed()))
        {
            self.wait.client.earlier().learn(likeness, run);
        }
    }

    fn not_seen(&mut self, error: Error) -> Option<Result<Update, Error>> {
        let missing = error.answer().is_some_and(|answer| answer.status == StatusCode::NOT_FOUND);
        let over = match error.kind() {
            ErrorKind::Refused if missing => {
                self.missing_since.get_or_insert_with(Instant::now).elapsed() >= NOT_FOUND_GRACE
            }
            ErrorKind::Refused | ErrorKind::Credentials | ErrorKind::InvalidInput => true,
            _ => false,
        };
        if over {
            return Some(Err(error.seen(self.last_seen.take())));
        }
        tracing::info!(%error, "a look at the job failed; the wait goes on");
        self.last_failure = Some(error.to_string());
        self.failures += 1;
        Some(Ok(Update::LookFailed(error)))
    }

    fn timed_out(&mut self) -> Error {
        let last = match &self.last_seen {
            Some(job) => format!("its last status was {}", job.status()),
            None => "it was not seen".to_owned(),
        };
        let message = format!(
            "not done within {} s; {last}, and it goes on",
            self.wait.timeout.as_secs_f64()
        );
        // A job that is there was paid for.
        let charge_risk =
            if self.last_seen.is_some() { ChargeRisk::Charged } else { ChargeRisk::Unknown };
        let error = Error::new(ErrorKind::TimedOut, message)
            .of_job(self.wait.handle)
            .seen(self.last_seen.take())
            .charged(charge_risk);
        match self.last_failure.take() {
            Some(failure) => error.because(failure),
            None => error,
        }
    }
}

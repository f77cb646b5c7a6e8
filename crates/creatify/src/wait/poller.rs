//! One wait: polls when its policy says so, tells what changed, and ends with the goal, a failure
//! or its deadline.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use creatify_api::JobStatus;
use http::StatusCode;
use tokio::time::{Instant, timeout_at};

use super::{
    batcher::{PollBatcher, WatchGuard},
    event::WaitEvent,
    forecast::Eta,
    hints::{HintReliability, Seen},
    history::{History, RunTimeStats},
    policy::{PollPolicy, PollState},
};
use crate::{
    credits::Credits,
    error::{ChargeRisk, Error, ErrorKind, RetrySafety},
    http::{Origin, error_response::bounded_line},
    job::{GoalStatus, Job, JobHandle},
};

/// A job that stays `done` without its output for this long will not get it. Right after a render
/// is accepted this is normal.
const OUTPUT_GRACE: Duration = Duration::from_secs(120);
/// A job that was just accepted may not be found at once, and one that was seen is not gone for one
/// answer that says so.
const NOT_FOUND_GRACE: Duration = Duration::from_secs(30);
/// The last poll is made this long before the deadline at most, to have its answer in time.
const LAST_POLL: Duration = Duration::from_secs(5);

/// Assumed age of a job that was submitted by somebody else, if it does not say when.
const UNKNOWN_AGE: Duration = Duration::from_secs(600);
const MAX_AGE: Duration = Duration::from_secs(3600);
/// Age up to which a job counts as just submitted.
const JUST_SUBMITTED: Duration = Duration::from_secs(1);
/// Pause after a failed poll, longer with each further failure.
const DELAY_AFTER_FAILURE: Duration = Duration::from_secs(2);
/// No policy may make a wait spin.
const MIN_DELAY: Duration = Duration::from_millis(10);

/// Options of a wait.
pub(super) struct WaitOptions {
    pub(super) batcher: PollBatcher,
    pub(super) handle: JobHandle,
    pub(super) timeout: Duration,
    pub(super) policy: Arc<dyn PollPolicy>,
    pub(super) run_times: Option<RunTimeStats>,
    pub(super) known: Option<Job>,
}

/// State of one wait.
pub(super) struct Poller {
    options: WaitOptions,
    started: Instant,
    deadline: Instant,
    last_poll: Instant,
    next_poll: Instant,
    history: History,
    submitted: Submitted,
    watch: WatchGuard,
    last_seen: Option<Job>,
    last_failure: Option<String>,
    failures: u32,
    /// Time since which every poll said that there is no such job.
    missing_since: Option<Instant>,
    done_since: Option<Instant>,
    state: State,
}

/// Submitter of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Submitted {
    /// This client.
    Here,
    /// Anybody, any time ago.
    Elsewhere,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Over,
}

impl Poller {
    pub(super) fn new(options: WaitOptions) -> Self {
        let started = Instant::now();
        // A time-out too long for the clock is as good as a year.
        let deadline = started
            .checked_add(options.timeout)
            .unwrap_or(started + Duration::from_secs(365 * 24 * 3600));
        let run_times = &options.batcher.jobs().run_times;
        let age = run_times.age(options.handle.id);
        let expected = options.run_times.or_else(|| run_times.of(options.handle.id));
        let mut history = History::new().with_run_times(expected.unwrap_or_default());
        if let Some(age) = age.filter(|age| *age > JUST_SUBMITTED) {
            history = history.submitted_before(age.min(MAX_AGE));
        }
        Self {
            started,
            deadline,
            last_poll: deadline - LAST_POLL.min(options.timeout / 10),
            next_poll: started,
            history,
            watch: options.batcher.watch(options.handle.id),
            submitted: if age.is_some() { Submitted::Here } else { Submitted::Elsewhere },
            last_seen: None,
            last_failure: None,
            failures: 0,
            missing_since: None,
            done_since: None,
            state: State::Waiting,
            options,
        }
    }

    /// Returns the next event; `None` after the end.
    pub(super) async fn next(&mut self) -> Option<Result<WaitEvent, Error>> {
        while self.state == State::Waiting {
            let polled = match self.options.known.take() {
                Some(job) => Some(Ok(job)),
                None => self.poll().await,
            };
            let event = match polled {
                Some(Ok(job)) => self.seen(job),
                Some(Err(error)) => self.not_seen(error.of_job(self.options.handle)),
                None => None,
            };
            if matches!(event, Some(Ok(WaitEvent::Completed(_)) | Err(_))) {
                self.state = State::Over;
                return event;
            }
            if Instant::now() >= self.last_poll && self.next_poll >= self.last_poll {
                self.state = State::Over;
                return Some(Err(self.timed_out()));
            }
            let (delay, eta) = self.plan();
            let now = Instant::now();
            self.next_poll = now + delay.min(self.last_poll.saturating_duration_since(now));
            match event {
                Some(Ok(WaitEvent::Progress { job, .. })) => {
                    return Some(Ok(WaitEvent::Progress { job, eta }));
                }
                Some(event) => return Some(event),
                None => {}
            }
        }
        None
    }

    /// Polls the job; `None` when the answer does not come in time. A poll that hangs gives way to
    /// the last one.
    async fn poll(&self) -> Option<Result<Job, Error>> {
        let until = if self.next_poll < self.last_poll { self.last_poll } else { self.deadline };
        // After a suspension both times have passed before the last poll began.
        let until = until.max(Instant::now() + LAST_POLL.min(self.options.timeout / 10));
        timeout_at(until, self.options.batcher.poll(self.options.handle.id, self.next_poll))
            .await
            .ok()
    }

    /// Returns the pause before the next poll, and when the job will probably end.
    fn plan(&self) -> (Duration, Option<Eta>) {
        let forecast = self.history.forecast();
        let state = PollState {
            hint_reliability: self.hint_reliability(),
            ..PollState::new(&self.history, &forecast, fastrand::f64())
        };
        let delay = self.options.policy.next_delay(&state);
        let eta = forecast.eta().filter(|_| self.history.is_running());
        (delay.max(DELAY_AFTER_FAILURE * self.failures.min(10)).max(MIN_DELAY), eta)
    }

    /// Returns how far hints are relied on for this job: they come only to a webhook URL.
    fn hint_reliability(&self) -> HintReliability {
        match &self.last_seen {
            Some(job) if job.webhook_url().is_some() => self.watch.reliability(),
            _ => HintReliability::default(),
        }
    }

    /// Takes the age of a job of somebody else from its first status.
    fn begin_history(&mut self, job: &Job) {
        let age = job.created_at().and_then(|created| (Utc::now() - created).to_std().ok());
        let history = std::mem::take(&mut self.history);
        self.history = history.submitted_before(age.unwrap_or(UNKNOWN_AGE).min(MAX_AGE));
    }

    fn seen(&mut self, job: Job) -> Option<Result<WaitEvent, Error>> {
        self.failures = 0;
        self.missing_since = None;
        if self.history.poll_count() == 0 && self.submitted == Submitted::Elsewhere {
            self.begin_history(&job);
        }
        let goal = self.options.handle.goal;
        self.note_for_hints(&job);
        if self.options.batcher.jobs().run_times.is_left_over(&job) {
            self.history.record(self.started.elapsed(), &JobStatus::Pending, None);
            return self.progress(job);
        }
        match job.goal_status(goal) {
            GoalStatus::Reached => {
                if let Some(run) = self.history.run_if_done(self.started.elapsed()) {
                    self.options.batcher.jobs().run_times.learn(job.id(), run);
                }
                return Some(Ok(WaitEvent::Completed(job)));
            }
            GoalStatus::Failed => {
                let message = format!("the job failed{}", self.reason(&job));
                return Some(Err(self.ended(ErrorKind::JobFailed, message, job)));
            }
            GoalStatus::Rejected => {
                let message = format!("the job was rejected{}", self.reason(&job));
                return Some(Err(self.ended(ErrorKind::JobRejected, message, job)));
            }
            GoalStatus::MissingOutput => {
                let since = self.done_since.get_or_insert_with(Instant::now).elapsed();
                if since >= OUTPUT_GRACE {
                    let message =
                        format!("the job has been done for {} s without a {goal}", since.as_secs());
                    return Some(Err(self.ended(ErrorKind::NoOutput, message, job)));
                }
            }
            GoalStatus::InProgress => self.done_since = None,
        }
        self.history.record(self.started.elapsed(), job.status(), job.progress());
        self.progress(job)
    }

    fn note_for_hints(&self, job: &Job) {
        if job.webhook_url().is_none() {
            return;
        }
        let last_status = self.last_seen.as_ref().map(Job::status);
        self.watch.seen(match job.goal_status(self.options.handle.goal) {
            GoalStatus::Reached | GoalStatus::Failed | GoalStatus::Rejected => Seen::End,
            _ if last_status == Some(job.status()) => Seen::SameStatus,
            _ => Seen::NewStatus,
        });
    }

    /// Returns an event if the job has changed.
    fn progress(&mut self, job: Job) -> Option<Result<WaitEvent, Error>> {
        let shown = |job: &Job| (job.status().clone(), job.progress());
        let changed = self.last_seen.as_ref().map(shown) != Some(shown(&job));
        self.last_seen = Some(job.clone());
        self.last_failure = None;
        changed.then_some(Ok(WaitEvent::Progress { job, eta: None }))
    }

    fn reason(&self, job: &Job) -> String {
        let credentials = self.options.batcher.jobs().executor.credentials();
        job.failed_reason()
            .map(|reason| format!(": {}", bounded_line(reason, credentials)))
            .unwrap_or_default()
    }

    fn ended(&self, kind: ErrorKind, message: String, job: Job) -> Error {
        let charge_risk = match job.credits_used() {
            Some(credits) if credits <= Credits::ZERO => match kind {
                ErrorKind::NoOutput => ChargeRisk::Unknown,
                _ => ChargeRisk::None,
            },
            Some(_) => ChargeRisk::Charged,
            None => ChargeRisk::Unknown,
        };
        Error::new(kind, message).of_job(self.options.handle).seen(Some(job)).charged(charge_risk)
    }

    fn not_seen(&mut self, error: Error) -> Option<Result<WaitEvent, Error>> {
        let response = error.response();
        let missing = response.is_some_and(|response| response.status == StatusCode::NOT_FOUND);
        let by_the_service = response.is_none_or(|response| response.origin == Origin::Service);
        let over = match error.kind() {
            ErrorKind::Refused if missing => {
                self.missing_since.get_or_insert_with(Instant::now).elapsed() >= NOT_FOUND_GRACE
            }
            // A page of a gateway or firewall says nothing about the job.
            ErrorKind::Refused | ErrorKind::Credentials | ErrorKind::InsufficientCredits => {
                by_the_service
            }
            ErrorKind::InvalidInput => true,
            _ => false,
        };
        if over {
            return Some(Err(self.refused(error)));
        }
        tracing::info!(%error, "polling the job failed; the wait goes on");
        self.last_failure = Some(error.to_string());
        self.failures += 1;
        Some(Ok(WaitEvent::PollFailed(error)))
    }

    /// Returns the error of a wait whose polls are refused. A job that is there goes on.
    fn refused(&mut self, error: Error) -> Error {
        let last_seen = self.last_seen.take();
        if last_seen.is_none() && self.submitted == Submitted::Elsewhere {
            return error.charged(ChargeRisk::Unknown);
        }
        Error::new(
            ErrorKind::StatusRefused,
            "the job was accepted and goes on, but the service refuses to tell its status",
        )
        .of_job(self.options.handle)
        .answered(error.response().cloned())
        .seen(last_seen)
        .charged(ChargeRisk::Charged)
        .with_retry_safety(RetrySafety::Safe)
        .because(error)
    }

    fn timed_out(&mut self) -> Error {
        let last = match &self.last_seen {
            Some(job) => format!("its last status was {}", job.status()),
            None => "its status could not be read".to_owned(),
        };
        let timeout = self.options.timeout.as_secs_f64();
        let message = format!("not done within {timeout} s; {last}, and it goes on");
        // A job that is there was paid for.
        let is_there = self.last_seen.is_some() || self.submitted == Submitted::Here;
        let charge_risk = if is_there { ChargeRisk::Charged } else { ChargeRisk::Unknown };
        let error = Error::new(ErrorKind::TimedOut, message)
            .of_job(self.options.handle)
            .seen(self.last_seen.take())
            .charged(charge_risk);
        match self.last_failure.take() {
            Some(failure) => error.because(failure),
            None => error,
        }
    }
}

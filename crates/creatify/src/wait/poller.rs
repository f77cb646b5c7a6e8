//! One wait: polls by its policy, reports changes, and ends with the goal, a failure or its
//! deadline.

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

/// Time after which a job that stays `done` without its output is not expected to get it. Right
/// after a render is accepted, this state is normal.
const OUTPUT_GRACE: Duration = Duration::from_secs(120);
/// Time for which "not found" is tolerated: a job that was just accepted may not be found at once,
/// and a single answer may be wrong.
const NOT_FOUND_GRACE: Duration = Duration::from_secs(30);
/// Longest time before the deadline at which the last poll is made, to have its answer in time.
const LAST_POLL: Duration = Duration::from_secs(5);

/// Assumed age of a job that was submitted by somebody else, if it does not say when.
const UNKNOWN_AGE: Duration = Duration::from_secs(600);
const MAX_AGE: Duration = Duration::from_secs(3600);
/// Age up to which a job counts as just submitted.
const JUST_SUBMITTED: Duration = Duration::from_secs(1);
/// Pause after a failed poll, longer with each further failure.
const DELAY_AFTER_FAILURE: Duration = Duration::from_secs(2);
const MAX_DELAY_AFTER_FAILURE: Duration = Duration::from_secs(30);
/// Shortest delay, so that no policy makes a wait spin.
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
    submitted_by: SubmittedBy,
    watch: WatchGuard,
    last_seen: Option<Job>,
    last_failure: Option<String>,
    failures: u32,
    /// Time since which every poll said that there is no such job.
    missing_since: Option<Instant>,
    done_since: Option<Instant>,
    state: State,
}

/// Client that submitted the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SubmittedBy {
    ThisClient,
    /// Another client or process, at any time.
    Another,
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
            submitted_by: if age.is_some() {
                SubmittedBy::ThisClient
            } else {
                SubmittedBy::Another
            },
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

    /// Polls the job; `None` when the answer does not come in time. A poll that hangs is given up
    /// in time for the last one.
    async fn poll(&self) -> Option<Result<Job, Error>> {
        let until = if self.next_poll < self.last_poll { self.last_poll } else { self.deadline };
        // After the process was suspended, both times may have passed before the last poll.
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
        let delay = match self.failures {
            0 => delay,
            // The delay of the policy may be long, for example with reliable hints.
            failures => {
                delay.min(MAX_DELAY_AFTER_FAILURE).max(DELAY_AFTER_FAILURE * failures.min(10))
            }
        };
        (delay.max(MIN_DELAY), eta)
    }

    /// Returns the reliability of hints for this job; 0 without a webhook URL, since they come only
    /// there.
    fn hint_reliability(&self) -> HintReliability {
        match &self.last_seen {
            Some(job) if job.webhook_url().is_some() => self.watch.reliability(),
            _ => HintReliability::default(),
        }
    }

    /// Begins the history of a job that another client submitted, with the age from its first
    /// status.
    fn begin_history(&mut self, job: &Job) {
        let age = job.created_at().and_then(|created| (Utc::now() - created).to_std().ok());
        let history = std::mem::take(&mut self.history);
        self.history = history.submitted_before(age.unwrap_or(UNKNOWN_AGE).min(MAX_AGE));
    }

    fn seen(&mut self, job: Job) -> Option<Result<WaitEvent, Error>> {
        self.failures = 0;
        self.missing_since = None;
        if self.history.poll_count() == 0 && self.submitted_by == SubmittedBy::Another {
            self.begin_history(&job);
        }
        let goal = self.options.handle.goal;
        self.note_for_hints(&job);
        if self.options.batcher.jobs().is_left_over(&job) {
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
        job.failed_reason().map(|reason| format!(": {}", self.line(reason))).unwrap_or_default()
    }

    /// Returns a text of the service as one bounded line without secrets.
    fn line(&self, text: &str) -> String {
        bounded_line(text, self.options.batcher.jobs().executor.credentials())
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
        // A page of a gateway or firewall says nothing about the job, nor do words in a success.
        let by_the_service = response.is_none_or(|response| {
            response.origin == Origin::Service && !response.status.is_success()
        });
        let over = match error.kind() {
            ErrorKind::Refused if missing && by_the_service => {
                self.missing_since.get_or_insert_with(Instant::now).elapsed() >= NOT_FOUND_GRACE
            }
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

    /// Returns the error of a wait whose polls are refused. A job that exists goes on.
    fn refused(&mut self, error: Error) -> Error {
        let last_seen = self.last_seen.take();
        if last_seen.is_none() && self.submitted_by == SubmittedBy::Another {
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
            Some(job) => format!("its last status was {}", self.line(job.status().as_str())),
            None => "its status could not be read".to_owned(),
        };
        let timeout = self.options.timeout.as_secs_f64();
        let message = format!("not done within {timeout} s; {last}, and it goes on");
        // A job that exists was paid for.
        let exists = self.last_seen.is_some() || self.submitted_by == SubmittedBy::ThisClient;
        let charge_risk = if exists { ChargeRisk::Charged } else { ChargeRisk::Unknown };
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

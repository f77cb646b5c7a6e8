//! Waiting for a job: by its goal, until a deadline, losing nothing when it is dropped.

mod schedule;

use std::{
    future::{Future, IntoFuture},
    pin::{Pin, pin},
    time::Duration,
};

use creatify_api::OperationId;
use futures_core::Stream;
use http::StatusCode;
use tokio::time::Instant;

pub use schedule::Schedule;

use crate::{
    call::Patience,
    client::Client,
    credits::Credits,
    error::{ChargeRisk, Error, ErrorKind},
    job::{Job, JobHandle, Standing},
};

/// How long a job is waited for unless the caller says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// A job that stays `done` without its output for this long will not get it. Right after a render is accepted this is normal.
const OUTPUT_GRACE: Duration = Duration::from_secs(120);
/// A job that was just accepted may not be found at once.
const NOT_FOUND_GRACE: Duration = Duration::from_secs(30);
/// Attempts of one look; a look that fails is not the end, so it need not be stubborn.
const LOOK_ATTEMPTS: u32 = 2;
/// The last look is taken this long before the deadline at most, to have its answer in time.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// A wait for a job, to be awaited or consumed as a stream of updates. Every look is one free request.
///
/// Dropping it at any point loses nothing: the job goes on, and its handle can be waited for again.
#[derive(Debug, Clone)]
#[must_use = "a wait does nothing unless it is awaited or its updates are consumed"]
pub struct Wait {
    client: Client,
    handle: JobHandle,
    timeout: Duration,
    known: Option<Job>,
}

/// What a wait has to tell.
#[derive(Debug)]
#[non_exhaustive]
pub enum Update {
    /// The job's status or progress changed.
    Changed(Job),
    /// A look at the job failed. The job goes on, and so does the wait.
    LookFailed(Error),
    /// The goal is reached. This is the last update.
    Reached(Job),
}

impl JobHandle {
    /// Waits for the job's goal: for at most 20 minutes, unless [`Wait::timeout`] says otherwise.
    ///
    /// # Errors
    ///
    /// Each has the handle in [`Error::job`]: [`JobFailed`](ErrorKind::JobFailed), [`JobRejected`](ErrorKind::JobRejected),
    /// [`NoOutput`](ErrorKind::NoOutput), [`TimedOut`](ErrorKind::TimedOut) (the job goes on), and
    /// [`Credentials`](ErrorKind::Credentials) or [`Refused`](ErrorKind::Refused) when looking at it is refused. Other failures to look
    /// are updates, not errors.
    ///
    /// ```no_run
    /// # async fn example(client: creatify::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// let handle: creatify::JobHandle = "video:7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11".parse()?;
    /// let job = handle.wait(&client).timeout(Duration::from_secs(600)).await?;
    /// println!("{:?}", job.video_output());
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&self, client: &Client) -> Wait {
        Wait::new(client.clone(), *self)
    }
}

impl Wait {
    pub(crate) fn new(client: Client, handle: JobHandle) -> Self {
        Self { client, handle, timeout: DEFAULT_TIMEOUT, known: None }
    }

    /// Starts from an answer that is at hand.
    pub(crate) fn knowing(mut self, job: Job) -> Self {
        self.known = Some(job);
        self
    }

    /// Bounds the whole wait: requests, retries and pauses. The last look is taken just before it passes.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The updates as they come. The stream ends after [`Update::Reached`] or the first error.
    pub fn updates(self) -> impl Stream<Item = Result<Update, Error>> + Send + 'static {
        async_stream::stream! {
            let mut watch = Watch::new(self);
            while let Some(update) = watch.next().await {
                yield update;
            }
        }
    }
}

impl IntoFuture for Wait {
    type Output = Result<Job, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut watch = pin!(Watch::new(self));
            loop {
                match watch.next().await {
                    Some(Ok(Update::Reached(job))) => return Ok(job),
                    Some(Err(error)) => return Err(error),
                    Some(Ok(_)) => {}
                    None => return Err(Error::invalid("a wait was polled after its end")), // it ends with one of the above
                }
            }
        })
    }
}

/// The state of one wait.
struct Watch {
    wait: Wait,
    started: Instant,
    deadline: Instant,
    next_look: Instant,
    last_seen: Option<Job>,
    last_failure: Option<String>,
    done_since: Option<Instant>,
    over: bool,
}

impl Watch {
    fn new(wait: Wait) -> Self {
        let started = Instant::now();
        // A time-out too long for the clock is as good as a year.
        let deadline = started.checked_add(wait.timeout).unwrap_or(started + Duration::from_secs(365 * 24 * 3600));
        Self { wait, started, deadline, next_look: started, last_seen: None, last_failure: None, done_since: None, over: false }
    }

    /// The next thing to tell; `None` after the end.
    async fn next(&mut self) -> Option<Result<Update, Error>> {
        while !self.over {
            tokio::time::sleep_until(self.next_look).await;
            let looked = match self.wait.known.take() {
                Some(job) => Ok(job),
                None => self.look().await,
            };
            let told = match looked {
                Ok(job) => self.seen(job),
                Err(error) => self.not_seen(error),
            };
            self.over = matches!(told, Some(Ok(Update::Reached(_)) | Err(_)));
            if !self.over && !self.plan_next_look() {
                self.over = true;
                return Some(Err(self.timed_out()));
            }
            if told.is_some() {
                return told;
            }
        }
        None
    }

    async fn look(&self) -> Result<Job, Error> {
        let id = self.wait.handle.id.as_uuid();
        let patience = Patience { deadline: self.deadline, attempts: LOOK_ATTEMPTS, ..self.wait.client.patience() };
        let get = |api: creatify_api::Client| async move { api.get_custom_template_job().id(id).send().await };
        match self.wait.client.call(OperationId::GetCustomTemplateJob, patience, get).await {
            Ok(job) => Ok(job.into()),
            Err(failed) => Err(failed.into_error().of_job(self.wait.handle)),
        }
    }

    fn seen(&mut self, job: Job) -> Option<Result<Update, Error>> {
        self.wait.client.accounts().saw(&job);
        let handle = self.wait.handle;
        let ended = |kind, message: String, job: Job| {
            let charge_risk = match job.credits_used() {
                Some(credits) if credits == Credits::ZERO => ChargeRisk::None,
                Some(_) => ChargeRisk::Charged,
                None => ChargeRisk::Unknown,
            };
            Some(Err(Error::new(kind, message).of_job(handle).seen(Some(job)).charged(charge_risk)))
        };
        let reason = |job: &Job| job.failed_reason().map(|reason| format!(": {reason}")).unwrap_or_default();
        match job.standing(handle.goal) {
            Standing::Reached => return Some(Ok(Update::Reached(job))),
            Standing::Failed => return ended(ErrorKind::JobFailed, format!("the job failed{}", reason(&job)), job),
            Standing::Rejected => return ended(ErrorKind::JobRejected, format!("the job was rejected{}", reason(&job)), job),
            Standing::DoneWithoutOutput => {
                let since = *self.done_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= OUTPUT_GRACE {
                    let message = format!("the job has been done for {} s without a {}", since.elapsed().as_secs(), handle.goal);
                    return ended(ErrorKind::NoOutput, message, job);
                }
            }
            Standing::Going => self.done_since = None,
        }
        let told = |job: &Job| (job.status().clone(), job.progress());
        let changed = self.last_seen.as_ref().map(told) != Some(told(&job));
        self.last_seen = Some(job.clone());
        self.last_failure = None;
        changed.then_some(Ok(Update::Changed(job)))
    }

    fn not_seen(&mut self, error: Error) -> Option<Result<Update, Error>> {
        let missing = error.answer().is_some_and(|answer| answer.status == StatusCode::NOT_FOUND);
        let over = match error.kind() {
            ErrorKind::Refused if missing => self.started.elapsed() >= NOT_FOUND_GRACE,
            ErrorKind::Refused | ErrorKind::Credentials | ErrorKind::InvalidInput => true,
            _ => false,
        };
        if over {
            return Some(Err(error.seen(self.last_seen.take())));
        }
        tracing::info!(%error, "a look at the job failed; the wait goes on");
        self.last_failure = Some(error.to_string());
        Some(Ok(Update::LookFailed(error)))
    }

    /// Whether there is to be another look.
    fn plan_next_look(&mut self) -> bool {
        let now = Instant::now();
        let last_look = self.deadline - LAST_LOOK.min(self.wait.timeout / 10);
        if now >= last_look {
            return false;
        }
        let pause = self.wait.client.schedule().pause(now - self.started, fastrand::f64());
        self.next_look = (now + pause).min(last_look);
        true
    }

    fn timed_out(&mut self) -> Error {
        let last = match &self.last_seen {
            Some(job) => format!("its last status was {}", job.status()),
            None => "it was not seen".to_owned(),
        };
        let message = format!("not done within {} s; {last}, and it goes on", self.wait.timeout.as_secs_f64());
        // A job that is there was paid for.
        let charge_risk = if self.last_seen.is_some() { ChargeRisk::Charged } else { ChargeRisk::Unknown };
        let error =
            Error::new(ErrorKind::TimedOut, message).of_job(self.wait.handle).seen(self.last_seen.take()).charged(charge_risk);
        match self.last_failure.take() {
            Some(failure) => error.because(failure),
            None => error,
        }
    }
}

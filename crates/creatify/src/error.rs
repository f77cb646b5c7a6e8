//! What went wrong? One error type that says what was being done, whether it may be tried again, whether credits were charged, and what
//! the service said.

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use creatify_api::{ModelVersion, OperationId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    credits::{Credits, Estimate, Operation, OverBudget},
    job::{Job, JobHandle, JobId, TemplateId},
    problem::ServiceAnswer,
};

/// Any failure of this crate.
///
/// `Display` is one line; [`source`](std::error::Error::source) holds the rest. Neither ever contains the credentials.
///
/// ```no_run
/// # async fn example(client: &creatify::Client, handle: creatify::JobHandle) {
/// use creatify::ErrorKind;
///
/// if let Err(error) = handle.wait(client).await {
///     match error.kind() {
///         ErrorKind::TimedOut => println!("still going; resume with {}", handle),
///         ErrorKind::JobFailed => println!("{:?}", error.last_seen().and_then(|job| job.failed_reason())),
///         _ => println!("{error} ({:?}, {:?})", error.retry_safety(), error.charge_risk()),
///     }
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    operation: Option<OperationId>,
    job: Option<JobHandle>,
    last_seen: Option<Job>,
    answer: Option<ServiceAnswer>,
    attempts: u32,
    retry_safety: RetrySafety,
    charge_risk: ChargeRisk,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    /// Of a submission that was charged, and whose answer does not say as which job.
    sent: Option<Box<Sent>>,
}

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What kind of failure it is, and so what to do about it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument or setting is wrong. Nothing was sent. Correct it.
    InvalidInput,
    /// The service refused the credentials (401, 403). Check them.
    Credentials,
    /// The service refused the request (other 4xx). [`Error::answer`] has its words, field by field. Change the request.
    Refused,
    /// The account has too few credits. Nothing was charged.
    InsufficientCredits,
    /// The job has a video, and another render would be charged again. Nothing was sent. Take the video it has.
    AlreadyRendered,
    /// The estimate is above the limit that the caller set. Nothing was sent.
    OverLimit(Box<OverLimit>),
    /// The submission may cost more than is left of the client's budget. Nothing was sent.
    OverBudget(OverBudget),
    /// The ledger cannot be written. Nothing was sent.
    Ledger,
    /// The service kept answering 429. Nothing was processed. Try later, and less often.
    RateLimited,
    /// The service kept failing (5xx) on a free request, or declared itself down. Try later.
    Unavailable,
    /// No connection, or no answer to a free request in time. Try later.
    Unreachable,
    /// A success whose body is not what the specification says. For a billable request it **was charged**.
    Undecodable,
    /// A billable request was sent and its fate is not known: it may have been accepted and charged, or not. It was not sent again.
    /// Look at the account's jobs before sending it again.
    OutcomeUnknown(Box<Sent>),
    /// The job ended `failed`. [`Error::last_seen`] has the reason.
    JobFailed,
    /// The job ended `rejected`. [`Error::last_seen`] has the reason.
    JobRejected,
    /// The job stayed `done` without the output that was waited for.
    NoOutput,
    /// The time-out of the wait passed; the job goes on. Wait again with [`Error::job`].
    TimedOut,
    /// The file could not be fetched or written.
    Download,
}

impl ErrorKind {
    /// A short stable name, for machines.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::Credentials => "credentials",
            Self::Refused => "refused",
            Self::InsufficientCredits => "insufficient_credits",
            Self::AlreadyRendered => "already_rendered",
            Self::OverLimit(_) => "over_limit",
            Self::OverBudget(_) => "over_budget",
            Self::Ledger => "ledger",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Unreachable => "unreachable",
            Self::Undecodable => "undecodable",
            Self::OutcomeUnknown(_) => "outcome_unknown",
            Self::JobFailed => "job_failed",
            Self::JobRejected => "job_rejected",
            Self::NoOutput => "no_output",
            Self::TimedOut => "timed_out",
            Self::Download => "download",
        }
    }
}

/// Whether the same call may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RetrySafety {
    /// It may: this cannot be charged twice.
    Safe,
    /// It would fail in the same way. Change something first.
    Futile,
    /// It may be charged a second time. Find out first what became of this one.
    Unsafe,
}

/// Whether credits were charged, for the call that failed or for the job it concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChargeRisk {
    /// No.
    None,
    /// Yes.
    Charged,
    /// Perhaps.
    Unknown,
}

/// A submission that was not sent because it may cost more than the limit.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OverLimit {
    /// What it may cost.
    pub estimate: Estimate,
    /// The limit.
    pub limit: Credits,
}

/// What was sent when the outcome is not known: enough to recognise the job among others, in this process or another.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sent {
    /// What is charged if it was accepted.
    pub operation: Operation,
    /// The template. The service never returns it.
    pub template_id: Option<TemplateId>,
    /// The job, for a render.
    pub job_id: Option<JobId>,
    /// The name, which the service returns.
    pub name: Option<String>,
    /// The variables, which the service returns.
    pub variables: Option<Value>,
    /// The model.
    pub model_version: Option<ModelVersion>,
    /// What makes it exact, if the submission carried a marker.
    pub marker: Option<String>,
    /// Just before it was sent.
    pub sent_at: DateTime<Utc>,
    /// When the answer was given up.
    pub given_up_at: DateTime<Utc>,
    /// How long the service may have been working on it.
    pub timeout: Duration,
    /// Its entry in the ledger.
    pub entry: String,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let (retry_safety, charge_risk) = match kind {
            ErrorKind::RateLimited
            | ErrorKind::Unavailable
            | ErrorKind::Unreachable
            | ErrorKind::TimedOut
            | ErrorKind::NoOutput
            | ErrorKind::Download => (RetrySafety::Safe, ChargeRisk::None),
            ErrorKind::OutcomeUnknown(_) => (RetrySafety::Unsafe, ChargeRisk::Unknown),
            _ => (RetrySafety::Futile, ChargeRisk::None),
        };
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            operation: None,
            job: None,
            last_seen: None,
            answer: None,
            attempts: 0,
            retry_safety,
            charge_risk,
            sent: None,
            source: None,
        }))
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    pub(crate) fn during(mut self, operation: OperationId) -> Self {
        self.0.operation = Some(operation);
        self
    }

    pub(crate) fn of_job(mut self, job: JobHandle) -> Self {
        self.0.job = Some(job);
        self
    }

    pub(crate) fn of_unknown_job(mut self, sent: Sent) -> Self {
        self.0.sent = Some(Box::new(sent));
        self
    }

    pub(crate) fn seen(mut self, job: Option<Job>) -> Self {
        self.0.last_seen = job;
        self
    }

    pub(crate) fn answered(mut self, answer: Option<ServiceAnswer>) -> Self {
        self.0.answer = answer;
        self
    }

    pub(crate) fn after(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    pub(crate) fn may_be_retried(mut self, retry_safety: RetrySafety) -> Self {
        self.0.retry_safety = retry_safety;
        self
    }

    pub(crate) fn charged(mut self, charge_risk: ChargeRisk) -> Self {
        self.0.charge_risk = charge_risk;
        self
    }

    pub(crate) fn because(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// What was being done.
    pub fn operation(&self) -> Option<OperationId> {
        self.0.operation
    }

    /// The job it concerns, to wait for or to write down. Present as soon as an id is known.
    pub fn job(&self) -> Option<JobHandle> {
        self.0.job
    }

    /// What was sent, if it is not known what became of it, or as which job it was accepted and charged: hand it to
    /// [`Client::reconcile`](crate::Client::reconcile).
    pub fn sent(&self) -> Option<&Sent> {
        match &self.0.kind {
            ErrorKind::OutcomeUnknown(sent) => Some(sent),
            _ => self.0.sent.as_deref(),
        }
    }

    /// The job as it was last seen.
    pub fn last_seen(&self) -> Option<&Job> {
        self.0.last_seen.as_ref()
    }

    /// Whether the same call may be made again.
    pub fn retry_safety(&self) -> RetrySafety {
        self.0.retry_safety
    }

    /// Whether credits were charged.
    pub fn charge_risk(&self) -> ChargeRisk {
        self.0.charge_risk
    }

    /// What the service said: status, request id, and its own words.
    pub fn answer(&self) -> Option<&ServiceAnswer> {
        self.0.answer.as_ref()
    }

    /// How many requests were sent for the call that failed.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        if let Some(operation) = inner.operation {
            write!(f, "{operation}: ")?;
        }
        f.write_str(&inner.message)?;
        if let Some(answer) = &inner.answer {
            write!(f, " ({}", answer.status.as_u16())?;
            if let Some(id) = &answer.request_id {
                write!(f, ", request {id}")?;
            }
            f.write_str(")")?;
            let problem = answer.problem.to_string();
            if !problem.is_empty() {
                write!(f, ": {problem}")?;
            }
        }
        if let Some(job) = inner.job {
            write!(f, " [job {job}]")?;
        }
        if inner.attempts > 1 {
            write!(f, " [{} attempts]", inner.attempts)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            kind,
            message,
            operation,
            job,
            last_seen,
            answer,
            attempts,
            retry_safety,
            charge_risk,
            sent,
            source,
        } = &*self.0;
        f.debug_struct("Error")
            .field("kind", kind)
            .field("message", message)
            .field("operation", operation)
            .field("job", job)
            .field("last_status", &last_seen.as_ref().map(Job::status))
            .field("answer", answer)
            .field("attempts", attempts)
            .field("retry_safety", retry_safety)
            .field("charge_risk", charge_risk)
            .field("sent", sent)
            .field("source", source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

//! The error type of this crate: what was being done, whether it may be tried again, whether
//! credits were charged, and what the service said.

use std::{fmt, sync::Arc};

use creatify_api::OperationId;
use serde::Serialize;

use crate::{
    credits::{Credits, Estimate},
    http::ErrorResponse,
    job::{Goal, Job, JobHandle},
    journal::{Entry, OverBudget, SubmissionRecord},
};

/// Result of this crate's calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any failure of this crate.
///
/// `Display` is one line; [`source`](std::error::Error::source) holds the rest. Neither ever
/// contains the credentials.
///
/// ```no_run
/// # async fn example(client: &creatify::Client, handle: creatify::JobHandle) {
/// use creatify::ErrorKind;
///
/// if let Err(error) = client.wait(handle).await {
///     match error.kind() {
///         ErrorKind::TimedOut => println!("still going; resume with {handle}"),
///         ErrorKind::JobFailed => println!("{error}"),
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
    response: Option<ErrorResponse>,
    attempts: u32,
    retry_safety: RetrySafety,
    charge_risk: ChargeRisk,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    /// Record of a submission that was charged, but whose answer does not name its job.
    record: Option<Box<SubmissionRecord>>,
}

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Kind of a failure, which decides what to do about it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument or setting is wrong. Nothing was sent. Correct it.
    InvalidInput,
    /// The service refused the credentials (401, 403). Check them.
    Credentials,
    /// The service refused the request (other 4xx). [`Error::response`] has its messages, field by
    /// field. Change the request.
    Refused,
    /// The account has too few credits. Nothing was charged.
    InsufficientCredits,
    /// The job has a video, and another render would be charged again. Nothing was sent. Download
    /// the existing video.
    AlreadyRendered,
    /// The job is being made, or a render of it has not ended, and another one would be charged
    /// again. Nothing was sent. Wait for it with [`Error::job`].
    AlreadyRunning,
    /// The estimate is above the limit that the caller set. Nothing was sent.
    OverLimit(Box<OverLimit>),
    /// The submission may cost more than is left of a budget. Nothing was sent.
    OverBudget(Box<OverBudget>),
    /// The key was used before for a different request. Nothing was sent. Choose another key.
    KeyReused,
    /// Another process is sending the submission with this key, and its outcome was not recorded in
    /// time. Nothing was sent. Send it again with the same key later.
    KeyInUse,
    /// The journal cannot be read or written. Nothing was sent.
    Journal,
    /// The service kept answering 429. Nothing was processed. Try later, and less often.
    RateLimited,
    /// The service kept failing (5xx) on a free request. Try later.
    Unavailable,
    /// No connection, or no answer to a free request in time. Try later.
    Unreachable,
    /// A success whose body is not what the specification says. A billable request **was charged**.
    Undecodable,
    /// A billable request was sent and its outcome is not known: it may have been accepted and
    /// charged, or not. It was not sent again. Check the account's jobs before sending it again.
    OutcomeUnknown(Box<SubmissionRecord>),
    /// The job ended `failed`. [`Error::last_seen`] has the reason.
    JobFailed,
    /// The job ended `rejected`. [`Error::last_seen`] has the reason.
    JobRejected,
    /// The job stayed `done` without the output that was waited for.
    NoOutput,
    /// The time-out of the wait passed; the job goes on. Wait again with [`Error::job`].
    TimedOut,
    /// The job was accepted and goes on, but the service refuses to tell its status. Check the
    /// credentials, then wait again with [`Error::job`].
    StatusRefused,
    /// The file could not be fetched or written.
    Download,
}

impl ErrorKind {
    /// Returns a short stable name, for machines.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::Credentials => "credentials",
            Self::Refused => "refused",
            Self::InsufficientCredits => "insufficient_credits",
            Self::AlreadyRendered => "already_rendered",
            Self::AlreadyRunning => "already_running",
            Self::OverLimit(_) => "over_limit",
            Self::OverBudget(_) => "over_budget",
            Self::KeyReused => "key_reused",
            Self::KeyInUse => "key_in_use",
            Self::Journal => "journal",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Unreachable => "unreachable",
            Self::Undecodable => "undecodable",
            Self::OutcomeUnknown(_) => "outcome_unknown",
            Self::JobFailed => "job_failed",
            Self::JobRejected => "job_rejected",
            Self::NoOutput => "no_output",
            Self::TimedOut => "timed_out",
            Self::StatusRefused => "status_refused",
            Self::Download => "download",
        }
    }
}

/// Safety of making the same call again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RetrySafety {
    /// The call may be made again: it cannot be charged twice.
    Safe,
    /// The same call would fail in the same way. Change something first.
    Futile,
    /// The call may be charged a second time. Find out first what became of this one.
    Unsafe,
}

/// Charge of credits, for the call that failed or for the job it concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChargeRisk {
    /// Nothing was charged.
    None,
    /// Credits were charged.
    Charged,
    /// It is not known whether credits were charged.
    Unknown,
}

/// A submission that was not sent because it may cost more than the limit.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OverLimit {
    /// Estimate of its cost.
    pub estimate: Estimate,
    /// The limit.
    pub limit: Credits,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let (retry_safety, charge_risk) = match kind {
            ErrorKind::RateLimited
            | ErrorKind::Unavailable
            | ErrorKind::Unreachable
            | ErrorKind::TimedOut
            | ErrorKind::StatusRefused
            | ErrorKind::NoOutput
            | ErrorKind::KeyInUse
            | ErrorKind::Journal
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
            response: None,
            attempts: 0,
            retry_safety,
            charge_risk,
            record: None,
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

    /// Names the job of an entry, if it is known.
    pub(crate) fn of_entry(self, entry: &Entry) -> Self {
        match entry.handle() {
            Some(handle) => self.of_job(handle),
            None => self,
        }
    }

    pub(crate) fn of_unknown_job(mut self, record: SubmissionRecord) -> Self {
        self.0.record = Some(Box::new(record));
        self
    }

    pub(crate) fn seen(mut self, job: Option<Job>) -> Self {
        self.0.last_seen = job;
        self
    }

    pub(crate) fn answered(mut self, response: Option<ErrorResponse>) -> Self {
        self.0.response = response;
        self
    }

    pub(crate) fn after(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    pub(crate) fn with_retry_safety(mut self, retry_safety: RetrySafety) -> Self {
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

    /// Returns the kind of failure.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Returns the operation that was being done.
    pub fn operation(&self) -> Option<OperationId> {
        self.0.operation
    }

    /// Returns the job it concerns, to wait for or to write down, if its id is known.
    pub fn job(&self) -> Option<JobHandle> {
        self.0.job
    }

    /// Returns the record of the submission if its outcome is unknown, or if it was charged and its
    /// job is unknown. Pass it to [`Client::reconcile`](crate::Client::reconcile).
    pub fn submission_record(&self) -> Option<&SubmissionRecord> {
        match &self.0.kind {
            ErrorKind::OutcomeUnknown(record) => Some(record),
            _ => self.0.record.as_deref(),
        }
    }

    /// Returns the job as it was last seen.
    pub fn last_seen(&self) -> Option<&Job> {
        self.0.last_seen.as_ref()
    }

    /// Returns whether the same call may be made again.
    #[doc(alias = "retry")]
    pub fn retry_safety(&self) -> RetrySafety {
        self.0.retry_safety
    }

    /// Returns whether credits were charged.
    pub fn charge_risk(&self) -> ChargeRisk {
        self.0.charge_risk
    }

    /// Returns the answer of the service: status, request id and messages.
    pub fn response(&self) -> Option<&ErrorResponse> {
        self.0.response.as_ref()
    }

    /// Returns the number of requests that were sent for the call that failed.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Returns whether a time-out of a wait passed. The job goes on: wait for [`Error::job`] again.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::TimedOut
    }

    /// Returns whether a billable request may or may not have been accepted. Do not send it again:
    /// [reconcile](crate::Client::reconcile) it first.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self.0.kind, ErrorKind::OutcomeUnknown(_))
    }

    /// Returns whether the job itself ended without its output. Read [`Error::last_seen`] and
    /// change the variables or the template; the same submission would probably end the same way.
    pub fn is_job_failure(&self) -> bool {
        use ErrorKind::{JobFailed, JobRejected, NoOutput};
        matches!(self.0.kind, JobFailed | JobRejected | NoOutput)
    }

    /// Returns whether credits are missing: in the account, below the caller's limit or in a
    /// budget. Nothing was charged. Raise what is too low.
    pub fn is_over_limit(&self) -> bool {
        use ErrorKind::{InsufficientCredits, OverBudget, OverLimit};
        matches!(self.0.kind, InsufficientCredits | OverBudget(_) | OverLimit(_))
    }

    /// Returns whether the service answered that there is no such job or template. A job that was
    /// just accepted may be found a moment later.
    pub fn is_not_found(&self) -> bool {
        self.0.response.as_ref().is_some_and(|response| response.status.as_u16() == 404)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        let action = inner.operation.map(|operation| action(operation, inner.job));
        if let Some(action) = &action {
            write!(f, "{action}: ")?;
        }
        f.write_str(&inner.message)?;
        if let Some(response) = &inner.response {
            write!(f, " ({}", response.status.as_u16())?;
            if let Some(id) = &response.request_id {
                write!(f, ", request {id}")?;
            }
            f.write_str(")")?;
            let messages = response.messages.to_string();
            if !messages.is_empty() {
                write!(f, ": {messages}")?;
            }
        }
        match (inner.job, &action) {
            (Some(job), Some(action)) if action.contains(&job.id.to_string()) => {}
            (Some(job), _) => write!(f, " [job {}]", job.id)?,
            (None, _) => {}
        }
        if inner.attempts > 1 {
            write!(f, " [{} attempts]", inner.attempts)?;
        }
        Ok(())
    }
}

/// Returns the operation in words.
fn action(operation: OperationId, job: Option<JobHandle>) -> String {
    let of_job = |action: &str| match job {
        Some(JobHandle { id, .. }) => format!("{action} job {id}"),
        None => format!("{action} the job"),
    };
    match operation {
        OperationId::GetCustomTemplateJob => of_job("reading"),
        OperationId::RenderCustomTemplateJob => of_job("rendering"),
        OperationId::ListCustomTemplateJobs => "listing jobs".to_owned(),
        OperationId::ListCustomTemplates => "listing templates".to_owned(),
        OperationId::GetRemainingCredits => "reading the balance".to_owned(),
        OperationId::PreviewCustomTemplateJob | OperationId::PreviewCustomTemplateJobAsync => {
            format!("submitting the {}", Goal::Preview)
        }
        OperationId::CreateCustomTemplateJob => format!("submitting the {}", Goal::Video),
        other => other.to_string(),
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        f.debug_struct("Error")
            .field("kind", &inner.kind)
            .field("message", &inner.message)
            .field("operation", &inner.operation)
            .field("job", &inner.job)
            .field("last_status", &inner.last_seen.as_ref().map(Job::status))
            .field("response", &inner.response)
            .field("attempts", &inner.attempts)
            .field("retry_safety", &inner.retry_safety)
            .field("charge_risk", &inner.charge_risk)
            .field("record", &inner.record)
            .field("source", &inner.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

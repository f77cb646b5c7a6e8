//! API calls: attempts of the generated client until an answer, a final failure or the deadline.

mod call_error;
pub(crate) mod error_response;
pub(crate) mod lenient;
mod pagination;
mod rate_limiter;
mod repair;
pub(crate) mod retry;
pub(crate) mod transport;

use std::{
    future::Future,
    num::{NonZeroU32, NonZeroUsize},
    pin::{Pin, pin},
    time::Duration,
};

use backon::{BackoffBuilder, ExponentialBuilder};
use chrono::Utc;
use creatify_api::{Client as ApiClient, Context, Credentials, Error as ApiError, ResponseValue};
use creatify_api::{OperationId, types};
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;

pub(crate) use call_error::CallError;
pub use error_response::{ErrorMessages, ErrorResponse};
pub(crate) use pagination::ListPage;
use rate_limiter::RateLimiter;
pub(crate) use retry::Origin;
use retry::{Billing, Failure, RetryDecision, RetryState, decide};

use crate::{
    error::{Error, ErrorKind},
    job::{Job, JobId},
};

/// The first retry waits up to this long, each further one up to twice as long.
const FIRST_BACKOFF: Duration = Duration::from_millis(500);
const MAX_BACKOFF: Duration = Duration::from_secs(20);
/// Time to read an answer that lies in the socket already when the time-out passes, as it does
/// after the process was suspended for longer than the time-out.
const LATE_ANSWER_GRACE: Duration = Duration::from_millis(250);

/// Bounds of one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallOptions {
    /// Time for each attempt, from connecting to the last byte.
    pub(crate) attempt_timeout: Duration,
    /// End of all attempts and the pauses between them.
    pub(crate) deadline: Instant,
    /// Largest number of attempts.
    pub(crate) max_attempts: u32,
}

/// Time-outs and limits of all calls of a client.
#[derive(Debug, Clone)]
pub(crate) struct CallLimits {
    pub(crate) attempt_timeout: Duration,
    pub(crate) call_timeout: Duration,
    pub(crate) blocking_preview_timeout: Duration,
    pub(crate) max_attempts: u32,
    pub(crate) max_concurrent_requests: Option<NonZeroUsize>,
    pub(crate) max_requests_per_second: Option<NonZeroU32>,
}

/// The sender of all API requests of a client and its clones: HTTP, base URL, credentials, limiter
/// and time-outs. It knows nothing about jobs, waiting or money.
pub(crate) struct Executor {
    pooled: reqwest::Client,
    /// Billable requests leave on a connection of their own. On a pooled one that the server is
    /// about to close, they would end with an unknown outcome although they never arrived.
    unpooled: reqwest::Client,
    base_url: Url,
    api_base_url: String,
    credentials: Credentials,
    limiter: RateLimiter,
    limits: CallLimits,
}

impl Executor {
    pub(crate) fn new(
        base_url: Url,
        credentials: Credentials,
        limits: CallLimits,
    ) -> Result<Self, Error> {
        Ok(Self {
            pooled: transport::pooled(&base_url)?,
            unpooled: transport::unpooled(&base_url)?,
            api_base_url: base_url.as_str().trim_end_matches('/').to_owned(),
            base_url,
            credentials,
            limiter: RateLimiter::new(
                limits.max_concurrent_requests,
                limits.max_requests_per_second,
            ),
            limits,
        })
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.api_base_url
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Returns the bounds of an ordinary call that starts now.
    pub(crate) fn options(&self) -> CallOptions {
        CallOptions {
            attempt_timeout: self.limits.attempt_timeout,
            deadline: Instant::now() + self.limits.call_timeout,
            max_attempts: self.limits.max_attempts,
        }
    }

    /// Returns the bounds of a call to the endpoint that answers only when the preview is ready.
    pub(crate) fn blocking_preview_options(&self) -> CallOptions {
        let options = self.options();
        let attempt_timeout = self.limits.blocking_preview_timeout;
        CallOptions { attempt_timeout, deadline: options.deadline + attempt_timeout, ..options }
    }

    /// Makes a call. `send` is given a fresh generated client for each attempt.
    pub(crate) async fn call<T, F>(
        &self,
        operation: OperationId,
        options: CallOptions,
        send: impl Fn(ApiClient) -> F,
    ) -> Result<T, CallError>
    where
        T: DeserializeOwned,
        F: Future<Output = Result<ResponseValue<T>, ApiError<()>>>,
    {
        let billing = Billing::of(operation);
        // A billable request with too little time left for its answer would make its outcome
        // unknown.
        let latest_start = match billing {
            Billing::Free => options.deadline,
            Billing::Billable => {
                options.deadline.checked_sub(options.attempt_timeout).unwrap_or(options.deadline)
            }
        };
        let mut backoff = full_jitter(options.max_attempts);
        let mut attempts = 0;
        let mut last = None;
        loop {
            let Some(permit) = self.limiter.acquire(latest_start).await else {
                return Err(last.unwrap_or_else(|| CallError::not_sent(operation)));
            };
            attempts += 1;
            let sent_at = Utc::now();
            let timeout = options.attempt_timeout.min(time_until(options.deadline));
            let mut error = match self.attempt(operation, billing, timeout, &send).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            drop(permit);
            error.attempts = attempts;
            error.sent_at = Some(sent_at);
            if let Failure::Answer { status: StatusCode::TOO_MANY_REQUESTS, retry_after, .. } =
                error.failure
            {
                self.limiter.throttle(retry_after);
            }
            let state = RetryState {
                billing,
                failure: error.failure,
                attempts,
                backoff: backoff.next(),
                time_left: time_until(latest_start),
            };
            match decide(state) {
                RetryDecision::Retry(_) if !self.limiter.take_retry() => return Err(error),
                RetryDecision::Retry(delay) => {
                    tracing::info!(%operation, attempts, ?delay, failure = ?error.failure, "retrying");
                    tokio::time::sleep(delay).await;
                    last = Some(error);
                }
                RetryDecision::GiveUp => return Err(error),
                RetryDecision::OutcomeUnknown => {
                    return Err(CallError { outcome_unknown: true, ..error });
                }
            }
        }
    }

    /// Sends one request and decodes its answer, leniently if need be.
    async fn attempt<T, F>(
        &self,
        operation: OperationId,
        billing: Billing,
        timeout: Duration,
        send: impl Fn(ApiClient) -> F,
    ) -> Result<T, CallError>
    where
        T: DeserializeOwned,
        F: Future<Output = Result<ResponseValue<T>, ApiError<()>>>,
    {
        let context = Context::new(self.credentials.clone());
        let http = match billing {
            Billing::Free => self.pooled.clone(),
            Billing::Billable => self.unpooled.clone(),
        };
        let api = ApiClient::new_with_client(&self.api_base_url, http, context.clone());
        // Pinned here, since moving it costs more than polling it.
        let mut request = pin!(send(api));
        let mut error = match with_timeout(timeout, request.as_mut()).await {
            Some(Ok(value)) => {
                self.succeeded(value.headers());
                return Ok(value.into_inner());
            }
            Some(Err(error)) => CallError::classify(operation, error, &context, &self.credentials),
            None => CallError::timed_out(operation, &context, &self.credentials),
        };
        let Failure::Undecodable { .. } = error.failure else { return Err(error) };
        let decoded = context.received(|received| {
            let decoded = lenient::decode::<T>(&received.body(), received.extent)?;
            self.succeeded(&received.headers);
            Some(decoded)
        });
        match decoded.flatten() {
            Some((value, repairs)) => {
                tracing::warn!(%operation, %repairs, "the answer did not decode as it is");
                Ok(value)
            }
            None => {
                let cause = error.body.as_deref().and_then(lenient::decode_error::<T>);
                error.source = cause
                    .map(|cause| error_response::bounded_line(&cause, &self.credentials).into())
                    .or(error.source);
                Err(error)
            }
        }
    }

    /// Notes a success, which earns retries and may still ask to slow down.
    fn succeeded(&self, headers: &HeaderMap) {
        self.limiter.record_success();
        if headers.contains_key(http::header::RETRY_AFTER)
            && let Some(pause) = error_response::retry_after(headers, Utc::now())
        {
            self.limiter.throttle(Some(pause));
        }
    }

    /// Reads one job. An answer about another job than asked for is no answer.
    pub(crate) async fn get_job(&self, id: JobId, options: CallOptions) -> Result<Job, Error> {
        let get = |api: ApiClient| async move {
            api.get_custom_template_job().id(id.as_uuid()).send().await
        };
        let operation = OperationId::GetCustomTemplateJob;
        let job: types::CustomTemplateJob =
            self.call(operation, options, get).await.map_err(CallError::into_error)?;
        if JobId::from(job.id) != id {
            let message = format!("the service answered about another job, {}", job.id);
            return Err(Error::new(ErrorKind::Undecodable, message).during(operation));
        }
        Ok(job.into())
    }

    /// Reads a list of these jobs, or of all, as far as its first page shows them.
    pub(crate) async fn first_page_of_jobs(
        &self,
        ids: &[JobId],
        options: CallOptions,
    ) -> Result<types::CustomTemplateJobList, Error> {
        let joined = ids.iter().map(JobId::to_string).collect::<Vec<_>>().join(",");
        let list = |api: ApiClient| {
            let joined = joined.clone();
            async move {
                let request = api.list_custom_template_jobs();
                if joined.is_empty() {
                    request.send().await
                } else {
                    request.ids(joined).send().await
                }
            }
        };
        let operation = OperationId::ListCustomTemplateJobs;
        self.call(operation, options, list).await.map_err(CallError::into_error)
    }
}

/// Runs a request until a time-out; `None` when it passed. The connection is given a moment more
/// to hand over an answer that is there already.
async fn with_timeout<F: Future>(timeout: Duration, mut request: Pin<&mut F>) -> Option<F::Output> {
    match tokio::time::timeout(timeout, request.as_mut()).await {
        Ok(answer) => Some(answer),
        Err(_) => tokio::time::timeout(LATE_ANSWER_GRACE, request).await.ok(),
    }
}

fn time_until(at: Instant) -> Duration {
    at.saturating_duration_since(Instant::now())
}

/// Returns the pauses between attempts: anything from nothing to an exponentially growing limit,
/// so that many clients do not come back together.
fn full_jitter(max_attempts: u32) -> impl Iterator<Item = Duration> {
    ExponentialBuilder::new()
        .with_min_delay(FIRST_BACKOFF)
        .with_max_delay(MAX_BACKOFF)
        .with_factor(2.0)
        .with_max_times(max_attempts.saturating_sub(1) as usize)
        .build()
        .map(|limit| limit.mul_f64(fastrand::f64()))
}

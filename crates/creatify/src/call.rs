//! How is one API call made? Attempts of the generated client, each judged by `retry`, until an answer, a verdict or the deadline.

use std::{future::Future, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use creatify_api::{Client as ApiClient, Error as ApiError, OperationId, Received, ResponseValue};
use http::StatusCode;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::{
    client::Client,
    error::{BoxError, ChargeRisk, Error, ErrorKind, RetrySafety},
    lenient,
    problem::{ServiceAnswer, bounded_line},
    retry::{Billing, Fault, Situation, Verdict, decide},
    transport::is_untrusted,
};

/// The first retry waits up to this long, each further one up to twice as long.
const FIRST_BACKOFF: Duration = Duration::from_millis(500);
const LONGEST_BACKOFF: Duration = Duration::from_secs(20);

/// How long a call may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For each attempt, from connecting to the last byte.
    pub(crate) attempt: Duration,
    /// For all attempts and the pauses between them.
    pub(crate) deadline: Instant,
    /// How often at most.
    pub(crate) attempts: u32,
}

/// A call that did not succeed, with all that is known of it.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) operation: OperationId,
    pub(crate) fault: Fault,
    pub(crate) outcome_unknown: bool,
    pub(crate) answer: Option<ServiceAnswer>,
    /// The raw body of a success that did not decode, as far as it arrived.
    pub(crate) body: Option<Bytes>,
    pub(crate) attempts: u32,
    /// When the last attempt began.
    pub(crate) sent_at: Option<DateTime<Utc>>,
    pub(crate) source: Option<BoxError>,
}

impl Client {
    /// Makes a call. `send` is given a fresh generated client for each attempt.
    pub(crate) async fn call<T, F>(
        &self,
        operation: OperationId,
        patience: Patience,
        send: impl Fn(ApiClient) -> F,
    ) -> Result<T, Failed>
    where
        T: DeserializeOwned,
        F: Future<Output = Result<ResponseValue<T>, ApiError<()>>>,
    {
        let billing = if operation.billing().is_some() { Billing::Billable } else { Billing::Free };
        // A billable request that is given too little time to be answered would make its outcome unknown.
        let latest_start = match billing {
            Billing::Free => patience.deadline,
            Billing::Billable => {
                patience.deadline.checked_sub(patience.attempt).unwrap_or(patience.deadline)
            }
        };
        let mut backoff = full_jitter(patience.attempts);
        let mut attempts = 0;
        let mut last = None;
        loop {
            let Some(leave) = self.pace().leave(latest_start).await else {
                return Err(last.unwrap_or_else(|| Failed::not_sent(operation)));
            };
            attempts += 1;
            let sent_at = Utc::now();
            let time_left = patience.deadline.saturating_duration_since(Instant::now());
            let timeout = patience.attempt.min(time_left).max(Duration::from_millis(1));
            let context = self.context().with_timeout(timeout);
            let error = match send(self.api(context.clone())).await {
                Ok(value) => {
                    self.pace().succeeded();
                    return Ok(value.into_inner());
                }
                Err(error) => error,
            };
            drop(leave);
            let mut failed = self.examine(operation, error, context.received()).await;
            failed.attempts = attempts;
            failed.sent_at = Some(sent_at);
            if let (Fault::Undecodable, Some(body)) = (failed.fault, &failed.body) {
                if let Some((value, dropped)) = lenient::decode::<T>(body) {
                    tracing::warn!(%operation, ?dropped, "fields of the answer do not decode and are left out");
                    self.pace().succeeded();
                    return Ok(value);
                }
                failed.source =
                    where_it_fails::<T>(body).map(|error| self.told(&error)).or(failed.source);
            }
            if let Fault::Answer { status: StatusCode::TOO_MANY_REQUESTS, retry_after } =
                failed.fault
            {
                self.pace().throttled(retry_after);
            }
            let time_left = latest_start.saturating_duration_since(Instant::now());
            match decide(Situation {
                billing,
                fault: failed.fault,
                backoff: backoff.next(),
                time_left,
            }) {
                Verdict::SendAgain(_) if !self.pace().may_retry() => return Err(failed),
                Verdict::SendAgain(delay) => {
                    tracing::info!(%operation, attempts, ?delay, fault = ?failed.fault, "sending again");
                    tokio::time::sleep(delay).await;
                    last = Some(failed);
                }
                Verdict::GiveUp => return Err(failed),
                Verdict::OutcomeUnknown => return Err(Failed { outcome_unknown: true, ..failed }),
            }
        }
    }

    /// What an error of the generated client means.
    async fn examine(
        &self,
        operation: OperationId,
        error: ApiError<()>,
        received: Option<Received>,
    ) -> Failed {
        let mut failed = Failed {
            operation,
            fault: Fault::NoAnswer,
            outcome_unknown: false,
            answer: None,
            body: None,
            attempts: 0,
            sent_at: None,
            source: None,
        };
        match error {
            ApiError::CommunicationError(error) => {
                // A connection that was refused, not found or not secured. Any other failure may have happened after sending.
                if error.is_connect() {
                    failed.fault =
                        if is_untrusted(&error) { Fault::Untrusted } else { Fault::NotConnected };
                }
                failed.source = Some(error.without_url().into());
            }
            ApiError::UnexpectedResponse(response) => {
                let status = response.status();
                let body = response.bytes().await.unwrap_or_default(); // in memory already, see the hooks of creatify-api
                let received = received.unwrap_or_default(); // the hooks keep the head of every answer
                failed.fault = if status.is_success() {
                    failed.body = Some(body.clone());
                    Fault::Undecodable
                } else {
                    let answer = ServiceAnswer::new(&received, &body, self.credentials());
                    let fault = Fault::Answer { status, retry_after: answer.retry_after };
                    failed.answer = Some(answer);
                    fault
                };
            }
            ApiError::InvalidResponsePayload(body, error) => {
                failed.fault = Fault::Undecodable;
                failed.answer =
                    received.map(|received| ServiceAnswer::new(&received, b"", self.credentials()));
                failed.source = Some(self.told(&error));
                failed.body = Some(body);
            }
            // Refused before it was sent, by the generated code or by our hook.
            ApiError::InvalidRequest(message) | ApiError::Custom(message) => {
                failed.fault = Fault::NotConnected;
                failed.source = Some(message.into());
            }
            other => failed.source = Some(other.to_string().into()),
        }
        failed
    }

    /// An error that quotes what the service wrote, without secrets and on a bounded line.
    fn told(&self, error: &dyn std::error::Error) -> BoxError {
        bounded_line(&error.to_string(), self.credentials()).into()
    }
}

/// The field of an answer that does not decode, and why.
fn where_it_fails<T: DeserializeOwned>(
    body: &[u8],
) -> Option<serde_path_to_error::Error<serde_json::Error>> {
    let mut json = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize::<_, T>(&mut json).err()
}

/// Pauses between attempts: anything from nothing to an exponentially growing limit, so that many clients do not come back together.
fn full_jitter(attempts: u32) -> impl Iterator<Item = Duration> {
    ExponentialBuilder::new()
        .with_min_delay(FIRST_BACKOFF)
        .with_max_delay(LONGEST_BACKOFF)
        .with_factor(2.0)
        .with_max_times(attempts.saturating_sub(1) as usize)
        .build()
        .map(|limit| limit.mul_f64(fastrand::f64()))
}

impl Failed {
    /// Its turn would have come after its deadline, by a limit of the client or a pause that the service asked for.
    fn not_sent(operation: OperationId) -> Self {
        let fault = Fault::Answer { status: StatusCode::TOO_MANY_REQUESTS, retry_after: None };
        Self {
            operation,
            fault,
            outcome_unknown: false,
            answer: None,
            body: None,
            attempts: 0,
            sent_at: None,
            source: None,
        }
    }

    /// The error for a call whose failure is no special case for its caller. A billable call with an unknown outcome is one.
    pub(crate) fn into_error(self) -> Error {
        let billable = self.operation.billing().is_some();
        let (kind, message) = match (&self.fault, &self.answer) {
            (Fault::NotConnected, _) => {
                (ErrorKind::Unreachable, "the service could not be reached; nothing was sent")
            }
            (Fault::Untrusted, _) => (
                ErrorKind::Unreachable,
                "the service's certificate is not trusted; nothing was sent",
            ),
            (Fault::NoAnswer, _) => (ErrorKind::Unreachable, "the service did not answer"),
            (Fault::Undecodable, _) => {
                (ErrorKind::Undecodable, "the service answered with something that does not decode")
            }
            (Fault::Answer { .. }, Some(answer)) if answer.is_about_credits() => {
                (ErrorKind::InsufficientCredits, "the account has too few credits")
            }
            (Fault::Answer { status, .. }, _) => match *status {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    (ErrorKind::Credentials, "the service refused the credentials")
                }
                StatusCode::TOO_MANY_REQUESTS if self.attempts == 0 => (
                    ErrorKind::RateLimited,
                    "not sent: its turn would have come too late, as requests are limited or throttled",
                ),
                StatusCode::TOO_MANY_REQUESTS => {
                    (ErrorKind::RateLimited, "the service asks to slow down")
                }
                StatusCode::REQUEST_TIMEOUT => {
                    (ErrorKind::Unavailable, "the service did not get the request in time")
                }
                status if status.is_client_error() || status.is_redirection() => {
                    (ErrorKind::Refused, "the service refused the request")
                }
                _ => (ErrorKind::Unavailable, "the service failed"),
            },
        };
        let untrusted = self.fault == Fault::Untrusted;
        let undecodable = matches!(kind, ErrorKind::Undecodable);
        let mut error = Error::new(kind, message)
            .during(self.operation)
            .answered(self.answer)
            .after(self.attempts);
        if undecodable {
            let (safety, risk) = if billable {
                (RetrySafety::Unsafe, ChargeRisk::Charged)
            } else {
                (RetrySafety::Safe, ChargeRisk::None)
            };
            error = error.may_be_retried(safety).charged(risk);
        }
        if untrusted {
            error = error.may_be_retried(RetrySafety::Futile);
        }
        match self.source {
            Some(source) => error.because(source),
            None => error,
        }
    }
}

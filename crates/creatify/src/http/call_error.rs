//! Failed calls: classification of transport errors and answers, and the error a caller sees.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use creatify_api::{Context, Credentials, Error as ApiError, OperationId, Received};
use http::{StatusCode, header::LOCATION};

use super::{
    error_response::{ErrorMessages, ErrorResponse},
    lenient,
    retry::{Billability, Failure, Origin},
    transport::is_untrusted,
};
use crate::error::{BoxError, ChargeRisk, Error, ErrorKind, RetrySafety};

/// A call that did not succeed, with all that is known of it.
#[derive(Debug)]
pub(crate) struct CallError {
    pub(crate) operation: OperationId,
    pub(crate) failure: Failure,
    pub(crate) outcome_unknown: bool,
    pub(crate) response: Option<ErrorResponse>,
    /// Raw body of the last answer, as far as it arrived.
    pub(crate) body: Option<Bytes>,
    /// `Location` header of the last answer.
    pub(crate) location: Option<String>,
    pub(crate) attempts: u32,
    /// Time just before the last attempt.
    pub(crate) sent_at: Option<DateTime<Utc>>,
    pub(crate) source: Option<BoxError>,
}

impl CallError {
    fn new(operation: OperationId, failure: Failure) -> Self {
        Self {
            operation,
            failure,
            outcome_unknown: false,
            response: None,
            body: None,
            location: None,
            attempts: 0,
            sent_at: None,
            source: None,
        }
    }

    /// Returns the error of a call whose turn would have come after its deadline.
    pub(super) fn not_sent(operation: OperationId) -> Self {
        Self::new(operation, Failure::DeadlinePassed)
    }

    /// Returns the error of a request whose time-out passed, with what had arrived by then.
    pub(super) fn timed_out(
        operation: OperationId,
        context: &Context,
        credentials: &Credentials,
    ) -> Self {
        let mut error = Self::new(operation, Failure::NoAnswer);
        error.source = Some("the time-out passed".into());
        error.keep_answer(context, credentials);
        error
    }

    /// Classifies an error of the generated client.
    pub(super) fn classify(
        operation: OperationId,
        api_error: ApiError<()>,
        context: &Context,
        credentials: &Credentials,
    ) -> Self {
        let mut error = Self::new(operation, Failure::NoAnswer);
        match api_error {
            ApiError::CommunicationError(cause) => {
                // The connection was refused, its host not found, or TLS failed. Any other failure
                // may have happened after sending.
                if cause.is_connect() {
                    error.failure = if is_untrusted(&cause) {
                        Failure::Untrusted
                    } else {
                        Failure::NotConnected
                    };
                }
                error.source = Some(cause.without_url().into());
            }
            // Refused by the generated code or by a hook, before it was sent.
            ApiError::InvalidRequest(message) | ApiError::Custom(message) => {
                error.failure = Failure::InvalidRequest;
                error.source = Some(message.into());
                return error;
            }
            ApiError::InvalidResponsePayload(..) | ApiError::UnexpectedResponse(_) => {}
            other => error.source = Some(other.to_string().into()),
        }
        error.keep_answer(context, credentials);
        error
    }

    /// Takes over the answer that a call received, if there was one.
    fn keep_answer(&mut self, context: &Context, credentials: &Credentials) {
        context.received(|received| {
            let body = received.body();
            let mut response = ErrorResponse::new(received, &body, credentials);
            self.failure = if !received.status.is_success() {
                let (status, retry_after) = (received.status, response.retry_after);
                let origin = response.origin;
                Failure::Answer { status, retry_after, origin }
            } else if lenient::is_refusal(&body)
                || Billability::of(self.operation) == Billability::Billable
                    && received.status == StatusCode::OK
                    && is_page(&body)
            {
                // A page of a captive portal or firewall does not prove that a submission was
                // processed.
                Failure::RefusalInSuccess
            } else {
                response.messages = ErrorMessages::excerpt(&body, received.extent, credentials);
                Failure::Undecodable { extent: received.extent }
            };
            self.location = location(received);
            self.response = Some(response);
            self.body = Some(body);
        });
    }

    /// Converts into the error that users see. A billable call of unknown outcome is converted by
    /// its sender instead.
    pub(crate) fn into_error(self) -> Error {
        let (kind, message) = self.kind_and_message();
        let undecodable = matches!(kind, ErrorKind::Undecodable);
        let untrusted = self.failure == Failure::Untrusted;
        let mut error = Error::new(kind, message)
            .during(self.operation)
            .answered(self.response)
            .after(self.attempts);
        if undecodable {
            error = match Billability::of(self.operation) {
                Billability::Billable => {
                    error.with_retry_safety(RetrySafety::Unsafe).charged(ChargeRisk::Charged)
                }
                Billability::Free => error.with_retry_safety(RetrySafety::Safe),
            };
        }
        if untrusted {
            error = error.with_retry_safety(RetrySafety::Futile);
        }
        match self.source {
            Some(source) => error.because(source),
            None => error,
        }
    }

    fn kind_and_message(&self) -> (ErrorKind, &'static str) {
        match (self.failure, &self.response) {
            (Failure::DeadlinePassed, _) => (
                ErrorKind::RateLimited,
                "not sent: the client's limits, or a pause after a 429, would delay it past its time-out",
            ),
            (Failure::InvalidRequest, _) => {
                (ErrorKind::InvalidInput, "the request could not be built; nothing was sent")
            }
            (Failure::NotConnected, _) => {
                (ErrorKind::Unreachable, "the service could not be reached; nothing was sent")
            }
            (Failure::Untrusted, _) => (
                ErrorKind::Unreachable,
                "the service's certificate is not trusted; nothing was sent",
            ),
            (Failure::NoAnswer, _) => (ErrorKind::Unreachable, "the service did not answer"),
            (Failure::Undecodable { .. }, _) => {
                (ErrorKind::Undecodable, "the service's answer cannot be read")
            }
            (Failure::RefusalInSuccess, _) => {
                (ErrorKind::Refused, "the service refused the request")
            }
            (Failure::Answer { .. }, Some(response)) if response.is_about_credits() => {
                (ErrorKind::InsufficientCredits, "the account has too few credits")
            }
            (Failure::Answer { status, .. }, response) => match status {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => match response {
                    Some(response) if response.origin == Origin::Elsewhere => (
                        ErrorKind::Refused,
                        "a proxy or firewall in front of the service refused the request",
                    ),
                    _ => (ErrorKind::Credentials, "the service refused the credentials"),
                },
                StatusCode::TOO_MANY_REQUESTS => {
                    (ErrorKind::RateLimited, "the service asks to slow down")
                }
                StatusCode::REQUEST_TIMEOUT => {
                    (ErrorKind::Unavailable, "the service did not get the request in time")
                }
                status if status.is_redirection() => (
                    ErrorKind::Refused,
                    "the service answered with a redirect, which API requests do not follow; check the base URL",
                ),
                status if status.is_client_error() => {
                    (ErrorKind::Refused, "the service refused the request")
                }
                _ => (ErrorKind::Unavailable, "the service failed"),
            },
        }
    }
}

/// Returns whether a body is a page or other markup, which the service never answers with.
fn is_page(body: &[u8]) -> bool {
    lenient::text(body).starts_with('<')
}

fn location(received: &Received) -> Option<String> {
    received.headers.get(LOCATION)?.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_cannot_be_built_is_an_invalid_input_and_was_not_sent() {
        let credentials = Credentials::new("the-id", "the-key").unwrap();
        let context = Context::new(credentials.clone());
        for api_error in [
            ApiError::InvalidRequest("`id` was not initialized".to_owned()),
            ApiError::Custom("a credential is not a header value".to_owned()),
        ] {
            let operation = OperationId::CreateCustomTemplateJob;
            let error = CallError::classify(operation, api_error, &context, &credentials);
            let error = error.into_error();
            assert_eq!(error.kind(), &ErrorKind::InvalidInput, "{error}");
            assert_eq!(error.retry_safety(), RetrySafety::Futile);
            assert_eq!(error.charge_risk(), ChargeRisk::None);
            assert!(error.to_string().contains("nothing was sent"), "{error}");
        }
    }
}

//! Entry points of the fuzz targets in `fuzz/`. Compiled for them only.

use std::time::Duration;

use chrono::{DateTime, Utc};
use creatify_api::{BodyExtent, Credentials, Received, types::CustomTemplateJob};
use http::{HeaderMap, StatusCode};

use crate::{
    ErrorResponse, Job, JobId, SubmissionRecord,
    http::{
        Origin, error_response, lenient,
        retry::{Billing, Failure, RetryDecision, RetryState, decide},
    },
    submission::{reconcile, response_id},
};

/// Returns the error response that is made of an answer other than a success.
pub fn error_response(
    status: StatusCode,
    headers: HeaderMap,
    body: &[u8],
    credentials: &Credentials,
) -> ErrorResponse {
    let mut received = Received::default();
    received.status = status;
    received.headers = headers;
    received.extent = BodyExtent::Whole;
    ErrorResponse::new(&received, body, credentials)
}

/// Returns the pause that an answer asks for.
pub fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    error_response::retry_after(headers, now)
}

/// Returns the pauses after which a request with this answer is sent again: if it is free, and if
/// it is billable.
pub fn sent_again(
    status: StatusCode,
    retry_after: Option<Duration>,
    time_left: Duration,
) -> [Option<Duration>; 2] {
    [Billing::Free, Billing::Billable].map(|billing| {
        let failure = Failure::Answer { status, retry_after, origin: Origin::Service };
        let backoff = Some(Duration::ZERO);
        match decide(RetryState { billing, failure, attempts: 1, backoff, time_left }) {
            RetryDecision::Retry(delay) => Some(delay),
            RetryDecision::GiveUp | RetryDecision::OutcomeUnknown => None,
        }
    })
}

/// Decodes a job leniently, and names what was repaired.
pub fn decode_leniently(body: &[u8]) -> Option<(Job, String)> {
    lenient::decode::<CustomTemplateJob>(body, BodyExtent::Whole)
        .map(|(job, repairs)| (job.into(), repairs))
}

/// Returns the id in the answer to a billable request.
pub fn response_id(body: &[u8]) -> Option<JobId> {
    response_id::find(body)
}

/// Returns the time from which a list of jobs proves something about a submission.
pub fn proves_something_at(record: &SubmissionRecord) -> DateTime<Utc> {
    reconcile::proves_something_at(record)
}

//! Entry points of the fuzz targets in `fuzz/`. Compiled for them only.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use creatify_api::{Credentials, Received, types::CustomTemplateJob};
use http::{HeaderMap, StatusCode};

use crate::{
    ErrorResponse, Job, JobId, SubmissionRecord,
    http::retry::{Billing, Failure, RetryDecision, RetryState, decide},
    lenient, problem, reconcile, submission,
};

/// What an error says of an answer that is no success.
pub fn service_answer(
    status: StatusCode,
    headers: HeaderMap,
    body: &[u8],
    credentials: &Credentials,
) -> ErrorResponse {
    let mut received = Received::default();
    received.status = status;
    received.headers = headers;
    ErrorResponse::new(&received, body, credentials)
}

/// How long a service asks to wait.
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    error_response::retry_after(headers, now)
}

/// When a request that was answered so is sent again: if it is free, and if it is billable.
pub fn sent_again(
    status: StatusCode,
    retry_after: Option<Duration>,
    time_left: Duration,
) -> [Option<Duration>; 2] {
    [Billing::Free, Billing::Billable].map(|billing| {
        let failure = Failure::Answer { status, retry_after };
        match decide(RetryState { billing, failure, backoff: Some(Duration::ZERO), time_left }) {
            RetryDecision::SendAgain(delay) => Some(delay),
            RetryDecision::GiveUp | RetryDecision::OutcomeUnknown => None,
        }
    })
}

/// A job without the fields that do not decode, and their names.
pub fn decode_leniently(body: &[u8]) -> Option<(Job, Vec<String>)> {
    lenient::decode::<CustomTemplateJob>(body).map(|(job, dropped)| (job.into(), dropped))
}

/// The id in the answer to a billable request.
pub fn response_id(body: &[u8]) -> Option<JobId> {
    submission::response_id(body)
}

/// From when on a list of jobs proves something.
pub fn proves_something_at(sent: &SubmissionRecord) -> DateTime<Utc> {
    reconcile::proves_something_at(sent)
}

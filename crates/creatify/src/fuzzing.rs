//! What do the fuzz targets in `fuzz/` reach that nobody else does? Compiled for them only.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use creatify_api::{Credentials, Received, types::CustomTemplateJob};
use http::{HeaderMap, StatusCode};

use crate::{
    Job, JobId, Sent, ServiceAnswer, lenient, problem, reconcile,
    retry::{Billing, Fault, Situation, Verdict, decide},
    submission,
};

/// What an error says of an answer that is no success.
pub fn service_answer(
    status: StatusCode,
    headers: HeaderMap,
    body: &[u8],
    credentials: &Credentials,
) -> ServiceAnswer {
    let mut received = Received::default();
    received.status = status;
    received.headers = headers;
    ServiceAnswer::new(&received, body, credentials)
}

/// How long a service asks to wait.
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    problem::retry_after(headers, now)
}

/// When a request that was answered so is sent again: if it is free, and if it is billable.
pub fn sent_again(
    status: StatusCode,
    retry_after: Option<Duration>,
    time_left: Duration,
) -> [Option<Duration>; 2] {
    [Billing::Free, Billing::Billable].map(|billing| {
        let fault = Fault::Answer { status, retry_after };
        match decide(Situation { billing, fault, backoff: Some(Duration::ZERO), time_left }) {
            Verdict::SendAgain(delay) => Some(delay),
            Verdict::GiveUp | Verdict::OutcomeUnknown => None,
        }
    })
}

/// A job without the fields that do not decode, and their names.
pub fn decode_leniently(body: &[u8]) -> Option<(Job, Vec<String>)> {
    lenient::decode::<CustomTemplateJob>(body).map(|(job, dropped)| (job.into(), dropped))
}

/// The id in the answer to a billable request.
pub fn accepted_id(body: &[u8]) -> Option<JobId> {
    submission::accepted_id(body)
}

/// From when on a list of jobs proves something.
pub fn proves_something_at(sent: &Sent) -> DateTime<Utc> {
    reconcile::proves_something_at(sent)
}

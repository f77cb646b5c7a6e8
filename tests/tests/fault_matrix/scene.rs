//! The faults, and a sandbox in real time with a client and a previewed job.

use creatify::{Client, Error, JobId, TemplateId, Variables};
use creatify_sandbox::{Fault, Sandbox, templates};

use crate::leaks;

pub struct Scene {
    pub sandbox: Sandbox,
    pub client: Client,
    pub previewed: JobId,
}

/// Faults of any request.
pub const FAULTS: &[(&str, Fault)] = &[
    ("connections refused", Fault::Refuse(0.1)),
    ("connection closed, not processed", Fault::DropBefore),
    ("connection closed, processed", Fault::DropAfter),
    ("no answer, not processed", Fault::HangBefore),
    ("no answer, processed", Fault::HangAfter),
    ("answer late by 5 s", Fault::Delay(5.0)),
    ("answer cut off", Fault::Truncate),
    ("HTML 502", Fault::Html(502)),
    ("HTML 504", Fault::Html(504)),
    ("empty 503", Fault::Empty(503)),
    ("503, Retry-After 2", Fault::Unavailable(2)),
    ("503, Retry-After 2^64 - 1", Fault::Unavailable(u64::MAX)),
    ("429, Retry-After 2", Fault::Throttle(2)),
    ("429, Retry-After a date", Fault::ThrottleUntil(2)),
    ("429, no Retry-After", Fault::ThrottleSilently),
    ("429, Retry-After 1000", Fault::Throttle(1000)),
    ("429, Retry-After 2^64 - 1", Fault::Throttle(u64::MAX)),
    ("500, not processed", Fault::ErrorBefore(500)),
    ("500, processed", Fault::ErrorAfter(500)),
    ("400", Fault::ErrorBefore(400)),
    ("403", Fault::ErrorBefore(403)),
    ("404, not offered or not found", Fault::ErrorBefore(404)),
    ("405, not offered", Fault::ErrorBefore(405)),
    ("408", Fault::ErrorBefore(408)),
    ("wrong types", Fault::WrongTypes),
    ("null everywhere", Fault::Nulls),
    ("unknown status", Fault::UnknownStatus),
    ("unknown enum value", Fault::UnknownEnum),
    ("extra fields", Fault::ExtraFields),
    ("done before the output appears", Fault::DoneWithoutOutput),
    ("stale answer", Fault::Stale),
    ("list ignores ids", Fault::IgnoreIds),
    ("list in pages of 1", Fault::Pages(1)),
    ("302", Fault::Redirect(302)),
    ("303", Fault::Redirect(303)),
    ("307", Fault::Redirect(307)),
];

/// Returns the fault for a test in which it does not go away.
pub fn for_good(fault: Fault) -> Fault {
    match fault {
        Fault::Refuse(_) => Fault::Refuse(86_400.0),
        other => other,
    }
}

impl Scene {
    pub async fn new() -> Self {
        let sandbox = Sandbox::builder().speed(1.0).start().await.unwrap();
        let client = client(&sandbox);
        let preview = client.preview(template(), Variables::new()).send().await.unwrap();
        // A second job, for lists.
        client.preview(template(), Variables::new()).send().await.unwrap();
        let previewed = preview.wait().await.unwrap().id();
        client.get_jobs(&[previewed]).await.unwrap(); // an answer that can be stale
        Self { sandbox, client, previewed }
    }

    pub fn accepted_calls(&self) -> usize {
        self.sandbox.jobs().iter().map(|job| job.calls.len()).sum()
    }
}

pub fn client(sandbox: &Sandbox) -> Client {
    Client::builder()
        .credentials(sandbox.credentials())
        .base_url(sandbox.base_url())
        .build()
        .unwrap()
}

pub fn template() -> TemplateId {
    templates()[0].id.to_string().parse().unwrap()
}

/// Returns the name of an outcome, whose texts are searched for credentials.
pub fn name<T>(outcome: &Result<T, Error>) -> String {
    match outcome {
        Ok(_) => "ok".to_owned(),
        Err(error) => {
            leaks::search_error(error);
            error.kind().as_str().replace('_', " ")
        }
    }
}

//! A sandbox in real time with a client and a previewed job.

use creatify::{Client, Error, JobId, TemplateId, Variables};
use creatify_sandbox::{Sandbox, templates};

pub use crate::faults::for_good;

use crate::leaks;

pub struct Scene {
    pub sandbox: Sandbox,
    pub client: Client,
    pub previewed: JobId,
    /// Another job, for lists.
    pub other: JobId,
}

impl Scene {
    pub async fn new() -> Self {
        let sandbox = Sandbox::builder().speed(1.0).start().await.unwrap();
        let client = client(&sandbox);
        let preview = client.preview(template(), Variables::new()).send().await.unwrap();
        let other = client.preview(template(), Variables::new()).send().await.unwrap().handle.id;
        let previewed = preview.wait().await.unwrap().id();
        client.get_jobs(&[previewed, other]).await.unwrap(); // an answer that can be stale
        Self { sandbox, client, previewed, other }
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

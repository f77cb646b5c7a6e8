//! Promises about money, jobs and connections under faults, each with its own test.

#![allow(clippy::unwrap_used)] // a test file

mod charges;
mod connections;
mod leftover_status;
mod lists;
mod pace;
#[path = "../scripted/mod.rs"]
mod scripted;
mod second_render;
mod spending;
mod suspended;
mod waits;

use std::time::Duration;

use creatify::{Client, ClientBuilder, Job, JobId, TemplateId, Variables};
use creatify_sandbox::{Sandbox, templates};

const SECOND: Duration = Duration::from_secs(1);

async fn sandbox() -> Sandbox {
    Sandbox::builder().speed(1.0).start().await.unwrap()
}

fn builder(sandbox: &Sandbox) -> ClientBuilder {
    Client::builder().credentials(sandbox.credentials()).base_url(sandbox.base_url())
}

fn client(sandbox: &Sandbox) -> Client {
    builder(sandbox).build().unwrap()
}

fn template(name: &str) -> TemplateId {
    templates().iter().find(|template| template.name == name).unwrap().id.into()
}

fn variables() -> Variables {
    Variables::new().text("headline", "Summer sale")
}

/// Makes a preview of 28 s and waits for it.
async fn previewed(client: &Client) -> Job {
    let preview = client.preview(template("Seasonal sale"), variables());
    preview.send().await.unwrap().wait().await.unwrap()
}

/// Returns the number of accepted calls of a job.
fn calls(sandbox: &Sandbox, job: JobId) -> usize {
    let jobs = sandbox.jobs();
    jobs.iter().find(|other| other.id == job.as_uuid()).unwrap().calls.len()
}

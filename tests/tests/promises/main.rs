//! Promises about money, jobs and connections under faults, each with its own test.

#![allow(clippy::unwrap_used)] // a test file

mod broken_journal;
mod charges;
mod connections;
mod keys;
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

use creatify::{
    Client, ClientBuilder, Create, Job, JobId, OperationId, TemplateId, Variables,
    credits::Credits,
    journal::{Budget, Entry, EntryState, Filter},
};
use creatify_sandbox::{Fault, Faults, Rule, Sandbox, templates};

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

/// Returns a budget that never starts anew.
fn limit(credits: u32) -> Budget {
    Budget::new("limit", credits.into())
}

/// Returns the reserved and spent credits of the only budget.
async fn usage(client: &Client) -> (Credits, Credits) {
    let [budget] = &client.budgets().await.unwrap()[..] else { panic!("not one budget") };
    (budget.reserved, budget.spent)
}

/// Returns all entries of the client's journal.
async fn entries(client: &Client) -> Vec<Entry> {
    client.entries(Filter::default()).await.unwrap()
}

/// Returns the states of all entries of the client's journal.
async fn states(client: &Client) -> Vec<EntryState> {
    entries(client).await.iter().map(|entry| entry.state).collect()
}

/// Prepares a video with a key.
fn create(client: &Client) -> Create<'_> {
    client.create(template("Teaser"), variables()).key("sku/1")
}

/// Returns the number of requests for a video without a preview.
fn posts(sandbox: &Sandbox) -> usize {
    sandbox.request_count(OperationId::CreateCustomTemplateJob)
}

/// Returns a fault of these requests.
fn on_create(fault: Fault) -> Faults {
    Faults::new(1).with(Rule::new(fault).on(OperationId::CreateCustomTemplateJob))
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

//! Commands, one file each, and their time-outs.

mod approval;
mod budget;
mod completions;
mod demo;
mod download;
mod dry_run;
mod estimate;
mod jobs;
mod known_submission;
mod ledger;
mod listen;
mod read;
mod reconcile;
mod resume;
mod sandbox;
mod several;
mod submit;
mod variables;
mod wait;

use std::{future::Future, time::Duration};

use crate::{args::Command, error::CliError, session::Session};

pub(crate) async fn run(session: &Session, command: Command) -> Result<(), CliError> {
    session.check()?;
    match command {
        Command::Demo { file } => demo::demo(session, &file).await,
        Command::Templates(timeout) => {
            within(timeout.timeout, "listing templates", read::templates(session)).await
        }
        Command::Balance(timeout) => {
            within(timeout.timeout, "reading the balance", read::balance(session)).await
        }
        Command::Estimate(estimate) => estimate::estimate(session, &estimate),
        Command::Preview { template, sync, options } => {
            let endpoint =
                if sync { submit::Endpoint::Blocking } else { submit::Endpoint::Asynchronous };
            submit::preview(session, template, endpoint, options).await
        }
        Command::Create { template, options } => submit::create(session, template, options).await,
        Command::Render(render) => submit::render(session, render).await,
        Command::Get { job_ids, timeout } => {
            within(timeout.timeout, "reading jobs", read::get(session, &job_ids)).await
        }
        Command::List { job_ids, timeout } => {
            within(timeout.timeout, "listing jobs", read::list(session, &job_ids)).await
        }
        Command::Wait { job_ids, goal, timeout } => {
            wait::wait(session, &job_ids, goal.map(Into::into), timeout.timeout).await
        }
        Command::Download(options) => download::download(session, &options).await,
        Command::Jobs(options) => jobs::jobs(session, &options).await,
        Command::Resume(timeout) => resume::resume(session, timeout.timeout).await,
        Command::Reconcile(options) => reconcile::reconcile(session, &options).await,
        Command::Budget(options) => budget::budget(session, &options).await,
        Command::Ledger(options) => ledger::ledger(session, &options).await,
        Command::Listen(options) => listen::listen(session, &options).await,
        Command::Sandbox(options) => sandbox::serve(session, &options).await,
        Command::Completions { shell } => completions::completions(session, shell),
    }
}

/// The library ends each call in time and says more about it; this is for all calls together.
const MARGIN: Duration = Duration::from_millis(500);

/// Bounds a command that only reads.
async fn within<T>(
    timeout: Duration,
    doing: &'static str,
    command: impl Future<Output = Result<T, CliError>>,
) -> Result<T, CliError> {
    match tokio::time::timeout(timeout.saturating_add(MARGIN), command).await {
        Ok(result) => result,
        Err(_) => Err(CliError::TimedOut { doing, timeout }),
    }
}

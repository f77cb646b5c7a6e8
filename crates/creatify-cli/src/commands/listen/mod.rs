//! `listen`: webhook deliveries received, shown, forwarded, and used to end waits early.

mod forward;
mod received;
mod secret_file;
mod server;

use std::{io, net::SocketAddr, time::Duration};

use creatify::{Client, Goal, Job, JobHandle, webhook::Receiver};
use futures_util::{StreamExt, stream::FuturesUnordered};
use serde_json::json;
use tokio::{net::TcpListener, sync::mpsc};

use self::{forward::Forwarder, received::Received};
use super::wait;
use crate::{
    args,
    error::CliError,
    job_names::{self, NamedJob},
    outcome::Outcome,
    output::{Output, Reader, ResultText, layout},
    report,
    session::Session,
};

/// Deliveries that wait to be shown. Further ones are not shown; their hints count all the same.
const MAX_WAITING: usize = 256;

pub(crate) async fn listen(session: &Session, options: &args::Listen) -> Result<(), CliError> {
    let jobs = job_names::find(session, &options.job_ids).await?;
    let client = session.client().await?;
    let receiver = match &options.secret_file {
        Some(path) => secret_file::receiver(client, path)?,
        None => Receiver::new(client)?,
    };
    let address = SocketAddr::new(options.bind, options.port);
    let failed = |error: io::Error| CliError::other(format!("cannot listen on {address}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let webhook_url = webhook_url(&receiver, options, listener.local_addr().map_err(failed)?)?;
    let forwarder = match &options.forward_to {
        Some(url) => Some(Forwarder::start(&session.output, url)?),
        None => None,
    };

    let (sender, deliveries) = mpsc::channel(MAX_WAITING);
    let output = session.output.clone();
    let receiver = receiver.on_delivery(move |delivery| {
        if sender.try_send(Received::new(delivery)).is_err() {
            output.note("too many deliveries at once; one is not shown");
        }
    });
    let mut reader =
        session.output.show_one_of_many(&json!({ "webhook_url": webhook_url }), || ResultText {
            full: webhook_url.clone(),
            short: webhook_url.clone(),
        })?;
    explain(&session.output, options);
    let handles = handles(&jobs);
    if reader == Reader::Present {
        tokio::select! {
            () = server::serve(listener, receiver) => {}
            result = run(session, client, &handles, options.timeout, deliveries, forwarder.as_ref()) => {
                reader = result?;
            }
        }
    }
    if let Some(forwarder) = forwarder {
        forwarder.finish().await;
    }
    if reader == Reader::Gone {
        report::resume_open_jobs(session);
    }
    Ok(())
}

/// Returns the URL to give as the webhook URL of submissions.
fn webhook_url(
    receiver: &Receiver,
    options: &args::Listen,
    address: SocketAddr,
) -> Result<String, CliError> {
    match &options.public_url {
        Some(url) => Ok(receiver.url(url)?),
        None if address.ip().is_unspecified() => Err(CliError::usage(format!(
            "--bind {} says nothing of the URL at which the service reaches this machine; \
             give it with --public-url",
            address.ip()
        ))),
        None => Ok(receiver.url(&format!("http://{address}"))?),
    }
}

fn explain(output: &Output, options: &args::Listen) {
    output.note("Give this URL to submissions as --webhook-url. Its last part is a secret.");
    if options.public_url.is_none() && options.bind.is_loopback() {
        output.note(
            "Only this machine reaches it. Let a tunnel lead to it, and give the tunnel's URL with \
             --public-url.",
        );
    }
    if options.job_ids.is_empty() {
        output.note("Ctrl-C stops it.");
    }
}

fn handles(jobs: &[NamedJob]) -> Vec<JobHandle> {
    let handle = |job: &NamedJob| JobHandle { id: job.id, goal: job.goal.unwrap_or(Goal::Video) };
    jobs.iter().map(handle).collect()
}

/// Shows and forwards deliveries until all jobs have ended; for good without jobs.
async fn run(
    session: &Session,
    client: &Client,
    jobs: &[JobHandle],
    timeout: Duration,
    mut deliveries: mpsc::Receiver<Received>,
    forwarder: Option<&Forwarder>,
) -> Result<Reader, CliError> {
    let mut waits: FuturesUnordered<_> = jobs
        .iter()
        .copied()
        .map(|handle| {
            session.open_jobs.add(handle);
            async move {
                let wait = client.wait(handle);
                let job = wait::submitted(session, wait, handle, timeout).await;
                (handle, job)
            }
        })
        .collect();
    let mut exit_code = 0;
    loop {
        let reader = tokio::select! {
            biased; // what arrived before the end of a job is shown before it
            Some(received) = deliveries.recv() => {
                if let Some(forwarder) = forwarder {
                    forwarder.forward(&received.body);
                }
                session.output.show_one_of_many(&received.document(), || received.text())?
            }
            Some((handle, result)) = waits.next() => {
                exit_code = exit_code.max(result.as_ref().map_or_else(CliError::exit_code, |_| 0));
                show_outcome(session, handle, result).await?
            }
            else => break,
        };
        if reader == Reader::Gone {
            return Ok(reader);
        }
        if waits.is_empty() && !jobs.is_empty() {
            break;
        }
    }
    if exit_code == 0 { Ok(Reader::Present) } else { Err(CliError::Several { exit_code }) }
}

async fn show_outcome(
    session: &Session,
    handle: JobHandle,
    result: Result<Job, CliError>,
) -> Result<Reader, CliError> {
    match result {
        Ok(job) => {
            let text = || ResultText { full: layout::job_text(&job), short: job.id().to_string() };
            let shown = session.output.show_one_of_many(&Outcome::of_job(&job, "done"), text)?;
            session.open_jobs.told(handle);
            Ok(shown)
        }
        Err(error) => {
            report::describe(session, &error).await;
            if wait::has_ended(&error) {
                session.open_jobs.told(handle);
            }
            if !session.output.is_json() {
                return Ok(Reader::Present); // stderr has it
            }
            let outcome = Outcome::of_error(handle.id, &error);
            session.output.show_one_of_many(&outcome, || ResultText {
                full: String::new(),
                short: String::new(),
            })
        }
    }
}

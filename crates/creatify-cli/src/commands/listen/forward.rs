//! Forwarding of deliveries to another server, in the order in which they came.

use std::{error::Error, time::Duration};

use reqwest::{Client, StatusCode, Url, header, redirect};
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    task::JoinHandle,
    time::timeout,
};

use crate::{error::CliError, output::Output};

/// Deliveries that wait for their turn. Further ones are not forwarded.
const MAX_WAITING: usize = 256;
const TIMEOUT: Duration = Duration::from_secs(10);
/// Time for the deliveries that still wait when the command ends.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// Posts bodies to a server, one after the other. Failures are told and change nothing.
pub(super) struct Forwarder {
    output: Output,
    bodies: mpsc::Sender<Vec<u8>>,
    working: JoinHandle<()>,
}

impl Forwarder {
    pub(super) fn start(output: &Output, url: &Url) -> Result<Self, CliError> {
        let client = client(url).map_err(|error| {
            CliError::other(format!("deliveries cannot be forwarded: {}", causes(&error)))
        })?;
        let (bodies, mut waiting) = mpsc::channel::<Vec<u8>>(MAX_WAITING);
        let (to, shown) = (url.clone(), output.clone());
        let working = tokio::spawn(async move {
            while let Some(body) = waiting.recv().await {
                match post(&client, to.clone(), body).await {
                    Ok(status) if status.is_success() => {
                        shown.note(&format!("forwarded: {status}"))
                    }
                    Ok(status) => shown.line(&format!("forwarding failed: {to} answered {status}")),
                    Err(error) => shown.line(&format!("forwarding failed: {}", causes(&error))),
                }
            }
        });
        Ok(Self { output: output.clone(), bodies, working })
    }

    /// Queues a body, without waiting.
    pub(super) fn forward(&self, body: &[u8]) {
        if let Err(TrySendError::Full(_)) = self.bodies.try_send(body.to_vec()) {
            self.output.line("forwarding failed: too many deliveries are waiting");
        }
    }

    /// Forwards what still waits, for a moment.
    pub(super) async fn finish(self) {
        drop(self.bodies);
        let mut working = self.working;
        if timeout(END_TIMEOUT, &mut working).await.is_err() {
            working.abort();
            self.output.line("forwarding failed: some deliveries were not forwarded in time");
        }
    }
}

/// Builds a client that goes nowhere but to this URL, and to this machine without a proxy.
fn client(url: &Url) -> reqwest::Result<Client> {
    // It fails only if one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(concat!("creatify-cli/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .timeout(TIMEOUT);
    if url.scheme() == "http" { builder.no_proxy().build() } else { builder.build() }
}

async fn post(client: &Client, url: Url, body: Vec<u8>) -> reqwest::Result<StatusCode> {
    let request = client.post(url).header(header::CONTENT_TYPE, "application/json").body(body);
    Ok(request.send().await?.status())
}

/// Returns an error with its causes, on one line.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

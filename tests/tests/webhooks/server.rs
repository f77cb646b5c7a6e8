//! A web server with a receiver, as a user would write it.

use std::net::SocketAddr;

use axum::Router;
use creatify::{Client, OperationId, Variables, webhook::Receiver};
use creatify_sandbox::{Sandbox, templates};
use tokio::net::TcpListener;

/// Serves a receiver on loopback, as tasks of the current runtime. Returns its address.
pub async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Serves a receiver for everything that arrives. Returns its URL for webhooks.
pub async fn serve_receiver(receiver: Receiver) -> String {
    let address = serve(Router::new().fallback_service(receiver.clone())).await;
    receiver.url(&format!("http://{address}")).unwrap()
}

/// Submits a job with this webhook URL.
pub async fn submit(client: &Client, webhook_url: &str) -> creatify::SubmittedJob {
    let template = templates()[0].id.into();
    client.create(template, Variables::new()).webhook_url(webhook_url).send().await.unwrap()
}

/// Returns the number of requests that polls of jobs made.
pub fn polls(sandbox: &Sandbox) -> usize {
    sandbox.request_count(OperationId::GetCustomTemplateJob)
        + sandbox.request_count(OperationId::ListCustomTemplateJobs)
}

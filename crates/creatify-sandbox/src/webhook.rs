//! How are webhooks delivered? By one task, several at a time, and only to this machine.

use std::{
    error::Error,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use creatify_api::{JobStatus, credit_rates::Operation};
use http::{Request, StatusCode, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::mpsc, task::JoinSet};
use url::{Host, Url};

use crate::{service::Service, world::Event};

/// Events that wait for delivery; more are dropped, as the API never waits.
pub(crate) const QUEUE: usize = 10_000;
const AT_ONCE: usize = 16;
const TIMEOUT: Duration = Duration::from_secs(5);

/// Delivers events until the sandbox ends. What cannot be delivered is logged and forgotten.
pub(crate) async fn deliver(service: Arc<Service>, mut events: mpsc::Receiver<Event>) {
    let mut deliveries = JoinSet::new();
    while let Some(event) = events.recv().await {
        if deliveries.len() >= AT_ONCE {
            deliveries.join_next().await;
        }
        let Some(url) = event.webhook_url.as_deref().and_then(|url| Url::parse(url).ok()) else { continue };
        let Some(receivers) = loopback(&url) else {
            tracing::info!(job = %event.job, host = url.host_str(), "webhook skipped: only plain http to this machine is delivered");
            continue;
        };
        let body = Bytes::from(payload(&service, &event).to_string());
        // The last word comes twice: several deliveries of the same event are normal.
        let times = if matches!(event.status, JobStatus::Done | JobStatus::Failed | JobStatus::Rejected) { 2 } else { 1 };
        deliveries.spawn(async move {
            for _ in 0..times {
                match tokio::time::timeout(TIMEOUT, post(&url, &receivers, body.clone())).await {
                    Ok(Ok(status)) => tracing::debug!(job = %event.job, %status, "webhook delivered"),
                    Ok(Err(error)) => tracing::debug!(job = %event.job, %error, "webhook not delivered"),
                    Err(_) => tracing::debug!(job = %event.job, "webhook not delivered in time"),
                }
            }
        });
    }
}

/// Where to deliver; `None` for anything but plain http to this machine. Names are not looked up.
fn loopback(url: &Url) -> Option<Vec<SocketAddr>> {
    let port = url.port_or_known_default().filter(|_| url.scheme() == "http")?;
    match url.host()? {
        Host::Domain("localhost") => Some(vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]),
        Host::Ipv4(address) if address.is_loopback() => Some(vec![(address, port).into()]),
        Host::Ipv6(address) if address.is_loopback() => Some(vec![(address, port).into()]),
        _ => None,
    }
}

fn payload(service: &Service, event: &Event) -> Value {
    let video = event.has_video.then(|| service.video_url(event.job));
    let field = if event.operation == Operation::Render { "output" } else { "video_output" };
    json!({ "id": event.job, "status": event.status, "failed_reason": event.failed_reason, field: video })
}

async fn post(url: &Url, receivers: &[SocketAddr], body: Bytes) -> Result<StatusCode, Box<dyn Error + Send + Sync>> {
    let stream = TcpStream::connect(receivers).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut driver = JoinSet::new(); // stops with this function
    driver.spawn(connection);
    let request = Request::post(&url[url::Position::BeforePath..url::Position::AfterQuery])
        .header(header::HOST, &url[url::Position::BeforeHost..url::Position::AfterPort])
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, "creatify-sandbox")
        .body(Full::new(body))?;
    Ok(sender.send_request(request).await?.status())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_ever_called() {
        let allowed = |url: &str| loopback(&Url::parse(url).unwrap()).is_some();
        for url in ["http://127.0.0.1:9000/hook", "http://localhost/hook?x=1", "http://[::1]:80/", "http://127.9.9.9/"] {
            assert!(allowed(url), "{url}");
        }
        for url in [
            "https://localhost/",
            "http://hooks.example.com/",
            "http://localhost.example.com/",
            "http://10.0.0.1/",
            "http://0.0.0.0/",
        ] {
            assert!(!allowed(url), "{url}");
        }
    }
}

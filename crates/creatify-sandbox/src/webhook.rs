//! Webhook delivery: several at a time, with their faults, and only to this machine.

use std::{
    collections::HashMap,
    error::Error,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use creatify_api::{JobStatus, credit_rates::BillableOperation};
use http::{Request, StatusCode, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::{
    net::TcpStream,
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::{sleep, timeout},
};
use url::{Host, Url};
use uuid::Uuid;

use crate::{
    faults::{Fault, Target},
    service::Service,
    state::Event,
};

/// The capacity of the delivery queue. Further events are dropped; the API never waits.
pub(crate) const QUEUE: usize = 10_000;
const MAX_CONCURRENT: usize = 16;
const TIMEOUT: Duration = Duration::from_secs(5);

/// A webhook body with its receivers.
#[derive(Debug, Clone)]
struct Delivery {
    job: Uuid,
    url: Url,
    receivers: Vec<SocketAddr>,
    body: Bytes,
    delay: Duration,
    times: u32,
}

/// Delivers events until the sandbox ends. Failed deliveries are logged and not repeated.
pub(crate) async fn deliver(service: Arc<Service>, mut events: mpsc::Receiver<Event>) {
    let slots = Arc::new(Semaphore::new(MAX_CONCURRENT));
    let mut in_progress = JoinSet::new();
    let mut held_back: HashMap<Uuid, Vec<Delivery>> = HashMap::new();
    while let Some(event) = events.recv().await {
        let Some(delivery) = delivery(&service, &event) else { continue };
        let deliveries = with_fault(&service, &event, delivery, &mut held_back);
        while in_progress.try_join_next().is_some() {}
        if in_progress.len() >= QUEUE {
            in_progress.join_next().await;
        }
        let slots = slots.clone();
        in_progress.spawn(async move {
            for delivery in deliveries {
                sleep(delivery.delay).await;
                let _slot = slots.acquire().await;
                for _ in 0..delivery.times {
                    delivery.send().await;
                }
            }
        });
    }
}

fn delivery(service: &Service, event: &Event) -> Option<Delivery> {
    let url = event.webhook_url.as_deref().and_then(|url| Url::parse(url).ok())?;
    let Some(receivers) = loopback(&url) else {
        let (job, host) = (event.job, url.host_str());
        tracing::info!(%job, host, "webhook skipped: deliveries go to http on loopback only");
        return None;
    };
    let body = payload(event, &event.status, event.has_video.then(|| service.video_url(event.job)));
    // The final event is delivered twice: the service may deliver an event several times.
    let times = if is_final(event) { 2 } else { 1 };
    Some(Delivery { job: event.job, url, receivers, body, delay: Duration::ZERO, times })
}

/// Returns the deliveries to make for an event, in order, after applying its fault.
fn with_fault(
    service: &Service,
    event: &Event,
    mut delivery: Delivery,
    held_back: &mut HashMap<Uuid, Vec<Delivery>>,
) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    match service.faults.next(Target::Webhooks).fault {
        Some(Fault::DropBefore) => {}
        Some(Fault::OutOfOrder) if !is_final(event) => {
            held_back.entry(event.job).or_default().push(delivery)
        }
        Some(Fault::Forged) => {
            let elsewhere = format!("https://forged.invalid/{}.mp4", event.job);
            let body = payload(event, &JobStatus::Done, Some(elsewhere));
            deliveries.extend([Delivery { body, times: 1, ..delivery.clone() }, delivery]);
        }
        fault => {
            match fault {
                Some(Fault::Twice) => delivery.times *= 2,
                Some(Fault::Delay(seconds)) => {
                    delivery.delay = Duration::try_from_secs_f64(seconds).unwrap_or_default()
                }
                _ => {}
            }
            deliveries.push(delivery);
        }
    }
    if is_final(event) {
        deliveries.extend(held_back.remove(&event.job).into_iter().flatten().rev());
    }
    deliveries
}

/// Returns true for the final event of a call.
fn is_final(event: &Event) -> bool {
    matches!(event.status, JobStatus::Done | JobStatus::Failed | JobStatus::Rejected)
}

impl Delivery {
    async fn send(&self) {
        let Self { job, url, receivers, body, .. } = self;
        match timeout(TIMEOUT, post(url, receivers, body.clone())).await {
            Ok(Ok(status)) => tracing::debug!(%job, %status, "webhook delivered"),
            Ok(Err(error)) => tracing::debug!(%job, %error, "webhook not delivered"),
            Err(_) => tracing::debug!(%job, "webhook not delivered in time"),
        }
    }
}

/// Returns the addresses to deliver to, or `None` for anything but plain http to this machine.
/// Names
/// are not resolved.
fn loopback(url: &Url) -> Option<Vec<SocketAddr>> {
    let port = url.port_or_known_default().filter(|_| url.scheme() == "http")?;
    match url.host()? {
        Host::Domain("localhost") => {
            Some(vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()])
        }
        Host::Ipv4(address) if address.is_loopback() => Some(vec![(address, port).into()]),
        Host::Ipv6(address) if address.is_loopback() => Some(vec![(address, port).into()]),
        _ => None,
    }
}

fn payload(event: &Event, status: &JobStatus, video: Option<String>) -> Bytes {
    let field =
        if event.operation == BillableOperation::Render { "output" } else { "video_output" };
    json!({ "id": event.job, "status": status, "failed_reason": event.failed_reason, field: video })
        .to_string()
        .into()
}

async fn post(
    url: &Url,
    receivers: &[SocketAddr],
    body: Bytes,
) -> Result<StatusCode, Box<dyn Error + Send + Sync>> {
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
    fn webhooks_go_to_loopback_only() {
        let allowed = |url: &str| loopback(&Url::parse(url).unwrap()).is_some();
        for url in [
            "http://127.0.0.1:9000/hook",
            "http://localhost/hook?x=1",
            "http://[::1]:80/",
            "http://127.9.9.9/",
        ] {
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

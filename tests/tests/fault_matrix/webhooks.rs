//! Faulty webhook deliveries.

use creatify::{Variables, webhook};
use creatify_sandbox::{Fault, Faults, Rule, Sandbox};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::mpsc,
    time::{Duration, timeout},
};

use crate::{
    head, row,
    scene::{client, template},
};

const TEXT: &str = "\
Deliveries are hints, parsed with `webhook::parse`. The receiver reads the job then: the claim of a
delivery may be late, out of order or forged, the job itself is not.
";

const FAULTS: &[(&str, Option<Fault>)] = &[
    ("none: the last one comes twice anyway", None),
    ("twice", Some(Fault::Twice)),
    ("late by 100 s", Some(Fault::Delay(100.0))),
    ("out of order", Some(Fault::OutOfOrder)),
    ("forged", Some(Fault::Forged)),
    ("lost", Some(Fault::DropBefore)),
];

pub async fn section() -> String {
    let mut table = head(&["fault", "claimed", "status of the job, read then"]);
    for (name, fault) in FAULTS {
        let (claimed, seen) = outcome(*fault).await;
        table += &row([*name, &claimed, &seen]);
    }
    format!("## Webhooks\n\n{TEXT}\n{table}")
}

async fn outcome(fault: Option<Fault>) -> (String, String) {
    // The first delivery of three.
    let faults = fault.into_iter().fold(Faults::new(1), |faults, fault| {
        let rule = Rule::new(fault).on_webhooks();
        faults.with(if fault == Fault::OutOfOrder { rule } else { rule.at(1) })
    });
    let sandbox = Sandbox::builder().speed(1.0).faults(faults).start().await.unwrap();
    let client = client(&sandbox);
    let (url, mut deliveries) = receiver().await;
    let accepted =
        client.create(template(), Variables::new()).webhook_url(url).send().await.unwrap();
    let (mut claimed, mut seen) = (Vec::new(), Vec::new());
    while let Ok(Some(body)) = timeout(Duration::from_secs(3600), deliveries.recv()).await {
        let hint = webhook::parse(&body).unwrap();
        assert_eq!(hint.job, accepted.handle.id);
        claimed.push(hint.claimed_status.to_string());
        let job = client.job(hint.job).await.unwrap();
        assert!(job.video_url().is_none_or(|url| url.starts_with(sandbox.media_url())), "{job:?}");
        seen.push(job.status().to_string());
    }
    (claimed.join(", "), seen.join(", "))
}

/// Starts a receiver of webhooks. Returns its URL, and the bodies it receives.
async fn receiver() -> (String, mpsc::UnboundedReceiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, received) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let (mut line, mut length) = (String::new(), 0);
            while stream.read_line(&mut line).await.unwrap() > 2 {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.unwrap();
            stream
                .write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
                .await
                .unwrap();
            if sender.send(body).is_err() {
                return;
            }
        }
    });
    (url, received)
}

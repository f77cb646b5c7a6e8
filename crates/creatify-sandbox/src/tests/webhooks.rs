//! Webhook deliveries.

use axum::{Json, Router, extract::State, routing::post};
use tokio::sync::mpsc;

use super::*;

/// Starts a receiver on this machine and returns its URL and the received events.
async fn receiver() -> (String, mpsc::UnboundedReceiver<Value>) {
    let (sender, received) = mpsc::unbounded_channel();
    let hook = async |State(sender): State<mpsc::UnboundedSender<Value>>,
                      Json(event): Json<Value>| _ = sender.send(event);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?team=a", listener.local_addr().unwrap());
    let (_, close_requests) = crate::serve::ListenerGate::new();
    tokio::spawn(crate::serve::serve(
        listener,
        Router::new().route("/hook", post(hook)).with_state(sender),
        close_requests,
    ));
    (url, received)
}

fn with_webhook(name: &str, url: &str) -> Value {
    let mut body = request_body(name);
    body["webhook_url"] = json!(url);
    body
}

async fn next(received: &mut mpsc::UnboundedReceiver<Value>, count: usize) -> Vec<Value> {
    let mut events = Vec::new();
    for _ in 0..count {
        events.push(
            tokio::time::timeout(Duration::from_secs(1000), received.recv())
                .await
                .unwrap()
                .unwrap(),
        );
    }
    events
}

fn statuses(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["status"].as_str().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn every_status_change_is_delivered_and_the_final_one_twice() {
    let fixture = Fixture::start().await;
    let (url, mut received) = receiver().await;

    let created = fixture.submit(JOBS, &with_webhook("Teaser", &url)).await;
    let events = next(&mut received, 4).await;
    assert_eq!(statuses(&events), ["in_queue", "running", "done", "done"]);
    let video = fixture.get(&job_path(&created)).await.1["video_output"].clone();
    assert!(video.is_string());
    assert_eq!(
        events[3],
        json!({ "id": created["id"], "status": "done", "failed_reason": "", "video_output": video })
    );
    assert_eq!(events[0]["video_output"], json!(null));

    let previewed = fixture.submit(PREVIEW_ASYNC, &with_webhook("Teaser", &url)).await;
    assert_eq!(statuses(&next(&mut received, 4).await), ["in_queue", "running", "done", "done"]);
    fixture.submit(&format!("{}render/", job_path(&previewed)), &json!({})).await;
    let events = next(&mut received, 4).await;
    assert_eq!(statuses(&events), ["in_queue", "running", "done", "done"]);
    let video = fixture.get(&job_path(&previewed)).await.1["video_output"].clone();
    assert_eq!((&events[3]["output"], events[3].get("video_output")), (&video, None));

    fixture.submit(JOBS, &with_webhook("Always rejected", &url)).await;
    let events = next(&mut received, 3).await;
    assert_eq!(statuses(&events), ["in_queue", "rejected", "rejected"]);
    assert!(events[2]["failed_reason"].as_str().unwrap().contains("moderation"));
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_does_not_respond_delays_no_other_deliveries() {
    let fixture = Fixture::start().await;
    let (url, mut received) = receiver().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}/", silent.local_addr().unwrap());
    for lost in [silent.as_str(), "http://127.0.0.1:1/", "http://hooks.example.com/"] {
        fixture.submit(JOBS, &with_webhook("Teaser", lost)).await;
    }
    fixture.submit(JOBS, &with_webhook("Teaser", &url)).await;
    assert_eq!(statuses(&next(&mut received, 4).await), ["in_queue", "running", "done", "done"]);
}

/// Returns the events received for a create with this fault rule.
async fn deliveries(rule: Rule, count: usize) -> Vec<Value> {
    let fixture = Fixture::of(exact().faults(Faults::new(1).with(rule))).await;
    let (url, mut received) = receiver().await;
    fixture.submit(JOBS, &with_webhook("Teaser", &url)).await;
    let events = next(&mut received, count).await;
    pass(1000).await;
    assert!(received.try_recv().is_err(), "more events than expected");
    events
}

#[tokio::test(start_paused = true)]
async fn each_webhook_fault_changes_the_deliveries() {
    let twice = deliveries(Rule::new(Fault::Twice).at(1), 5).await;
    assert_eq!(statuses(&twice), ["in_queue", "in_queue", "running", "done", "done"]);
    let lost = deliveries(Rule::new(Fault::DropBefore).on_webhooks().at(3), 2).await;
    assert_eq!(statuses(&lost), ["in_queue", "running"]);
    let late = deliveries(Rule::new(Fault::Delay(500.0)).on_webhooks().at(1), 4).await;
    assert_eq!(statuses(&late), ["running", "done", "done", "in_queue"]);
    let out_of_order = deliveries(Rule::new(Fault::OutOfOrder), 4).await;
    assert_eq!(statuses(&out_of_order), ["done", "done", "running", "in_queue"]);

    let forged = deliveries(Rule::new(Fault::Forged).at(2), 5).await;
    assert_eq!(statuses(&forged), ["in_queue", "done", "running", "done", "done"]);
    assert_eq!(forged[1]["id"], forged[0]["id"]);
    assert!(forged[1]["video_output"].as_str().unwrap().starts_with("https://forged.invalid/"));
}

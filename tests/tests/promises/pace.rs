//! Pauses that the service asks for.

use std::time::Duration;

use creatify::{Client, Credentials};
use tokio::time::Instant;

use crate::{SECOND, scripted::scripted};

const BALANCE: &str = "{\"remaining_credits\": 5}";

fn client(url: &str) -> Client {
    let credentials = Credentials::new("account-0817", "5f3aC9e741b02d68").unwrap();
    Client::builder().credentials(credentials).base_url(url).build().unwrap()
}

fn answer(status: &str, headers: &str, body: &str) -> &'static str {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\nconnection: close\n{headers}content-length: {length}");
    format!("{head}\n\n{body}").leak()
}

/// Returns the time from a first answer to the second request.
async fn pause_after(status: &str, headers: &str) -> Duration {
    let first = answer(status, headers, BALANCE);
    let answers = vec![first, answer("200 OK", "", BALANCE)].leak();
    let (url, requests) = scripted("", answers).await;
    let client = client(&url);
    let started = Instant::now();
    client.remaining_credits().await.unwrap();
    if status.starts_with("200") {
        client.remaining_credits().await.unwrap();
    }
    assert_eq!(requests.lock().unwrap().len(), 2);
    started.elapsed()
}

/// Callers spread over half the pause more, after the backoff.
fn is_after(pause: Duration, asked: Duration) -> bool {
    asked <= pause && pause <= asked.mul_f64(1.5) + SECOND
}

#[tokio::test(start_paused = true)]
async fn a_pause_with_a_fraction_is_kept() {
    let pause = pause_after("429 Too Many Requests", "retry-after: 7.5\n").await;
    assert!(is_after(pause, Duration::from_millis(7_500)), "{pause:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_until_a_date_counts_from_the_date_of_the_answer() {
    for status in ["429 Too Many Requests", "503 Service Unavailable"] {
        let pause = pause_after(
            status,
            "date: Sun, 06 Nov 1994 08:49:37 GMT\nretry-after: Sun, 06 Nov 1994 08:49:47 GMT\n",
        )
        .await;
        assert!(is_after(pause, 10 * SECOND), "{status} {pause:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_a_success_asks_for_is_kept() {
    let pause = pause_after("200 OK", "retry-after: 7\n").await;
    assert!(is_after(pause, 7 * SECOND), "{pause:?}");
}

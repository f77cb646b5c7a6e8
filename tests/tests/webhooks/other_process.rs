//! Floods of deliveries from another process, in real time.

use std::{
    env,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::Command,
    thread,
    time::Duration,
};

use axum::Router;
use creatify::{
    Client,
    wait::{FixedInterval, WaitEvent},
    webhook::Receiver,
};
use creatify_sandbox::Sandbox;
use creatify_tests::fleet;
use futures_util::StreamExt;
use tokio::sync::mpsc;

use crate::server::{polls, serve, submit};

const DELIVERIES: usize = 10_000;
/// Tells the other process where to deliver to: an address, a path and a job or `random`.
const TARGET: &str = "TEST_WEBHOOK_TARGET";

/// A server in a thread and runtime of its own, with a receiver for a client of this runtime.
struct Server {
    address: SocketAddr,
    path: String,
    /// Number of deliveries that it took.
    deliveries: mpsc::UnboundedReceiver<()>,
}

fn server(client: &Client) -> Server {
    let (taken, deliveries) = mpsc::unbounded_channel();
    let receiver = Receiver::new(client).unwrap().on_delivery(move |_| _ = taken.send(()));
    let path = receiver.path();
    let (sender, address) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            sender.send(serve(Router::new().fallback_service(receiver)).await).unwrap();
            std::future::pending::<()>().await
        })
    });
    Server { address: address.recv().unwrap(), path, deliveries }
}

impl Server {
    /// Floods it with deliveries about a job from another process, until all were answered.
    async fn flood(&mut self, job: &str) {
        let mut sender = Command::new(env::current_exe().unwrap());
        sender
            .args(["other_process::deliver", "--exact", "--ignored", "--nocapture"])
            .env(TARGET, format!("{} {} {job}", self.address, self.path));
        let ended = tokio::task::spawn_blocking(move || sender.output().unwrap()).await.unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        for _ in 0..DELIVERIES {
            self.deliveries.recv().await.unwrap();
        }
    }
}

/// The other process: delivers over one connection, with a hundred requests under way.
#[test]
#[ignore = "started by the tests of this file"]
fn deliver() {
    let Ok(target) = env::var(TARGET) else { return };
    let [address, path, job] = target.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    for _ in 0..DELIVERIES / 100 {
        let requests: String = (0..100)
            .map(|_| {
                let random = uuid::Uuid::from_u128(rand::random()).to_string();
                let job = if job == "random" { &random } else { job };
                let body = format!(r#"{{"id": "{job}", "status": "done"}}"#);
                let length = body.len();
                format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}")
            })
            .collect();
        stream.write_all(requests.as_bytes()).unwrap();
        let (mut answers, mut buffer) = (String::new(), [0; 4096]);
        while answers.matches("\r\n\r\n").count() < 100 {
            let length = stream.read(&mut buffer).unwrap();
            assert!(length > 0, "the connection was closed after {answers}");
            answers += std::str::from_utf8(&buffer[..length]).unwrap();
        }
        assert_eq!(answers.matches("HTTP/1.1 204 No Content\r\n").count(), 100);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_forged_deliveries_makes_no_request() {
    let (sandbox, client) = fleet::sandbox(Sandbox::builder()).await;
    let mut server = server(&client);
    let handle = submit(&client, "http://127.0.0.1:1/").await.handle;
    let mut events =
        Box::pin(client.wait(handle).poll_policy(FixedInterval(Duration::from_secs(600))).events());
    assert!(matches!(events.next().await, Some(Ok(WaitEvent::Progress { .. }))));
    let waiting = tokio::spawn(async move { events.next().await });

    server.flood("random").await;
    assert_eq!(polls(&sandbox), 1, "forged deliveries made requests");
    waiting.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_about_a_job_that_is_waited_for_makes_one_request() {
    let (sandbox, client) = fleet::sandbox(Sandbox::builder()).await;
    let mut server = server(&client);
    let handle = submit(&client, "http://127.0.0.1:1/").await.handle;
    let wait = client.wait(handle).poll_policy(FixedInterval(Duration::from_secs(600)));
    let mut events = Box::pin(wait.events());
    assert!(matches!(events.next().await, Some(Ok(WaitEvent::Progress { .. }))));
    let waiting = tokio::spawn(async move { events.next().await });

    server.flood(&handle.id.to_string()).await;
    let hinted = async {
        while polls(&sandbox) < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), hinted).await.unwrap();
    // This read comes after every request that the flood has made.
    client.job(handle.id).await.unwrap();
    assert_eq!(polls(&sandbox), 3);
    waiting.abort();
}

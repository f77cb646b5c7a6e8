//! Requests to a receiver in axum: those that are answered 204, 404 and 405, and those that are
//! dropped.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, routing::get};
use creatify::{
    Client, JobHandle,
    wait::{FixedInterval, Wait},
    webhook::{MAX_BODY_BYTES, Receiver},
};
use creatify_sandbox::Sandbox;
use creatify_tests::fleet;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::server::{polls, serve, submit};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const HOUR: Duration = Duration::from_secs(3600);

/// A receiver that is served, and a wait that polls once an hour unless it gets a hint.
struct Scene {
    sandbox: Arc<Sandbox>,
    address: SocketAddr,
    handle: JobHandle,
    /// Bodies that the receiver passed on.
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
    wait: Wait,
}

fn receiver(client: &Client) -> Receiver {
    Receiver::with_secret(client, SECRET).unwrap()
}

impl Scene {
    async fn start(router: impl FnOnce(Receiver) -> Router) -> Self {
        let (sandbox, client) = fleet::sandbox(Sandbox::builder()).await;
        let bodies = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let kept = bodies.clone();
        let receiver = receiver(&client)
            .on_delivery(move |delivery| kept.lock().unwrap().push(delivery.body.to_vec()));
        let address = serve(router(receiver)).await;
        let handle = submit(&client, "http://127.0.0.1:1/").await.handle;
        let wait = client.wait(handle).poll_policy(FixedInterval(HOUR)).timeout(24 * HOUR);
        let mut scene = Self { sandbox, address, handle, bodies, wait };
        scene.polls_become(1).await;
        scene
    }

    /// Lets the wait go on until as many polls were made, which must be within a minute.
    async fn polls_become(&mut self, polls: usize) {
        let started = Instant::now();
        while self::polls(&self.sandbox) < polls {
            assert!(timeout(Duration::from_millis(10), &mut self.wait).await.is_err());
            assert!(started.elapsed().as_secs() < 60, "{polls} polls were not made");
        }
    }

    /// Asserts that the wait makes no further poll within half an hour.
    async fn polls_stay(&mut self, polls: usize) {
        assert!(timeout(HOUR / 2, &mut self.wait).await.is_err());
        assert_eq!(self::polls(&self.sandbox), polls);
    }

    fn body(&self, status: &str) -> String {
        format!(r#"{{"id": "{}", "status": "{status}"}}"#, self.handle.id)
    }

    async fn post(&self, path: &str, body: &str) -> String {
        self.send(&post(path, body)).await
    }

    /// Sends a request as it is and returns the head of the answer.
    async fn send(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        answer(&mut stream).await
    }

    fn delivered(&self) -> usize {
        self.bodies.lock().unwrap().len()
    }
}

fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}")
}

async fn answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => answer.push(byte),
            Err(error) => panic!("{error} after {}", String::from_utf8_lossy(&answer)),
        }
    }
    String::from_utf8(answer).unwrap()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_receiver_fits_into_every_way_of_routing() {
    type Routes = fn(Receiver) -> Router;
    let routers: [(&str, Routes); 4] = [
        ("/creatify", |receiver| Router::new().route_service(&receiver.path(), receiver)),
        ("/creatify", |receiver| Router::new().nest_service("/creatify", receiver)),
        ("/hooks/creatify", |receiver| Router::new().nest_service("/hooks", receiver)),
        ("/creatify", |receiver| {
            Router::new().route("/health", get(async || "ok")).fallback_service(receiver)
        }),
    ];
    for (prefix, router) in routers {
        let mut scene = Scene::start(router).await;
        let done = scene.body("done");
        assert_eq!(status(&scene.post(&format!("{prefix}/{SECRET}"), &done).await), 204);
        scene.polls_become(2).await;
        assert_eq!(scene.delivered(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_is_posted_to_the_secret_path_is_answered_alike() {
    let mut scene = Scene::start(|receiver| Router::new().fallback_service(receiver)).await;
    let path = format!("/creatify/{SECRET}");
    let longest = " ".repeat(MAX_BODY_BYTES);
    let mut answers = Vec::new();
    for body in ["", "{}", "not JSON", "\u{0}", &longest, &scene.body("running")] {
        answers.push(scene.post(&path, body).await);
    }
    assert_eq!(scene.delivered(), 6);
    // Longer bodies, with and without their length, are dropped without waiting for their end.
    let started = Instant::now();
    let length = MAX_BODY_BYTES + 1;
    let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\n");
    answers.push(scene.send(&format!("{head}content-length: {length}\r\n\r\n")).await);
    let chunk = format!("{length:x}\r\n{}\r\n0\r\n\r\n", " ".repeat(length));
    answers.push(scene.send(&format!("{head}transfer-encoding: chunked\r\n\r\n{chunk}")).await);
    assert_eq!((scene.delivered(), started.elapsed().as_secs()), (6, 0));
    let constant = |answer: &String| {
        let lines = answer.lines().filter(|line| !line.starts_with("date"));
        lines.filter(|line| !line.starts_with("connection")).map(str::to_owned).collect::<Vec<_>>()
    };
    let answers: Vec<_> = answers.iter().map(constant).collect();
    assert_eq!(answers[0][0], "HTTP/1.1 204 No Content");
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    scene.polls_stay(1).await;
}

#[tokio::test(start_paused = true)]
async fn requests_without_the_secret_are_answered_404_unread() {
    let mut scene = Scene::start(|receiver| Router::new().fallback_service(receiver)).await;
    let done = scene.body("done");
    let wrong = format!("/creatify/{}", SECRET.replace('0', "1"));
    let mut answers = Vec::new();
    for path in [&wrong, "/", "/creatify", "/creatify/", &format!("/?{SECRET}")] {
        for method in ["POST", "GET", "DELETE"] {
            answers.push(scene.send(&post(path, &done).replace("POST", method)).await);
        }
    }
    // The answer comes before the body does.
    let unsent = format!("POST {wrong} HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n");
    answers.push(scene.send(&unsent).await);
    for answer in &answers {
        assert_eq!(status(answer), 404, "{answer}");
        assert!(!answer.contains(SECRET), "{answer}");
    }
    assert_eq!(scene.delivered(), 0);
    scene.polls_stay(1).await;
}

#[tokio::test(start_paused = true)]
async fn other_methods_on_the_secret_path_are_answered_405() {
    let mut scene = Scene::start(|receiver| Router::new().fallback_service(receiver)).await;
    let request = post(&format!("/creatify/{SECRET}"), &scene.body("done"));
    for method in ["GET", "PUT", "DELETE", "OPTIONS", "FOO"] {
        let answer = scene.send(&request.replace("POST", method)).await;
        assert_eq!(status(&answer), 405, "{answer}");
        assert!(answer.contains("allow: POST\r\n"), "{answer}");
    }
    assert_eq!(scene.delivered(), 0);
    scene.polls_stay(1).await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_within_ten_seconds_is_dropped() {
    let mut scene = Scene::start(|receiver| Router::new().fallback_service(receiver)).await;
    let request = post(&format!("/creatify/{SECRET}"), &scene.body("done"));
    let mut stream = TcpStream::connect(scene.address).await.unwrap();
    stream.write_all(&request.as_bytes()[..request.len() - 1]).await.unwrap();
    let started = Instant::now();
    assert_eq!(status(&answer(&mut stream).await), 204);
    assert_eq!(started.elapsed().as_secs(), 10);
    assert_eq!(scene.delivered(), 0);
    scene.polls_stay(1).await;
}

#[tokio::test(start_paused = true)]
async fn deliveries_to_several_clones_at_once_make_one_poll() {
    let mut scene = Scene::start(|receiver| {
        let routes = ["/a", "/b", "/c"].map(|route| (route, receiver.clone()));
        routes
            .into_iter()
            .fold(Router::new(), |router, (route, receiver)| router.nest_service(route, receiver))
    })
    .await;
    let done = scene.body("done");
    for route in ["/a", "/b", "/c", "/a"] {
        assert_eq!(status(&scene.post(&format!("{route}/{SECRET}"), &done).await), 204);
    }
    scene.polls_become(2).await;
    assert_eq!(scene.delivered(), 4);
    assert_eq!(polls(&scene.sandbox), 2);
}

//! Exit codes, with the words on stderr and the document on stdout that belong to them.

#![allow(clippy::unwrap_used)] // a test file

mod support;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::Stdio,
};

use creatify_sandbox::Sandbox;
use serde_json::{Value, json};
use support::{FAST, Run, TEMPLATE, command, run, using};

/// The id of no job and no template.
const NOBODY: &str = "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11";

async fn sandbox() -> Sandbox {
    Sandbox::builder().speed(FAST).start().await.unwrap()
}

async fn json(command: std::process::Command, arguments: &[&str]) -> Run {
    run(command, &[&["--output", "json"], arguments].concat()).await
}

/// Returns the document of an error after a check that it has all its parts.
fn error(run: &Run) -> Value {
    let error = run.json()["error"].clone();
    let keys: Vec<_> = error.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["charge_risk", "job_id", "kind", "message", "request_id", "status"]);
    error
}

/// Starts a service that answers every request with these bytes, and returns its URL.
fn odd_service(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            read_request(&mut stream);
            stream.write_all(answer).unwrap();
        }
    });
    url
}

/// Reads a whole request, so that closing the connection does not reset it first.
fn read_request(stream: &mut TcpStream) {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_service_is_1_with_its_causes() {
    let mut nowhere = command();
    nowhere.args(["--base-url", "http://127.0.0.1:1", "--api-id", "i", "--api-key", "k"]);
    let mut once = json(nowhere, &["get", NOBODY]).await;
    assert_eq!(once.code, 1, "{}", once.stderr);
    assert!(once.stderr.contains("because: "), "{}", once.stderr);
    once.stdout.clear();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_is_2_and_nothing_is_sent() {
    let sandbox = sandbox().await;
    let long = "n".repeat(256);
    for (arguments, said) in [
        (&["preview", "nonsense"][..], "TEMPLATE_ID"),
        (&["preview", TEMPLATE, "--var", "headline"], "--var"),
        (&["preview", TEMPLATE, "--image", "hero=nope"], "hero"),
        (&["preview", TEMPLATE, "--name", &long], "name"),
        (&["preview", TEMPLATE, "--webhook-url", "ftp://example.com"], "webhook"),
        (&["preview", TEMPLATE, "--vars", "/nonexistent.json"], "--vars"),
        (&["create", TEMPLATE, "--max-credits", "5"], "--seconds"),
        (&["create", TEMPLATE, "--max-credits", "lots"], "--max-credits"),
        (&["preview", TEMPLATE, "--var", "a=1", "--image", "a=https://e.com/a.png"], "`a`"),
        (&["download", NOBODY, NOBODY, "-o", "one.mp4"], "--out"),
        (&["wait"], "JOB_IDS"),
        (&["--base-url", "http://example.com", "balance"], "loopback"),
    ] {
        let run = run(using(&sandbox), arguments).await.expect(2);
        assert!(run.stderr.contains(said), "{arguments:?}: {}", run.stderr);
        assert_eq!(run.stdout, "");
    }
    let run = run(command(), &["balance"]).await.expect(2);
    assert!(run.stderr.contains("CREATIFY_API_ID"), "{}", run.stderr);
    assert_eq!(sandbox.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_are_3_and_the_variables_are_named() {
    let sandbox = sandbox().await;
    let run = run(using(&sandbox), &["--api-key", "wrong-secret", "balance"]).await.expect(3);
    assert!(
        run.stderr.contains("CREATIFY_API_ID") && run.stderr.contains("CREATIFY_API_KEY"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("wrong-secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_is_4_with_the_services_words() {
    let sandbox = sandbox().await;
    let refused = json(using(&sandbox), &["preview", NOBODY]).await.expect(4);
    assert!(
        refused.stderr.contains("400") && refused.stderr.contains("template_id"),
        "{}",
        refused.stderr
    );
    let error = error(&refused);
    assert_eq!(
        (&error["kind"], &error["status"], &error["charge_risk"]),
        (&json!("refused"), &json!(400), &json!("none"))
    );
    assert_eq!(
        self::error(&json(using(&sandbox), &["get", NOBODY]).await.expect(4))["status"],
        404
    );
    assert_eq!(
        self::error(&json(using(&sandbox), &["render", NOBODY]).await.expect(4))["job_id"],
        NOBODY
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn too_few_credits_are_5_with_estimate_limit_and_balance() {
    let sandbox = Sandbox::builder().speed(FAST).credits(3).start().await.unwrap();
    let limited =
        json(using(&sandbox), &["create", TEMPLATE, "--seconds", "31", "--max-credits", "9"])
            .await
            .expect(5);
    for word in ["estimate: 10", "limit: 9", "balance: 3"] {
        assert!(limited.stderr.contains(word), "{}", limited.stderr);
    }
    assert_eq!(
        (&error(&limited)["kind"], &error(&limited)["charge_risk"]),
        (&json!("over_limit"), &json!("none"))
    );
    let poor = json(using(&sandbox), &["create", TEMPLATE]).await.expect(5);
    assert!(poor.stderr.contains("balance: 3"), "{}", poor.stderr);
    assert_eq!(
        (&error(&poor)["kind"], &error(&poor)["status"]),
        (&json!("insufficient_credits"), &json!(402))
    );
    assert_eq!(sandbox.job_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_or_rejected_job_is_6_with_its_reason() {
    let sandbox = sandbox().await;
    for (name, kind) in [("Always fails", "job_failed"), ("Always rejected", "job_rejected")] {
        let template = creatify_sandbox::templates()
            .iter()
            .find(|template| template.name == name)
            .unwrap()
            .id
            .to_string();
        let ended = json(using(&sandbox), &["create", &template]).await.expect(6);
        let error = error(&ended);
        assert_eq!(error["kind"], kind);
        let id = error["job_id"].as_str().unwrap();
        let job = run(using(&sandbox), &["get", id, "--output", "json"]).await.expect(0).json();
        assert!(
            ended.stderr.contains(id)
                && ended.stderr.contains(job["failed_reason"].as_str().unwrap()),
            "{}",
            ended.stderr
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_out_is_7_with_the_line_that_resumes_and_the_line_works() {
    let sandbox = Sandbox::builder().speed(40.0).start().await.unwrap();
    let late = json(using(&sandbox), &["create", TEMPLATE, "--timeout", "200ms"]).await.expect(7);
    let error = error(&late);
    assert_eq!((&error["kind"], &error["charge_risk"]), (&json!("timed_out"), &json!("charged")));
    let line = late.stderr.lines().find_map(|line| line.split_once("creatify wait ")).unwrap().1;
    let arguments: Vec<_> = ["wait"].into_iter().chain(line.split_whitespace()).collect();
    assert!(
        json(using(&sandbox), &arguments).await.expect(0).json()[0]["video_output"].is_string()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_outcome_is_8_and_it_is_not_sent_again() {
    for answer in
        [&b""[..], b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"]
    {
        let mut odd = command();
        odd.env("CREATIFY_API_ID", "i")
            .env("CREATIFY_API_KEY", "k")
            .env("CREATIFY_BASE_URL", odd_service(answer));
        let unknown = json(odd, &["create", TEMPLATE, "--name", "Sale"]).await.expect(8);
        assert!(
            unknown.stderr.contains("not sent again") && unknown.stderr.contains("creatify list"),
            "{}",
            unknown.stderr
        );
        let error = error(&unknown);
        assert_eq!(
            (&error["kind"], &error["charge_risk"]),
            (&json!("outcome_unknown"), &json!("unknown"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_job_is_found_in_an_answer_that_does_not_decode() {
    let answer = b"HTTP/1.1 201 Created\r\ncontent-length: 200\r\nconnection: close\r\n\r\n\
        {\"id\": \"7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11\", \"status\": \"pen";
    let mut odd = command();
    odd.env("CREATIFY_API_ID", "i")
        .env("CREATIFY_API_KEY", "k")
        .env("CREATIFY_BASE_URL", odd_service(answer));
    let paid = json(odd, &["create", TEMPLATE]).await.expect(1);
    let error = error(&paid);
    assert_eq!((&error["job_id"], &error["charge_risk"]), (&json!(NOBODY), &json!("charged")));
    assert!(
        paid.stderr.contains(&format!("creatify wait {NOBODY} --goal video")),
        "{}",
        paid.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_is_130_with_the_line_that_resumes() {
    let sandbox = Sandbox::builder().speed(1.0).start().await.unwrap();
    let mut running =
        using(&sandbox).args(["create", TEMPLATE]).stderr(Stdio::piped()).spawn().unwrap();
    while sandbox.job_count() == 0 || sandbox.requests().len() < 2 {
        tokio::task::yield_now().await; // until it was accepted and polled
    }
    let pid = running.id().to_string();
    std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
    let code = tokio::task::spawn_blocking(move || {
        let status = running.wait().unwrap();
        let mut stderr = String::new();
        running.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (status.code(), stderr)
    });
    let (code, stderr) = code.await.unwrap();
    assert_eq!(code, Some(130), "{stderr}");
    let id = sandbox.jobs()[0].id;
    assert!(stderr.contains(&format!("creatify wait {id} --goal video")), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_output_of_any_kind_shows_the_key() {
    let sandbox = sandbox().await;
    let secret = "s3cret-0f-mine";
    let echo = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 35\r\nconnection: close\r\n\r\n\
          {\"detail\": \"key was s3cret-0f-mine\"}";
    for url in [
        sandbox.base_url().to_owned(),
        odd_service(echo),
        "http://127.0.0.1:1".to_owned(),
        format!("http://{secret}@example.com"),
    ] {
        for arguments in [
            &["-vv", "create", TEMPLATE][..],
            &["-vv", "--output", "json", "get", NOBODY],
            &["--help"],
        ] {
            let mut leaky = command();
            leaky
                .env("CREATIFY_API_ID", secret)
                .env("CREATIFY_API_KEY", secret)
                .env("CREATIFY_BASE_URL", &url)
                .env("RUST_LOG", "trace");
            let run = run(leaky, arguments).await;
            let all = run.stdout + &run.stderr;
            assert!(!all.replace(&url, "").contains(secret), "{url} {arguments:?}: {all}");
        }
    }
}

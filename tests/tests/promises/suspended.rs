//! A process that is suspended for longer than its time-out.

#![cfg(unix)]

use std::{
    env,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use creatify::{Client, Credentials, Variables};

const TIMEOUT: Duration = Duration::from_millis(300);
const URL: &str = "CREATIFY_TEST_SUSPENDED_URL";
const ID: &str = "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11";

/// The process that is suspended; a test of its own that does nothing unless the test below starts
/// it.
#[tokio::test]
async fn suspended_process() {
    let Ok(url) = env::var(URL) else { return };
    let credentials = Credentials::new("account-0817", "5f3aC9e741b02d68").unwrap();
    let client = Client::builder().credentials(credentials).base_url(url).attempt_timeout(TIMEOUT);
    let template = "3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10".parse().unwrap();
    let client = client.build().unwrap();
    let submitted = client.create(template, Variables::new()).send().await.unwrap();
    assert_eq!(submitted.handle.id.to_string(), ID);
}

fn signal(child: &Child, signal: &str) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
}

/// Reads a request to the end of its body.
fn read_request(stream: &mut TcpStream) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.ends_with(b"}") {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "the request breaks off");
        request.extend_from_slice(&buffer[..read]);
    }
}

#[test]
fn an_answer_that_came_while_the_process_was_suspended_is_read() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "suspended::suspended_process", "--nocapture"])
        .env(URL, format!("http://{}", listener.local_addr().unwrap()))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    read_request(&mut stream);
    signal(&child, "-STOP");
    // Too long to be read at once when the process goes on.
    let reason = "x".repeat(1_000_000);
    let body =
        format!("{{\"id\": \"{ID}\", \"status\": \"pending\", \"failed_reason\": \"{reason}\"}}");
    let length = body.len();
    let head = "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\n";
    let writing = thread::spawn(move || {
        write!(stream, "{head}content-length: {length}\r\n\r\n{body}").unwrap();
    });
    thread::sleep(TIMEOUT * 2);
    signal(&child, "-CONT");
    writing.join().unwrap();
    let status = child.wait().unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

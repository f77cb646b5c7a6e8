//! `creatify listen` as a process: deliveries of the sandbox, forwarding, signals, its secret.

#![allow(clippy::unwrap_used, clippy::print_stderr)] // a test file

mod support;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use creatify::{Client, Variables};
use creatify_sandbox::{Sandbox, SandboxBuilder};
use serde_json::{Value, json};
use support::{FAST, TEMPLATE, run, using};

const JOB: &str = "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11";
/// Nothing here takes that long.
const LONG: Duration = Duration::from_secs(60);

/// A process of which stdout is read line by line. It ends with this value at the latest.
struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    fn start(mut command: Command, arguments: &[&str]) -> Self {
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, lines }
    }

    /// Starts `creatify listen`, and returns it with the URL that it prints first.
    fn listen(sandbox: &Sandbox, arguments: &[&str]) -> (Self, String) {
        let process = Self::start(using(sandbox), &[&["listen"], arguments].concat());
        let url = process.line();
        assert!(url.contains("/creatify/"), "{url}");
        (process, url)
    }

    /// Starts `creatify listen --output json`.
    fn listen_json(sandbox: &Sandbox, arguments: &[&str]) -> (Self, String) {
        let process =
            Self::start(using(sandbox), &[&["listen", "--output", "json"], arguments].concat());
        let url = process.document()["webhook_url"].as_str().unwrap().to_owned();
        (process, url)
    }

    fn listen_any(sandbox: &Sandbox, format: &str, arguments: &[&str]) -> (Self, String) {
        match format {
            "json" => Self::listen_json(sandbox, arguments),
            _ => Self::listen(sandbox, arguments),
        }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(LONG).unwrap()
    }

    fn document(&self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Waits for its end. Returns its exit code, what is left of stdout, and stderr.
    fn end(mut self) -> (i32, Vec<String>, String) {
        let (sender, text) = channel();
        let mut stderr = self.child.stderr.take().unwrap();
        std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            sender.send(text)
        });
        let stderr = text.recv_timeout(LONG).unwrap(); // it closes when the process ends
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        (code, self.lines.iter().collect(), stderr)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it has ended, unless a test failed
        let _ = self.child.wait();
    }
}

/// A server in Python that prints the path and body of each request, and answers with this status.
/// `None` without Python.
fn python_server(status: u16) -> Option<(Process, String)> {
    let version = Command::new("python3").arg("--version").stdout(Stdio::null()).status();
    if !version.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no python3 to forward to");
        return None;
    }
    let script = format!(
        r#"
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        print(self.path, self.headers["Content-Type"], body, flush=True)
        self.send_response({status})
        self.end_headers()
    def log_message(self, *_): pass
server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"#
    );
    let server = Process::start(Command::new("python3"), &["-c", &script]);
    let url = format!("http://127.0.0.1:{}/hook?a=b", server.line());
    Some((server, url))
}

/// Posts a body as the service would, and returns the status of the answer.
fn deliver(url: &str, body: &str) -> u16 {
    let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(stream, "POST /{path} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

async fn sandbox(options: SandboxBuilder) -> Sandbox {
    options.speed(FAST).start().await.unwrap()
}

/// Submits a job with this webhook URL, and returns its id.
async fn submit(sandbox: &Sandbox, webhook_url: &str) -> String {
    let client = Client::builder().credentials(sandbox.credentials()).base_url(sandbox.base_url());
    let client = client.build().unwrap();
    let create = client.create(TEMPLATE.parse().unwrap(), Variables::new());
    let create = create.webhook_url(webhook_url).send().await;
    create.unwrap().handle.id.to_string()
}

/// Returns the id of the first job of every sandbox, which has the same seed.
async fn first_job() -> String {
    submit(&sandbox(Sandbox::builder()).await, "http://127.0.0.1:1/").await
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_shown_and_forwarded_until_the_job_has_ended() {
    let Some((server, forward_url)) = python_server(200) else { return };
    let job = first_job().await;
    let sandbox = sandbox(Sandbox::builder()).await;
    let (listen, url) =
        Process::listen_json(&sandbox, &["--forward-to", &forward_url, &job, "--timeout", "1m"]);
    assert_eq!(submit(&sandbox, &url).await, job);

    let mut claimed = Vec::new();
    let outcome = loop {
        let document = listen.document();
        if document.get("delivery").is_none() {
            break document;
        }
        let delivery = &document["delivery"];
        assert_eq!((&delivery["job_id"], &delivery["error"]), (&json!(job), &Value::Null));
        assert!(delivery["received_at"].as_str().unwrap().ends_with('Z'), "{delivery}");
        claimed.push(delivery["claimed_status"].as_str().unwrap().to_owned());
    };
    assert_eq!((&outcome["id"], &outcome["result"]), (&json!(job), &json!("done")));
    assert!(outcome["job"]["video_output"].is_string(), "{outcome}");
    let (code, rest, stderr) = listen.end();
    assert_eq!((code, rest), (0, vec![]), "{stderr}");
    for status in claimed {
        let line = server.line();
        let body = line.strip_prefix("/hook?a=b application/json ").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!((&body["id"], &body["status"]), (&json!(job), &json!(status)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_server_behind_it_is_told_and_changes_nothing() {
    let Some((server, failing)) = python_server(500) else { return };
    for (forward_url, told) in [
        (failing.as_str(), "forwarding failed: http://127.0.0.1:"),
        ("http://127.0.0.1:1/", "forwarding failed: error sending request"),
    ] {
        let job = first_job().await;
        let sandbox = sandbox(Sandbox::builder()).await;
        let (listen, url) = Process::listen_json(&sandbox, &["--forward-to", forward_url, &job]);
        submit(&sandbox, &url).await;
        assert_eq!(deliver(&url, "{}"), 204);
        while listen.document().get("delivery").is_some() {}
        let (code, _, stderr) = listen.end();
        assert_eq!(code, 0, "{stderr}");
        assert!(stderr.contains(told), "{stderr}");
    }
    // The body that is no delivery was forwarded like the others.
    while !server.line().ends_with(" application/json {}") {}
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_write_is_shown_with_its_control_characters_visible() {
    let sandbox = sandbox(Sandbox::builder()).await;
    let (listen, url) = Process::listen(&sandbox, &[]);
    let body = format!(r#"{{"id": "{JOB}", "status": "done\u001b[2J\u202e\n"}}"#);
    assert_eq!(deliver(&url, &body), 204);
    let line = listen.line();
    assert!(line.ends_with(&format!(r"Z  {JOB}  done\u{{1b}}[2J\u{{202e}}\n")), "{line}");
    assert_eq!(deliver(&url, "\u{1b}[2J"), 204);
    let line = listen.line();
    assert!(line.contains("the webhook delivery cannot be read"), "{line}");
    assert!(!line.contains(char::is_control), "{line}");

    let (listen, url) = Process::listen_json(&sandbox, &[]);
    assert_eq!(deliver(&url, &body), 204);
    let line = listen.line();
    assert!(!line.contains(['\u{1b}', '\u{202e}']), "{line}");
    let document: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(document["delivery"]["claimed_status"], "done\u{1b}[2J\u{202e}\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_url_with_the_secret_is_listened_to() {
    let sandbox = sandbox(Sandbox::builder()).await;
    let (listen, url) = Process::listen(&sandbox, &["-q"]);
    let (start, _) = url.rsplit_once('/').unwrap();
    assert_eq!(deliver(&format!("{start}/x"), "{}"), 404);
    assert_eq!(deliver(&url, &format!(r#"{{"id": "{JOB}", "status": "done"}}"#)), 204);
    assert_eq!(listen.line(), JOB); // the first one that is shown
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_it_with_the_resume_line_of_each_job_that_goes_on() {
    let sandbox = Sandbox::builder().speed(1.0).start().await.unwrap();
    let job = submit(&sandbox, "http://127.0.0.1:1/").await;
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        for format in ["text", "json"] {
            let (listen, url) = Process::listen_any(&sandbox, format, &[&format!("preview:{job}")]);
            assert_eq!(deliver(&url, "{}"), 204);
            listen.line();
            listen.signal(signal);
            let (ended, stdout, stderr) = listen.end();
            assert_eq!((ended, stdout), (code, vec![]), "{stderr}");
            let resume = format!("creatify wait {job} --goal preview");
            assert!(stderr.contains(&resume), "{stderr}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outcome_of_each_job_is_told_and_the_worst_is_the_exit_code() {
    let sandbox = sandbox(Sandbox::builder()).await;
    let job = submit(&sandbox, "http://127.0.0.1:1/").await;
    let rejected = creatify_sandbox::templates()
        .iter()
        .find(|template| template.name == "Always rejected")
        .unwrap();
    let template = rejected.id.to_string();
    let arguments = ["create", &template, "--no-wait", "--output", "json"];
    let rejected =
        run(using(&sandbox), &arguments).await.expect(0).json()["id"].as_str().unwrap().to_owned();
    let (listen, _) = Process::listen_json(&sandbox, &[&job, &rejected]);
    let mut results = [listen.document(), listen.document()]
        .map(|document| (document["id"].clone(), document["result"].clone()));
    results.sort_by_key(|(_, result)| result.to_string());
    let expected = [(json!(job), json!("done")), (json!(rejected), json!("rejected"))];
    assert_eq!(results, expected);
    let (code, rest, stderr) = listen.end();
    assert_eq!((code, rest), (6, vec![]), "{stderr}");
    assert!(!stderr.contains("creatify wait"), "nothing is left to wait for: {stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_file_is_made_once_and_keeps_the_url() {
    let sandbox = sandbox(Sandbox::builder()).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("hook.secret");
    let path = file.to_str().unwrap();
    let arguments =
        ["--secret-file", path, "--public-url", "https://hooks.example.com/creatify-tunnel/"];
    let (_first, url) = Process::listen(&sandbox, &arguments);
    let secret = std::fs::read_to_string(&file).unwrap();
    let secret = secret.trim();
    assert_eq!(secret.len(), 32);
    assert_eq!(url, format!("https://hooks.example.com/creatify-tunnel/creatify/{secret}"));
    let (_second, again) = Process::listen(&sandbox, &arguments);
    assert_eq!(again, url);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    std::fs::write(&file, "hunter2").unwrap();
    let failed = run(using(&sandbox), &["listen", "--secret-file", path]).await.expect(2);
    assert!(failed.stderr.contains("a webhook secret needs 22 to 128"), "{}", failed.stderr);
    assert!(!failed.stderr.contains("hunter2"), "{}", failed.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_cannot_work_is_wrong_usage() {
    let sandbox = sandbox(Sandbox::builder()).await;
    let long = format!("https://example.com/{}", "x".repeat(200));
    for (arguments, told) in [
        (["--public-url", &long], "at most 200"),
        (["--public-url", "example.com"], "the public URL for webhooks"),
        (["--bind", "0.0.0.0"], "--public-url"),
        (["--forward-to", "http://example.com/"], "plain http is allowed only to this machine"),
        (["--forward-to", "localhost:3000"], "write a URL"),
    ] {
        let process = Process::start(using(&sandbox), &[&["listen"], &arguments[..]].concat());
        let (code, stdout, stderr) = process.end();
        assert_eq!((code, stdout), (2, vec![]), "{stderr}");
        assert!(stderr.contains(told), "{stderr}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_pipe_ends_it() {
    let sandbox = sandbox(Sandbox::builder()).await;
    let mut command = using(&sandbox);
    command.arg("listen").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    // The reader is gone; the next line ends it.
    assert_eq!(deliver(url.trim_end(), "{}"), 204);
    let process = Process { child, lines: channel().1 };
    let (code, _, stderr) = process.end();
    assert_eq!(code, 0, "{stderr}");
}

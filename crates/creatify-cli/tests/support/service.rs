//! A scripted service: each request is answered as a function says.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{Arc, Condvar, Mutex},
    time::Instant,
};

use serde_json::{Value, json};

/// The id of a job that the script makes up.
pub const JOB: &str = "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11";
/// The key that the command uses with a scripted service.
pub const KEY: &str = "sk-scripted-1a2b3c4d5e6f";

/// A request as it arrived.
#[derive(Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub body: String,
    pub at: Instant,
    /// Number among all requests, from 0.
    pub number: usize,
}

/// The answer to a request.
pub enum Answer {
    /// A status and a JSON body.
    Json(u16, Value),
    /// A status, a content type and a body.
    Body(u16, &'static str, Vec<u8>),
    /// No answer, while the connection stays open.
    Silence,
}

pub struct Service {
    pub url: String,
    log: Arc<Log>,
}

#[derive(Default)]
struct Log {
    requests: Mutex<Vec<Request>>,
    arrived: Condvar,
}

impl Service {
    pub fn start(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Log::default());
        let (kept, script) = (log.clone(), Arc::new(script));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, script) = (kept.clone(), script.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &log, &*script));
            }
        });
        Self { url, log }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.log.requests.lock().unwrap().clone()
    }

    pub fn posts(&self) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.method == "POST").collect()
    }

    /// Waits until as many requests have arrived.
    pub fn wait_for(&self, requests: usize) {
        let arrived = self.log.requests.lock().unwrap();
        drop(self.log.arrived.wait_while(arrived, |arrived| arrived.len() < requests).unwrap());
    }

    /// Returns the command, set up to use this service.
    pub fn command(&self) -> Command {
        let mut command = super::command();
        command
            .env("CREATIFY_BASE_URL", &self.url)
            .env("CREATIFY_API_ID", "scripted")
            .env("CREATIFY_API_KEY", KEY);
        command
    }
}

/// Returns a job, with these fields changed.
pub fn job(fields: Value) -> Value {
    let mut job = json!({
        "id": JOB, "created_at": "2026-11-20T10:00:00Z", "updated_at": "2026-11-20T10:00:01Z",
        "variables": {}, "media_job": null, "video_output": null, "preview": null,
        "editor_url": null, "failed_reason": "", "credits_used": 0, "duration": 0,
        "status": "pending", "progress": 0, "name": null, "webhook_url": null,
        "model_version": "standard", "is_hidden": false,
    });
    job.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    job
}

/// Returns a job that is done with a preview.
pub fn previewed(fields: Value) -> Value {
    let mut done = json!({
        "status": "done", "preview": "https://app.example.com/preview", "progress": 100,
        "credits_used": 1, "duration": 21,
    });
    done.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    job(done)
}

/// Returns the id that a path names.
pub fn id_in(path: &str) -> Option<String> {
    let id = path.split('/').nth(3)?;
    (id.len() == 36).then(|| id.to_owned())
}

fn serve(stream: TcpStream, log: &Log, script: &dyn Fn(&Request) -> Answer) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let mut words = line.split_whitespace().map(str::to_owned);
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let mut length = 0;
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).unwrap_or(0) == 0 || header == "\r\n" {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let body = String::from_utf8(body).unwrap();
        let request = {
            let mut requests = log.requests.lock().unwrap();
            let number = requests.len();
            let request = Request { method, path, body, at: Instant::now(), number };
            requests.push(request.clone());
            request
        };
        log.arrived.notify_all();
        let (status, kind, body) = match script(&request) {
            Answer::Json(status, body) => (status, "application/json", body.to_string().into()),
            Answer::Body(status, kind, body) => (status, kind, body),
            Answer::Silence => loop {
                std::thread::park(); // the connection stays open until the test ends
            },
        };
        let head = format!(
            "HTTP/1.1 {status} Scripted\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).is_err() {
            return;
        }
    }
}

//! Overhead of a call: `get` through the client, against plain `reqwest` and `serde_json` into the
//! same type. The sandbox runs in a process of its own.

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use creatify::{Client, Credentials, JobId};
use creatify_api::types::CustomTemplateJob;
use creatify_sandbox::Sandbox;
use creatify_tests::fleet::submit;
use tokio::runtime::Runtime;

const CALLS: usize = 20_000;
/// Calls of one kind before the other has its turn, so that a slow moment of the machine meets
/// both.
const BLOCK: usize = 500;
/// Calls under valgrind, beyond those that are subtracted as the cost of starting.
const COUNTED_CALLS: usize = 1_000;

/// Runs a sandbox until its input ends, and prints its URL and a job.
pub fn serve() {
    runtime().block_on(async {
        let sandbox = Sandbox::start().await.unwrap();
        let client = client(sandbox.base_url());
        let job = submit(&client, 1).await[0].id;
        println!("{} {job}", sandbox.base_url());
        tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()).unwrap())
            .await
            .unwrap();
    });
}

/// Makes a number of calls of one kind, for a tool that counts instructions.
pub fn calls(how: &str, count: usize, url: &str, job: &str) {
    let job: JobId = job.parse().unwrap();
    runtime().block_on(async {
        match how {
            "ours" => ours(&client(url), job, count).await,
            _ => plain(&http(), url, job, count).await,
        }
    });
}

pub fn measure() -> String {
    let server = Server::start();
    let job: JobId = server.job.parse().unwrap();
    let (mut by_us, mut by_hand) = (Duration::ZERO, Duration::ZERO);
    runtime().block_on(async {
        let (client, http) = (client(&server.url), http());
        ours(&client, job, BLOCK).await; // the first are slow for both
        plain(&http, &server.url, job, BLOCK).await;
        for _ in 0..CALLS / BLOCK {
            let began = Instant::now();
            ours(&client, job, BLOCK).await;
            by_us += began.elapsed();
            let began = Instant::now();
            plain(&http, &server.url, job, BLOCK).await;
            by_hand += began.elapsed();
        }
    });
    let each = |total: Duration| total.as_secs_f64() * 1e6 / CALLS as f64;
    let ratio = by_us.as_secs_f64() / by_hand.as_secs_f64();
    let instructions = match (server.instructions("ours"), server.instructions("plain")) {
        (Some(ours), Some(plain)) => {
            format!(
                "Instructions, counted by valgrind: {ours} against {plain} a call, {:.3} times.",
                ours as f64 / plain as f64
            )
        }
        _ => "Instructions were not counted: there is no valgrind.".to_owned(),
    };
    format!(
        "## Overhead of one call\n\n{CALLS} calls of `Client::job` on loopback, alternating with plain \
         `reqwest` and `serde_json` into the same type: {:.1} µs against {:.1} µs, a factor of \
         {ratio:.3}.\n{instructions}\n",
        each(by_us),
        each(by_hand)
    )
}

async fn ours(client: &Client, job: JobId, count: usize) {
    for _ in 0..count {
        client.job(job).await.unwrap();
    }
}

async fn plain(http: &reqwest::Client, url: &str, job: JobId, count: usize) {
    for _ in 0..count {
        let request = http
            .get(format!("{url}/api/custom_template_jobs/{job}/"))
            .header("x-api-id", ID)
            .header("x-api-key", KEY);
        let request = request.timeout(Duration::from_secs(30)); // nobody would leave it out
        let body = request.send().await.unwrap().bytes().await.unwrap();
        serde_json::from_slice::<CustomTemplateJob>(&body).unwrap();
    }
}

/// Credentials of every sandbox.
const ID: &str = "sandbox-api-id";
const KEY: &str = "sandbox-api-key";

fn client(url: &str) -> Client {
    Client::builder().credentials(Credentials::new(ID, KEY).unwrap()).base_url(url).build().unwrap()
}

fn http() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let tls = tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls).build().unwrap()
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

struct Server {
    process: Child,
    url: String,
    job: String,
}

impl Server {
    fn start() -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let (url, job) = line.trim().split_once(' ').unwrap();
        Self { process, url: url.to_owned(), job: job.to_owned() }
    }

    /// Returns the instructions of a call: those of many calls less those of the start.
    fn instructions(&self, how: &str) -> Option<u64> {
        let many = self.counted(how, COUNTED_CALLS + 1)?;
        Some((many - self.counted(how, 1)?) / COUNTED_CALLS as u64)
    }

    fn counted(&self, how: &str, calls: usize) -> Option<u64> {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(env::current_exe().unwrap())
            .args(["calls", how, &calls.to_string(), &self.url, &self.job])
            .output()
            .ok()?;
        let said = String::from_utf8_lossy(&output.stderr);
        said.lines().find_map(|line| line.split("Collected :").nth(1)?.trim().parse().ok())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

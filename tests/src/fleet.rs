//! Many simultaneous waits, through the client and against the sandbox. The requests are real and
//! go over loopback; time is tokio's paused clock, so that hours pass at once.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use creatify::{Client, JobHandle, OperationId, TemplateId, Variables};
use creatify_sandbox::{Sandbox, SandboxBuilder, templates};
use tokio::task::JoinSet;

use crate::one_by_one::Figures;

/// Figures of many simultaneous waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fleet {
    /// Requests for each job, and delays.
    pub figures: Figures,
    /// Number of requests for one job.
    pub gets: usize,
    /// Number of requests for several jobs.
    pub lists: usize,
    /// Processor time of this process, for the client and the sandbox together.
    pub processor: Duration,
    /// Time until the last wait had ended.
    pub elapsed: Duration,
}

/// With ten thousand jobs read one by one, more would exceed the system's limit for one process.
const CONNECTIONS: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// Starts a sandbox in real time, and a client of it.
pub async fn sandbox(options: SandboxBuilder) -> (Arc<Sandbox>, Client) {
    let sandbox = options.speed(1.0).credits(1_000_000).start().await.expect("the sandbox starts");
    let client = Client::builder()
        .credentials(sandbox.credentials())
        .base_url(sandbox.base_url())
        .max_concurrent_requests(CONNECTIONS);
    (Arc::new(sandbox), client.build().expect("the sandbox's URL is one"))
}

/// Submits jobs of one template, all at once.
pub async fn submit(client: &Client, jobs: usize) -> Vec<JobHandle> {
    let template: TemplateId = templates()[0].id.into();
    let mut handles = Vec::with_capacity(jobs);
    for _ in 0..jobs {
        let accepted =
            client.create(template, Variables::new()).send().await.expect("the sandbox accepts it");
        handles.push(accepted.handle);
    }
    handles
}

/// Waits for all jobs through one client.
pub async fn waited_for_together(jobs: usize) -> Fleet {
    run(jobs, |client, handle| async move {
        let job = client.wait(handle).timeout(DAY).await.expect("the sandbox makes every video");
        job.updated_at().expect("the sandbox dates its jobs")
    })
    .await
}

/// Reads each job every five seconds, in a request of its own.
pub async fn each_every_five_seconds(jobs: usize) -> Fleet {
    run(jobs, |client, handle| async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            let job = client.job(handle.id).await.expect("the sandbox answers");
            if job.video_url().is_some() {
                return job.updated_at().expect("the sandbox dates its jobs");
            }
        }
    })
    .await
}

/// Longer than anything in the simulation.
const DAY: Duration = Duration::from_secs(24 * 3600);

async fn run<F>(jobs: usize, wait: impl Fn(Client, JobHandle) -> F) -> Fleet
where
    F: Future<Output = chrono::DateTime<chrono::Utc>> + Send + 'static,
{
    let start = chrono::DateTime::UNIX_EPOCH;
    let (sandbox, client) = sandbox(Sandbox::builder().started_at(start)).await;
    let handles = submit(&client, jobs).await;
    let processor = processor_time();
    let mut waits = JoinSet::new();
    for handle in handles {
        let (wait, sandbox) = (wait(client.clone(), handle), sandbox.clone());
        waits.spawn(async move {
            let done = wait.await;
            // The sandbox dates a job's last change by its own clock.
            sandbox
                .elapsed()
                .saturating_sub((done - start).to_std().unwrap_or_default())
                .as_secs_f64()
        });
    }
    let started = sandbox.elapsed();
    let delays = waits.join_all().await;
    let elapsed = sandbox.elapsed() - started;
    let processor = processor_time().saturating_sub(processor);
    let (gets, lists) = (
        sandbox.request_count(OperationId::GetCustomTemplateJob),
        sandbox.request_count(OperationId::ListCustomTemplateJobs),
    );
    Fleet { figures: Figures::of(delays, gets + lists), gets, lists, processor, elapsed }
}

/// Returns the processor time of all threads of this process; zero where the system does not tell.
pub fn processor_time() -> Duration {
    const TICKS_PER_SECOND: u64 = 100; // the same on every Linux that runs here
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in parentheses, which may contain anything: user and system time are the 12th
    // and 13th fields.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
}

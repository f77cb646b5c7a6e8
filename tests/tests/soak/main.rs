//! Soak test: previews and renders while one request in five fails. Nothing is paid
//! twice, and nothing that was paid for is lost. Two simple strategies run for comparison.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test file that shows what it measured

mod careful;
mod faults;
mod simple;

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use creatify::{Client, Goal, Job, TemplateId, Variables, wait::Adaptive};
use creatify_sandbox::{AcceptedCall, Sandbox, templates};
use tokio::{sync::Semaphore, time::Instant};

const AT_ONCE: usize = 20;

/// Result of a strategy.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    /// Charged calls beyond the one preview and the one render that each task wanted; the charges
    /// of failed ones were returned.
    duplicates: usize,
    /// Charged jobs that their task does not know.
    lost: usize,
    /// Results of another job, or without a video.
    wrong: usize,
    /// Tasks that have their video.
    videos: usize,
}

async fn sandbox() -> Sandbox {
    let builder = Sandbox::builder().speed(1.0).seed(42).credits(1_000_000);
    builder.faults(faults::faults()).start().await.unwrap()
}

fn template() -> TemplateId {
    templates()[0].id.to_string().parse().unwrap()
}

fn variables(task: usize) -> Variables {
    Variables::new().text("task", task.to_string())
}

/// Runs a strategy for every task. A strategy reports the jobs that it knows, and returns the video
/// if it gets that far.
async fn run<F: Future<Output = Option<Job>> + 'static>(
    name: &str,
    sandbox: &Sandbox,
    tasks: usize,
    strategy: impl Fn(usize, Arc<Mutex<Vec<String>>>) -> F,
) -> Tally {
    let (started, clock) = (Instant::now(), std::time::Instant::now());
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    let local = tokio::task::LocalSet::new();
    let mut running = Vec::new();
    for task in 0..tasks {
        let known = Arc::new(Mutex::new(Vec::new()));
        let (gate, work) = (gate.clone(), strategy(task, known.clone()));
        running.push((
            known,
            local.spawn_local(async move {
                let _leave = gate.acquire().await.unwrap();
                work.await
            }),
        ));
    }
    let results = local
        .run_until(async {
            let mut results = Vec::new();
            for (known, task) in running {
                let video = task.await.unwrap();
                results.push((known.lock().unwrap().clone(), video));
            }
            results
        })
        .await;

    let mut charged: HashMap<usize, Vec<creatify_sandbox::AcceptedJob>> = HashMap::new();
    for job in sandbox.jobs() {
        let task =
            job.variables["task"]["properties"]["content"].as_str().unwrap().parse().unwrap();
        charged.entry(task).or_default().push(job);
    }
    let mut tally = Tally::default();
    for (task, (known, video)) in results.into_iter().enumerate() {
        let jobs = charged.remove(&task).unwrap_or_default();
        let paid = |call: &&AcceptedCall| call.charged > 0.into();
        let calls = jobs.iter().flat_map(|job| &job.calls).filter(paid).count();
        tally.duplicates += calls.saturating_sub(2);
        tally.lost += jobs.iter().filter(|job| !known.contains(&job.id.to_string())).count();
        if let Some(video) = video {
            tally.videos += 1;
            let is_own = jobs.iter().any(|job| job.id == video.id().as_uuid());
            tally.wrong += usize::from(!is_own || video.output(Goal::Video).is_none());
        }
    }
    let requests = sandbox.requests().len().max(
        creatify::OperationId::ALL.iter().map(|operation| sandbox.request_count(*operation)).sum(),
    );
    println!(
        "{name:28} {:>4} videos {:>4} paid twice {:>4} lost {:>3} wrong | {requests} requests, {} faults, {} credits, {:.0} min simulated in {:.1} s",
        tally.videos,
        tally.duplicates,
        tally.lost,
        tally.wrong,
        sandbox.faults_fired().len(),
        sandbox.charged(),
        started.elapsed().as_secs_f64() / 60.0,
        clock.elapsed().as_secs_f64(),
    );
    tally
}

#[tokio::test(start_paused = true)]
async fn nothing_is_paid_twice_and_nothing_is_lost_while_one_request_in_five_fails() {
    soak(250).await;
}

#[tokio::test(start_paused = true)]
#[ignore = "a minute; run by CI"]
async fn nothing_is_paid_twice_and_nothing_is_lost_in_a_thousand_videos() {
    soak(1_000).await;
}

async fn soak(tasks: usize) {
    let calm = sandbox().await;
    // Fewer requests to simulate.
    let slowly = Adaptive::between(Duration::from_secs(5), Duration::from_secs(30));
    let client = Client::builder()
        .credentials(calm.credentials())
        .base_url(calm.base_url())
        .poll_policy(slowly)
        .build()
        .unwrap();
    let ours =
        run("creatify", &calm, tasks, |task, known| careful::video(client.clone(), task, known))
            .await;

    let retrying = sandbox().await;
    let raw = simple::api(&retrying);
    let retry = run("every POST up to three times", &retrying, tasks, |task, known| {
        simple::video(raw.clone(), task, known, 3)
    })
    .await;

    let quitting = sandbox().await;
    let raw = simple::api(&quitting);
    let quit = run("give up at the first error", &quitting, tasks, |task, known| {
        simple::video(raw.clone(), task, known, 1)
    })
    .await;

    assert_eq!(ours, Tally { duplicates: 0, lost: 0, wrong: 0, videos: tasks });
    // Preview and render of 28 s, each charged once.
    assert_eq!(calm.charged(), (tasks as u32 * 5).into());
    // If the simple strategies had no such losses, the soak would prove nothing.
    assert!(retry.duplicates > tasks / 20 && quit.lost > tasks / 50, "{retry:?} {quit:?}");
}

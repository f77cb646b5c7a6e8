//! Soak test: a thousand previews and renders while one request in five fails. Nothing is paid
//! twice, and nothing that was paid for is lost. Two simple strategies run for comparison.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test file that shows what it measured

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use creatify::{
    Client, Error, ErrorKind, Goal, Job, JobHandle, MatchConfidence, Reconciled, RetrySafety,
    TemplateId, Variables, wait::Adaptive,
};
use creatify_api::types;
use creatify_sandbox::{Fault, Faults, Rule, Sandbox, templates};
use tokio::{sync::Semaphore, time::Instant};

const TASKS: usize = 1_000;
const AT_ONCE: usize = 20;
const FAULTED: f64 = 0.2;
const FAULTS: [Fault; 12] = [
    Fault::DropBefore,
    Fault::DropAfter,
    Fault::HangBefore,
    Fault::HangAfter,
    Fault::Truncate,
    Fault::Html(502),
    Fault::Empty(503),
    Fault::Throttle(2),
    Fault::Unavailable(1),
    Fault::ErrorAfter(500),
    Fault::WrongTypes,
    Fault::UnknownStatus,
];

/// Result of a strategy.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    /// Charged calls beyond the one preview and the one render that each task wanted.
    duplicates: usize,
    /// Charged jobs that their task does not know.
    lost: usize,
    /// Results of another job, or without a video.
    wrong: usize,
    /// Tasks that have their video.
    videos: usize,
}

async fn sandbox() -> Sandbox {
    // Each fault hits its share of the requests that the ones before it left.
    let share = FAULTED / FAULTS.len() as f64;
    let faults = FAULTS.iter().enumerate().fold(Faults::new(42), |faults, (index, fault)| {
        faults.with(Rule::new(*fault).probability(share / (1.0 - share * index as f64)))
    });
    Sandbox::builder().speed(1.0).seed(42).credits(1_000_000).faults(faults).start().await.unwrap()
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
    strategy: impl Fn(usize, Arc<Mutex<Vec<String>>>) -> F,
) -> Tally {
    let (started, clock) = (Instant::now(), std::time::Instant::now());
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    let local = tokio::task::LocalSet::new();
    let mut running = Vec::new();
    for task in 0..TASKS {
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
        let calls: usize = jobs.iter().map(|job| job.calls.len()).sum();
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

/// Finds out what became of a failed submission, as a careful caller would: when three lists in a
/// row do not show it, it counts as not accepted.
async fn settle(client: &Client, error: Error) -> Option<JobHandle> {
    if let Some(handle) = error.job().filter(|_| matches!(error.kind(), ErrorKind::Undecodable)) {
        return Some(handle);
    }
    let ErrorKind::OutcomeUnknown(sent) = error.kind() else {
        assert_eq!(error.retry_safety(), RetrySafety::Safe, "{error}");
        return None;
    };
    let mut none_seen = 0;
    while none_seen < 3 {
        match client.reconcile(sent).adopt(MatchConfidence::Exact).await {
            Ok(Reconciled::Found(found)) => return Some(found.handle),
            Ok(Reconciled::NotFoundYet) => none_seen += 1,
            Ok(other) => panic!("{other:?}"),
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    client.disown(sent);
    None
}

async fn ours(client: Client, task: usize, known: Arc<Mutex<Vec<String>>>) -> Option<Job> {
    let note = |handle: JobHandle| known.lock().unwrap().push(handle.id.to_string());
    let preview = loop {
        match client.preview(template(), variables(task)).marked_in_name().send().await {
            Ok(accepted) => break accepted.handle,
            Err(error) => {
                if let Some(handle) = settle(&client, error).await {
                    break handle;
                }
            }
        }
    };
    note(preview);
    let job = waited(&client, preview).await;
    let video = loop {
        match client.render(job.id()).send().await {
            Ok(accepted) => break accepted.handle,
            Err(error) if matches!(error.kind(), ErrorKind::AlreadyRendered) => {
                break error.job().unwrap();
            }
            Err(error) => {
                if let Some(handle) = settle(&client, error).await {
                    break handle;
                }
            }
        }
    };
    Some(waited(&client, video).await)
}

async fn waited(client: &Client, handle: JobHandle) -> Job {
    loop {
        match client.wait(handle).await {
            Ok(job) => return job,
            Err(error) => assert!(matches!(error.kind(), ErrorKind::TimedOut), "{error}"),
        }
    }
}

/// Uses the generated client alone. A POST is sent again after any failure, up to this many times.
async fn simple(
    api: creatify_api::Client,
    task: usize,
    known: Arc<Mutex<Vec<String>>>,
    attempts: usize,
) -> Option<Job> {
    let body = types::CustomTemplateJobRequest {
        template_id: templates()[0].id,
        variables: serde_json::from_value(serde_json::to_value(variables(task)).unwrap()).unwrap(),
        name: None,
        webhook_url: None,
        model_version: None,
        is_hidden: None,
    };
    let mut accepted = None;
    for _ in 0..attempts {
        if let Ok(job) = api.preview_custom_template_job_async().body(body.clone()).send().await {
            accepted = Some(job.id);
            break;
        }
    }
    let id = accepted?;
    known.lock().unwrap().push(id.to_string());
    poll(&api, id, attempts, |job| job.preview.is_some()).await?;
    let mut rendering = false;
    for _ in 0..attempts {
        rendering = rendering || api.render_custom_template_job().id(id).send().await.is_ok();
    }
    if !rendering {
        return None;
    }
    poll(&api, id, attempts, |job| job.video_output.is_some()).await.map(Job::from)
}

async fn poll(
    api: &creatify_api::Client,
    id: impl Into<uuid::Uuid> + Copy,
    attempts: usize,
    done: impl Fn(&types::CustomTemplateJob) -> bool,
) -> Option<types::CustomTemplateJob> {
    let mut failures = 0;
    loop {
        tokio::time::sleep(Duration::from_secs(10)).await;
        match api.get_custom_template_job().id(id.into()).send().await {
            Ok(job) if job.status.as_str() == "done" && done(&job) => {
                return Some(job.into_inner());
            }
            Ok(_) => failures = 0,
            Err(_) => {
                failures += 1;
                if failures >= attempts {
                    return None;
                }
            }
        }
    }
}

fn api(sandbox: &Sandbox) -> creatify_api::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let tls = tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let http =
        reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls).build().unwrap();
    let context =
        creatify_api::Context::new(sandbox.credentials()).with_timeout(Duration::from_secs(30));
    creatify_api::Client::new_with_client(sandbox.base_url(), http, context)
}

#[tokio::test(start_paused = true)]
async fn nothing_is_paid_twice_and_nothing_is_lost_while_one_request_in_five_fails() {
    let calm = sandbox().await;
    // Fewer requests to simulate.
    let slowly = Adaptive::between(Duration::from_secs(5), Duration::from_secs(30));
    let client = Client::builder()
        .credentials(calm.credentials())
        .base_url(calm.base_url())
        .poll_policy(slowly)
        .build()
        .unwrap();
    let ours = run("creatify", &calm, |task, known| self::ours(client.clone(), task, known)).await;

    let retrying = sandbox().await;
    let raw = api(&retrying);
    let retry = run("every POST up to three times", &retrying, |task, known| {
        simple(raw.clone(), task, known, 3)
    })
    .await;

    let quitting = sandbox().await;
    let raw = api(&quitting);
    let quit = run("give up at the first error", &quitting, |task, known| {
        simple(raw.clone(), task, known, 1)
    })
    .await;

    assert_eq!(ours, Tally { duplicates: 0, lost: 0, wrong: 0, videos: TASKS });
    // Preview and render of 28 s, each charged once.
    assert_eq!(calm.charged(), (TASKS as u32 * 5).into());
    // If the simple strategies had no such losses, the soak would prove nothing.
    assert!(retry.duplicates > 50 && quit.lost > 20, "{retry:?} {quit:?}");
}

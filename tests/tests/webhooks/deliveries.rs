//! Deliveries of the sandbox, whole and faulty.

use std::time::Duration;

use creatify::{
    Client, Job, Result,
    wait::FixedInterval,
    webhook::{Delivery, Receiver},
};
use creatify_sandbox::{Fault, Faults, Rule, Sandbox, Timing};
use creatify_tests::fleet;
use tokio::{sync::mpsc, time::Instant};

use crate::server::{polls, serve_receiver, submit};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Queueing and rendering together, without any spread.
const RUN_TIME: Duration = Duration::from_secs(165);

/// A wait for a job with a webhook URL.
struct Waited {
    job: Result<Job>,
    elapsed: Duration,
    polls: usize,
    deliveries: usize,
    media_url: String,
}

/// Waits for a job of a sandbox with these faults, through a server with a receiver.
async fn wait(faults: Faults, policy: Option<FixedInterval>) -> Waited {
    let mut timing = Timing::default();
    timing.sigma = 0.0;
    let (sandbox, client) = fleet::sandbox(Sandbox::builder().timing(timing).faults(faults)).await;
    let (sender, mut received) = mpsc::unbounded_channel();
    let receiver = Receiver::new(&client).unwrap().on_delivery(move |delivery: &Delivery| {
        let _ = sender.send(delivery.hint.clone().unwrap());
    });
    let webhook_url = serve_receiver(receiver).await;
    let submitted = submit(&client, &webhook_url).await;
    let started = Instant::now();
    let wait = submitted.wait().timeout(DAY);
    let job = match policy {
        Some(policy) => wait.poll_policy(policy).await,
        None => wait.await,
    };
    let (elapsed, polls) = (started.elapsed(), polls(&sandbox));
    tokio::time::sleep(HOUR).await; // paused: what comes late arrives
    let mut deliveries = 0;
    while let Ok(hint) = received.try_recv() {
        assert_eq!(hint.job, submitted.handle.id);
        deliveries += 1;
    }
    let media_url = sandbox.media_url().to_owned();
    assert_eq!(self::polls(&sandbox), polls, "a delivery after the end made a request");
    Waited { job, elapsed, polls, deliveries, media_url }
}

fn first_done(fault: Fault) -> Faults {
    Faults::new(1).with(Rule::new(fault).on_webhooks().at(3))
}

#[tokio::test(start_paused = true)]
async fn a_delivery_ends_a_wait_that_would_not_poll_for_an_hour() {
    let waited = wait(Faults::default(), Some(FixedInterval(HOUR))).await;
    assert!(waited.job.unwrap().video_url().is_some());
    let delay = waited.elapsed.saturating_sub(RUN_TIME);
    assert!(delay < 2 * SECOND, "{:?}", waited.elapsed);
    // The deliveries of `in_queue` and `running` cause no poll, and the second `done` is too late.
    assert_eq!((waited.polls, waited.deliveries), (1, 4));
}

#[tokio::test(start_paused = true)]
async fn without_a_delivery_the_wait_ends_by_polling() {
    let lost = || Faults::new(1).with(Rule::new(Fault::DropBefore).on_webhooks());
    let waited = wait(lost(), Some(FixedInterval(HOUR))).await;
    assert!(waited.job.unwrap().video_url().is_some());
    assert_eq!((waited.elapsed.as_secs() / 3600, waited.polls, waited.deliveries), (1, 1, 0));

    let waited = wait(lost(), None).await;
    assert!(waited.job.unwrap().video_url().is_some());
    assert!(waited.elapsed < RUN_TIME + 11 * SECOND, "{:?}", waited.elapsed);
}

/// Late, repeated, out of order, forged: the result is what the service says, in at most as many
/// requests as there are without deliveries, and two.
#[tokio::test(start_paused = true)]
async fn no_fault_of_a_delivery_changes_the_result_or_costs_many_requests() {
    let lost = Faults::new(1).with(Rule::new(Fault::DropBefore).on_webhooks());
    let without = wait(lost, Some(FixedInterval(10 * SECOND))).await;
    let on_webhooks = |fault| Faults::new(1).with(Rule::new(fault).on_webhooks());
    for (name, faults) in [
        ("none", Faults::default()),
        ("all late by 100 s", on_webhooks(Fault::Delay(100.0))),
        ("the last one late by 100 s", first_done(Fault::Delay(100.0))),
        ("all twice", on_webhooks(Fault::Twice)),
        ("out of order", on_webhooks(Fault::OutOfOrder)),
        ("all forged", on_webhooks(Fault::Forged)),
        ("the second one forged", Faults::new(1).with(Rule::new(Fault::Forged).at(2))),
        ("the last one lost", first_done(Fault::DropBefore)),
    ] {
        let waited = wait(faults, Some(FixedInterval(10 * SECOND))).await;
        let job = waited.job.unwrap();
        assert!(job.video_url().unwrap().starts_with(&waited.media_url), "{name}: {job:?}");
        assert!(waited.elapsed < RUN_TIME + 11 * SECOND, "{name} {:?}", waited.elapsed);
        assert!(
            waited.polls <= without.polls + 2,
            "{name}: {} polls, {} without deliveries",
            waited.polls,
            without.polls
        );
    }
}

/// A forged delivery says `done` while the job runs. With nothing but deliveries to end the wait,
/// it costs one request, and the real one is still noticed within a minute.
#[tokio::test(start_paused = true)]
async fn a_forged_delivery_delays_the_real_one_by_a_minute_at_most() {
    let forged = Faults::new(1).with(Rule::new(Fault::Forged).at(2));
    let waited = wait(forged, Some(FixedInterval(HOUR))).await;
    assert!(waited.job.unwrap().video_url().unwrap().starts_with(&waited.media_url));
    assert!(waited.elapsed < RUN_TIME + 62 * SECOND, "{:?}", waited.elapsed);
    assert_eq!(waited.polls, 2);
}

#[tokio::test(start_paused = true)]
async fn a_failed_job_ends_its_wait_early_too() {
    let (sandbox, client) = fleet::sandbox(Sandbox::builder()).await;
    let webhook_url = serve_receiver(Receiver::new(&client).unwrap()).await;
    let rejected = creatify_sandbox::templates()
        .iter()
        .find(|template| template.name == "Always rejected")
        .unwrap();
    let submitted = client
        .create(rejected.id.into(), creatify::Variables::new())
        .webhook_url(&webhook_url)
        .send()
        .await
        .unwrap();
    let wait = submitted.wait().poll_policy(FixedInterval(HOUR)).timeout(DAY);
    let started = Instant::now();
    let error = wait.await.unwrap_err();
    assert!(matches!(error.kind(), creatify::ErrorKind::JobRejected), "{error}");
    assert!(started.elapsed() < HOUR, "{:?}", started.elapsed());
    assert_eq!(polls(&sandbox), 1);
}

/// A receiver of a client wakes the waits of every clone, wherever they run.
#[tokio::test(start_paused = true)]
async fn a_delivery_wakes_the_waits_of_all_clones_of_a_client() {
    let (_sandbox, client) = fleet::sandbox(Sandbox::builder()).await;
    let receiver = Receiver::new(&client).unwrap();
    let webhook_url = serve_receiver(receiver.clone()).await;
    drop(receiver);
    let handle = submit(&client, &webhook_url).await.handle;
    let waits: Vec<_> = (0..3)
        .map(|_| {
            let client: Client = client.clone();
            tokio::spawn(async move {
                client.wait(handle).poll_policy(FixedInterval(HOUR)).timeout(DAY).await
            })
        })
        .collect();
    let started = Instant::now();
    for wait in waits {
        assert!(wait.await.unwrap().unwrap().video_url().is_some());
    }
    assert!(started.elapsed() < HOUR, "{:?}", started.elapsed());
}

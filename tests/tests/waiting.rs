//! Waits that share their requests: jobs that are due together are read together, an unreliable
//! list costs nothing but requests, and nothing runs when nobody waits.

#![allow(clippy::unwrap_used)] // a test file

use std::{num::NonZeroUsize, time::Duration};

use creatify::{
    Client, ErrorKind, Goal, JobHandle, OperationId, Variables,
    wait::{FixedInterval, RunTimeStats, WaitEvent},
};
use creatify_sandbox::{Fault, Faults, Rule, Sandbox, templates};
use creatify_tests::fleet::{sandbox, submit};
use futures_util::{FutureExt, StreamExt, future::join_all};
use tokio::time::{Instant, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn lists(sandbox: &Sandbox) -> usize {
    sandbox.request_count(OperationId::ListCustomTemplateJobs)
}

fn gets(sandbox: &Sandbox) -> usize {
    sandbox.request_count(OperationId::GetCustomTemplateJob)
}

async fn all_reached(client: &Client, handles: &[JobHandle]) {
    for job in join_all(handles.iter().map(|handle| client.wait(*handle).timeout(HOUR))).await {
        assert!(job.unwrap().video_url().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_that_are_due_together_share_a_request_of_up_to_a_hundred() {
    let (sandbox, client) = sandbox(Sandbox::builder()).await;
    let handles = submit(&client, 150).await;
    let mut waits: Vec<_> = handles
        .iter()
        .map(|handle| client.wait(*handle).poll_policy(FixedInterval(10 * SECOND)))
        .collect();
    let together = join_all(&mut waits);
    assert!(timeout(31 * SECOND, together).await.is_err());
    // At once and after 10, 20 and 30 s: two requests each time.
    assert_eq!((lists(&sandbox), gets(&sandbox)), (8, 0));
}

#[tokio::test(start_paused = true)]
async fn a_single_job_is_read_with_the_documented_call() {
    let (sandbox, client) = sandbox(Sandbox::builder()).await;
    let handles = submit(&client, 1).await;
    all_reached(&client, &handles).await;
    assert_eq!(lists(&sandbox), 0);
}

#[tokio::test(start_paused = true)]
async fn two_waits_for_one_job_both_end() {
    let (_sandbox, client) = sandbox(Sandbox::builder()).await;
    let handle = submit(&client, 1).await[0];
    all_reached(&client, &[handle, handle, handle]).await;
}

/// The list is missing, refused, wrong or in pages: after one or two tries it is not used any more,
/// and every job is found.
#[tokio::test(start_paused = true)]
async fn an_unreliable_list_is_not_used_any_more() {
    for (fault, tries) in [
        (Fault::ErrorBefore(404), 1),
        (Fault::ErrorBefore(405), 1),
        (Fault::ErrorBefore(403), 1),
        (Fault::Pages(2), 1),
        (Fault::Truncate, 4), // twice, each tried again
        (Fault::IgnoreIds, 2),
    ] {
        let (sandbox, client) = sandbox(Sandbox::builder()).await;
        let handles = submit(&client, 5).await;
        submit(&client, 120).await; // more than a list without ids shows
        sandbox.set_faults(
            Faults::new(1).with(Rule::new(fault).on(OperationId::ListCustomTemplateJobs)),
        );
        all_reached(&client, &handles).await;
        assert!(
            lists(&sandbox) <= tries && lists(&sandbox) > 0,
            "{fault:?}: {} lists",
            lists(&sandbox)
        );
        assert!(gets(&sandbox) >= 5, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_fails_for_a_while_is_used_again() {
    let (sandbox, client) = sandbox(Sandbox::builder()).await;
    let handles = submit(&client, 20).await;
    sandbox.set_faults(
        Faults::new(1)
            .with(Rule::new(Fault::Html(502)).on(OperationId::ListCustomTemplateJobs).limit(6)),
    );
    all_reached(&client, &handles).await;
    // A job that is due alone is read alone; without the list there would be some ten requests
    // for each job.
    assert!(
        lists(&sandbox) > 20 && gets(&sandbox) < 60,
        "{} lists, {} gets",
        lists(&sandbox),
        gets(&sandbox)
    );
}

#[tokio::test(start_paused = true)]
async fn a_job_missing_from_a_list_is_read_alone_before_it_counts_as_not_found() {
    let (sandbox, client) = sandbox(Sandbox::builder()).await;
    let mut handles = submit(&client, 3).await;
    let unknown: JobHandle = "video:7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11".parse().unwrap();
    handles.push(unknown);
    let mut waits = handles.iter().map(|handle| client.wait(*handle)).collect::<Vec<_>>();
    let error = waits.pop().unwrap();
    let (found, error) = tokio::join!(join_all(waits), error);
    assert!(found.into_iter().all(|job| job.is_ok()));
    let error = error.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused) && error.job() == Some(unknown), "{error}");
    assert_eq!(error.operation(), Some(OperationId::GetCustomTemplateJob));
    assert!(gets(&sandbox) > 0);
}

#[tokio::test(start_paused = true)]
async fn no_request_is_made_when_nobody_waits() {
    let (sandbox, client) = sandbox(Sandbox::builder()).await;
    let handles = submit(&client, 10).await;
    let mut waits: Vec<_> = handles.iter().map(|handle| client.wait(*handle)).collect();
    assert!(timeout(20 * SECOND, join_all(&mut waits)).await.is_err());
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let with_engine = tasks();
    drop(waits);
    sleep(SECOND).await;
    assert!(tasks() < with_engine, "the engine goes on");
    let requests = lists(&sandbox) + gets(&sandbox);
    assert!(requests > 0);
    sleep(HOUR).await;
    assert_eq!(lists(&sandbox) + gets(&sandbox), requests);
    // It goes on when somebody waits again.
    all_reached(&client, &handles).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_stream_that_is_not_read_makes_no_requests() {
    let (sandbox, client) = sandbox(Sandbox::builder()).await;
    let handle = submit(&client, 1).await[0];
    let mut updates = Box::pin(client.wait(handle).events());
    assert!(updates.next().await.is_some());
    let requests = gets(&sandbox);
    sleep(HOUR).await;
    assert_eq!(gets(&sandbox), requests);
}

/// A request that never ends delays neither the other jobs nor a deadline.
#[tokio::test(start_paused = true)]
async fn a_request_that_hangs_delays_no_deadline() {
    let (sandbox, client) = sandbox(Sandbox::builder()).await;
    let handles = submit(&client, 40).await;
    let hang = Rule::new(Fault::HangBefore)
        .on(OperationId::ListCustomTemplateJobs)
        .on(OperationId::GetCustomTemplateJob);
    sandbox.set_faults(Faults::new(3).with(hang.clone().probability(0.3)));
    all_reached(&client, &handles).await;

    sandbox.set_faults(Faults::new(3).with(hang));
    let started = Instant::now();
    let waits = submit(&client, 40)
        .await
        .into_iter()
        .map(|handle| client.wait(handle).timeout(60 * SECOND));
    for result in join_all(waits).await {
        assert!(matches!(result.unwrap_err().kind(), ErrorKind::TimedOut));
    }
    assert!((60..=61).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_last_poll_is_made_at_the_deadline_whatever_the_policy_says() {
    let (sandbox, client) = sandbox(Sandbox::builder()).await;
    let handle = submit(&client, 1).await[0];
    let job =
        client.wait(handle).poll_policy(FixedInterval(Duration::MAX)).timeout(HOUR).await.unwrap();
    assert!(job.video_url().is_some());
    assert_eq!(gets(&sandbox), 2, "one at once, one at the end");
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_are_under_way_than_the_client_allows() {
    let (sandbox, client) = sandbox(Sandbox::builder()).await;
    let handles = submit(&client, 30).await;
    let narrow = Client::builder().credentials(sandbox.credentials()).base_url(sandbox.base_url());
    let narrow = narrow.max_concurrent_requests(NonZeroUsize::MIN).build().unwrap();
    let slow = Rule::new(Fault::Delay(1.0)).on(OperationId::GetCustomTemplateJob);
    let gone = Rule::new(Fault::ErrorBefore(404)).on(OperationId::ListCustomTemplateJobs);
    sandbox.set_faults(Faults::new(1).with(slow).with(gone));
    let waits = join_all(handles.iter().map(|handle| narrow.wait(*handle)));
    assert!(timeout(SECOND * 20, waits).await.is_err());
    assert!(gets(&sandbox) <= 21, "{} requests of a second each in 20 s", gets(&sandbox));
}

/// A client outlives the runtime on which its engine started.
#[test]
fn a_client_can_wait_on_another_runtime_after_the_first_has_ended() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
    };
    let (serving, first) = (tokio::runtime::Runtime::new().unwrap(), runtime());
    let (sandbox, client) = serving.block_on(async {
        let sandbox = Sandbox::builder().speed(10_000.0).start().await.unwrap();
        let client = Client::builder()
            .credentials(sandbox.credentials())
            .base_url(sandbox.base_url())
            .build()
            .unwrap();
        (sandbox, client)
    });
    let handle =
        serving.block_on(client.create(template(), Variables::new()).send()).unwrap().handle;
    first.block_on(async {
        let mut wait = client.wait(handle).poll_policy(FixedInterval(HOUR));
        assert!((&mut wait).now_or_never().is_none());
        std::mem::forget(wait); // the engine dies with the runtime while somebody still waits
    });
    drop(first);
    let second = tokio::runtime::Runtime::new().unwrap();
    let job = second.block_on(async {
        timeout(60 * SECOND, client.wait(handle).poll_policy(FixedInterval(SECOND / 10))).await
    });
    assert!(job.unwrap().unwrap().output(Goal::Video).is_some());
    drop(sandbox);
}

fn template() -> creatify::TemplateId {
    templates()[0].id.into()
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_running_job_is_forecast() {
    let (_sandbox, client) = sandbox(Sandbox::builder()).await;
    let accepted = client.create(template(), Variables::new()).send().await.unwrap();
    let mut updates = Box::pin(accepted.wait().events());
    let mut forecasts = Vec::new();
    let mut ended = Instant::now();
    while let Some(update) = updates.next().await {
        match update.unwrap() {
            WaitEvent::Progress { eta: Some(eta), .. } => forecasts.push((Instant::now(), eta)),
            WaitEvent::Completed(_) => ended = Instant::now(),
            _ => {}
        }
    }
    let (at, eta) = forecasts[forecasts.len() / 2];
    let remained = ended - at;
    assert!(
        eta.at_least.mul_f64(0.8) <= remained && remained <= eta.at_most + 3 * SECOND,
        "{eta:?} {remained:?}"
    );
}

/// After the first few jobs of a template, the next ones are not polled before they can be done.
#[tokio::test(start_paused = true)]
async fn run_times_of_a_template_are_learned_and_may_be_given() {
    let requests = async |earlier: Option<RunTimeStats>, before: usize| {
        let mut timing = creatify_sandbox::Timing::default();
        timing.sigma = 0.0; // always 166 s
        let options =
            Sandbox::builder().timing(timing).progress(creatify_sandbox::ProgressProfile::Absent);
        let (sandbox, client) = sandbox(options).await;
        for _ in 0..before {
            client.create(template(), Variables::new()).send().await.unwrap().wait().await.unwrap();
        }
        let polls = gets(&sandbox);
        let wait = client.create(template(), Variables::new()).send().await.unwrap().wait();
        match earlier {
            Some(earlier) => wait.expected_run_times(earlier).await.unwrap(),
            None => wait.await.unwrap(),
        };
        gets(&sandbox) - polls
    };
    let unknown = requests(None, 0).await;
    let learned = requests(None, 10).await;
    let given =
        requests(Some(std::iter::repeat_n(Duration::from_secs(150), 20).collect()), 0).await;
    assert!(learned * 5 < unknown * 4 && given * 5 < unknown * 4, "{unknown} {learned} {given}");
}

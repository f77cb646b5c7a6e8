//! A job that had failed is rendered again, and still shows the status from before.

use std::sync::Arc;

use creatify::{
    ChargeRisk, Client, ErrorKind, Goal, JobHandle, JobId, JobStatus, OperationId,
    credits::BillableOperation,
    journal::{Entry, EntryState, JobEnd, Journal, MemoryJournal},
};
use creatify_sandbox::{BodyForm, Fault, Faults, Rule, Sandbox, Timing};
use tokio::time::Instant;

use crate::{SECOND, builder, client, entries, limit, previewed, sandbox, usage};

const ENDS: [(Fault, JobStatus); 2] =
    [(Fault::WorkFails, JobStatus::Failed), (Fault::WorkRejected, JobStatus::Rejected)];

/// Renders a job, which ends like this; the second render shows the old status in its answer and
/// this many reads.
async fn fail_once(sandbox: &Sandbox, client: &Client, end: Fault, old_status_reads: u32) -> JobId {
    let on_render = |fault| Rule::new(fault).on(OperationId::RenderCustomTemplateJob);
    let preview = previewed(client).await;
    let (first, second) = (on_render(end).at(1), on_render(Fault::OldStatus(old_status_reads)));
    sandbox.set_faults(Faults::new(1).with(first).with(second.at(2)));
    client.render(preview.id()).send().await.unwrap().wait().await.unwrap_err();
    preview.id()
}

async fn renders(client: &Client) -> Vec<Entry> {
    let entries = entries(client).await;
    entries.into_iter().filter(|entry| entry.operation == BillableOperation::Render).collect()
}

#[tokio::test(start_paused = true)]
async fn a_leftover_end_neither_ends_the_wait_nor_settles_the_charge() {
    for (end, status) in ENDS {
        let sandbox = sandbox().await;
        let client = builder(&sandbox).budget(limit(100)).default_duration(28 * SECOND);
        let client = client.build().unwrap();
        let job = fail_once(&sandbox, &client, end, 3).await;
        assert_eq!(usage(&client).await, (0.into(), 1.into()));

        let submitted = client.render(job).send().await.unwrap();
        assert_eq!(*submitted.job.status(), status, "the answer does not show the old status");
        assert_eq!(*client.job(job).await.unwrap().status(), status);
        let renders_now = renders(&client).await;
        let [failed, open] = &renders_now[..] else { panic!("{renders_now:?}") };
        assert_eq!((failed.state, open.state), (EntryState::Settled, EntryState::Submitted));
        assert_eq!(usage(&client).await, (4.into(), 1.into()));

        let video = submitted.wait().await.unwrap();
        assert!(video.video_url().is_some());
        let settled = renders(&client).await.remove(1);
        assert_eq!((settled.state, settled.charged), (EntryState::Settled, Some(4.into())));
        assert_eq!(usage(&client).await, (0.into(), 5.into()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_stays_failed_is_reported_after_120_seconds() {
    for (end, status) in ENDS {
        let sandbox = sandbox().await;
        let client = client(&sandbox);
        let job = fail_once(&sandbox, &client, end, 10_000).await;
        let submitted = client.render(job).send().await.unwrap();
        let started = Instant::now();
        let error = submitted.wait().await.unwrap_err();
        assert!(
            error.is_job_failure() && *error.last_seen().unwrap().status() == status,
            "{error}"
        );
        let waited = started.elapsed().as_secs();
        assert!((119..=150).contains(&waited), "{waited} s");
        let ended = renders(&client).await.remove(1);
        assert_eq!((ended.state, ended.charged), (EntryState::Settled, Some(4.into())));
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_failure_is_reported_as_soon_as_the_job_has_moved_on() {
    let mut timing = Timing::default();
    (timing.queue_median, timing.video_median, timing.sigma) = (20 * SECOND, 30 * SECOND, 0.0);
    let sandbox = Sandbox::builder().speed(1.0).timing(timing).start().await.unwrap();
    let client = client(&sandbox);
    let job = fail_once(&sandbox, &client, Fault::WorkFails, 2).await;
    let fails = Rule::new(Fault::WorkFails).on(OperationId::RenderCustomTemplateJob);
    sandbox.set_faults(Faults::new(1).with(fails));
    let submitted = client.render(job).send().await.unwrap();
    assert_eq!(*submitted.job.status(), JobStatus::Failed, "the old status is not shown");
    let started = Instant::now();
    let error = submitted.wait().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::JobFailed);
    assert!(started.elapsed() < 100 * SECOND, "{:?}", started.elapsed());
    assert_eq!(renders(&client).await[1].end, Some(JobEnd::Failed));
}

#[tokio::test(start_paused = true)]
async fn a_leftover_end_is_recognised_after_an_answer_that_cannot_be_read() {
    for (end, status) in ENDS {
        let sandbox = sandbox().await;
        let client = client(&sandbox);
        let job = fail_once(&sandbox, &client, end, 2).await;
        let on_render = |fault| Rule::new(fault).on(OperationId::RenderCustomTemplateJob);
        let faults = [Fault::OldStatus(3), Fault::Body(BodyForm::Empty)].map(on_render);
        sandbox.set_faults(faults.into_iter().fold(Faults::new(1), Faults::with));
        let error = client.render(job).send().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.charge_risk()),
            (&ErrorKind::Undecodable, ChargeRisk::Charged)
        );
        assert_eq!(*client.job(job).await.unwrap().status(), status);
        assert_eq!(renders(&client).await[1].state, EntryState::Submitted);
        assert!(client.wait(error.job().unwrap()).await.unwrap().video_url().is_some());
        assert_eq!(renders(&client).await[1].state, EntryState::Settled);
    }
}

/// An unknown status says nothing: neither before the render, which is refused at first, nor after
/// it.
#[tokio::test(start_paused = true)]
async fn a_leftover_end_is_recognised_around_a_status_that_is_not_known() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let job = fail_once(&sandbox, &client, Fault::WorkFails, 2).await;
    let unknown = Rule::new(Fault::UnknownStatus).on(OperationId::GetCustomTemplateJob);
    let old = Rule::new(Fault::OldStatus(5)).on(OperationId::RenderCustomTemplateJob);
    sandbox.set_faults(Faults::new(1).with(unknown.at(1).at(3)).with(old));
    let refused = client.render(job).send().await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::AlreadyRunning);
    let submitted = client.render(job).send().await.unwrap();
    assert_eq!(*submitted.job.status(), JobStatus::Failed);
    assert!(submitted.wait().await.unwrap().video_url().is_some());
    assert_eq!(renders(&client).await[1].state, EntryState::Settled);
}

/// The other process does not know the status from before the render.
#[tokio::test(start_paused = true)]
async fn another_process_does_not_settle_a_new_render_with_a_leftover_end() {
    for (end, status) in ENDS {
        let sandbox = sandbox().await;
        let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::default());
        let [one, other] =
            [0, 1].map(|_| builder(&sandbox).journal(journal.clone()).build().unwrap());
        let job = fail_once(&sandbox, &one, end, 2).await;
        let submitted = one.render(job).send().await.unwrap();
        assert_eq!(*other.job(job).await.unwrap().status(), status);
        assert_eq!(renders(&other).await.last().unwrap().state, EntryState::Submitted);
        let video = other.wait(JobHandle { id: job, goal: Goal::Video }).await.unwrap();
        assert!(video.video_url().is_some());
        submitted.wait().await.unwrap();
        let settled = renders(&other).await.pop().unwrap();
        assert_eq!((settled.state, settled.charged), (EntryState::Settled, Some(4.into())));
    }
}

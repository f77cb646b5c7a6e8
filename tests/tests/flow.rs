//! The recommended flow, and the promises about waiting and paying, through the library against the
//! sandbox.

#![allow(clippy::unwrap_used)] // a test file

use std::{pin::pin, time::Duration};

use creatify::{
    ChargeRisk, Client, ErrorKind, Goal, JobHandle, JobStatus, RetrySafety, Variables,
    wait::WaitEvent,
};
use creatify_sandbox::{Sandbox, templates};
use futures_util::StreamExt;

const SECOND: Duration = Duration::from_secs(1);

async fn sandbox() -> (Sandbox, Client) {
    let sandbox = Sandbox::builder().speed(1.0).start().await.unwrap();
    let client = client(&sandbox).build().unwrap();
    (sandbox, client)
}

fn client(sandbox: &Sandbox) -> creatify::ClientBuilder {
    Client::builder().credentials(sandbox.credentials()).base_url(sandbox.base_url())
}

fn template(name: &str) -> creatify::TemplateId {
    templates()
        .iter()
        .find(|template| template.name == name)
        .unwrap()
        .id
        .to_string()
        .parse()
        .unwrap()
}

fn variables() -> Variables {
    Variables::new().text("headline", "Summer sale")
}

/// The whole flow: the answer comes at once and is pending, the job is polled until it is done, the
/// preview is read, and the video is rendered and waited for.
#[tokio::test(start_paused = true)]
async fn an_async_preview_is_answered_at_once_and_read_when_it_is_done() {
    let (sandbox, client) = sandbox().await;
    let accepted = client
        .preview(template("Seasonal sale"), variables())
        .name("Sale")
        .hidden()
        .send()
        .await
        .unwrap();
    assert_eq!(*accepted.job.status(), JobStatus::Pending);
    assert_eq!(accepted.handle.goal, Goal::Preview);

    let job = accepted.wait().await.unwrap();
    assert_eq!(*job.status(), JobStatus::Done);
    assert!(job.preview_url().is_some() && job.video_url().is_none());
    assert_eq!(job.credits_used(), Some(1.into()));

    let accepted = client.render(job.id()).send().await.unwrap();
    assert_eq!(accepted.handle, JobHandle { id: job.id(), goal: Goal::Video });
    let video = accepted.wait().await.unwrap();
    assert!(video.video_url().is_some());
    assert_eq!(sandbox.charged(), 5.into());
    assert_eq!(client.remaining_credits().await.unwrap(), 495.into());

    let folder = tempfile::tempdir().unwrap();
    let file = client.download(&video, Goal::Video, folder.path()).await.unwrap();
    let bytes = std::fs::read(&file.path).unwrap();
    assert_eq!((bytes.len() as u64, &bytes[4..8]), (file.bytes, &b"ftyp"[..]));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something was left behind");
    assert_eq!(sandbox.leaked_credentials(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_blocking_preview_returns_the_completed_job() {
    let (sandbox, client) = sandbox().await;
    let accepted = client.preview(template("Teaser"), variables()).blocking().send().await.unwrap();
    assert!(accepted.job.preview_url().is_some());
    let requests = sandbox.requests().len();
    accepted.wait().await.unwrap();
    assert_eq!(sandbox.requests().len(), requests, "a job that is done was read again");
}

/// Right after a render is accepted, the job is still `done` from its preview.
#[tokio::test(start_paused = true)]
async fn a_video_wait_does_not_end_with_the_preview() {
    let (_sandbox, client) = sandbox().await;
    let preview =
        client.preview(template("Teaser"), variables()).send().await.unwrap().wait().await.unwrap();
    let rendering = client.render(preview.id()).send().await.unwrap();
    assert_eq!(
        *rendering.job.status(),
        JobStatus::Done,
        "the sandbox does not show the old status"
    );
    let started = tokio::time::Instant::now();
    let video = client.wait(rendering.handle).await.unwrap();
    assert!(video.video_url().is_some() && started.elapsed() > 10 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn errors_of_failed_and_rejected_jobs_have_the_reason_and_the_job() {
    let (_sandbox, client) = sandbox().await;
    for (name, failed) in [("Always fails", true), ("Always rejected", false)] {
        let accepted = client.create(template(name), variables()).send().await.unwrap();
        let error = accepted.wait().await.unwrap_err();
        assert_eq!(matches!(error.kind(), ErrorKind::JobFailed), failed);
        assert_eq!(matches!(error.kind(), ErrorKind::JobRejected), !failed);
        assert_eq!(error.job(), Some(accepted.handle));
        let reason = error.last_seen().unwrap().failed_reason().unwrap();
        assert!(error.to_string().contains(reason));
    }
}

#[tokio::test(start_paused = true)]
async fn a_time_out_loses_nothing_and_a_second_wait_goes_on() {
    let (_sandbox, client) = sandbox().await;
    let accepted = client.create(template("Teaser"), variables()).send().await.unwrap();
    let started = tokio::time::Instant::now();
    let error = client.wait(accepted.handle).timeout(5 * SECOND).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TimedOut));
    assert!(started.elapsed() <= 5 * SECOND + SECOND / 10, "{:?}", started.elapsed());
    assert_eq!(
        (error.retry_safety(), error.charge_risk()),
        (RetrySafety::Safe, ChargeRisk::Charged)
    );

    // The handle was written down, and is read by another process.
    let handle: JobHandle = error.job().unwrap().to_string().parse().unwrap();
    client.wait(handle).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_loses_nothing() {
    let (_sandbox, client) = sandbox().await;
    let accepted = client.create(template("Teaser"), variables()).send().await.unwrap();
    for milliseconds in [0, 1, 1_900, 2_000, 2_001, 4_321] {
        let dropped =
            tokio::time::timeout(Duration::from_millis(milliseconds), client.wait(accepted.handle))
                .await;
        assert!(dropped.is_err());
    }
    client.wait(accepted.handle).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn events_come_in_order_and_end_with_the_goal() {
    let (_sandbox, client) = sandbox().await;
    let accepted = client.create(template("Teaser"), variables()).send().await.unwrap();
    let mut updates = pin!(accepted.wait().events());
    let (mut statuses, mut progress, mut reached) = (Vec::new(), Vec::new(), 0);
    while let Some(update) = updates.next().await {
        match update.unwrap() {
            WaitEvent::Progress { job, .. } => {
                statuses.push(job.status().to_string());
                progress.extend(job.progress().map(|progress| progress.fraction()));
            }
            WaitEvent::Completed(_) => reached += 1,
            other => panic!("{other:?}"),
        }
    }
    statuses.dedup();
    assert_eq!(statuses, ["pending", "in_queue", "running"]);
    assert!(progress.is_sorted() && progress.len() > 3, "{progress:?}");
    assert_eq!(reached, 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_with_a_video_is_not_rendered_again() {
    let (sandbox, client) = sandbox().await;
    let preview =
        client.preview(template("Teaser"), variables()).send().await.unwrap().wait().await.unwrap();
    let video = client.render(preview.id()).send().await.unwrap().wait().await.unwrap();
    let charged = sandbox.charged();
    let error = client.render(video.id()).send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::AlreadyRendered));
    assert_eq!((error.charge_risk(), sandbox.charged()), (ChargeRisk::None, charged));
}

#[tokio::test(start_paused = true)]
async fn refusals_name_the_fields_and_are_not_charged() {
    let (sandbox, client) = sandbox().await;
    let nobody = "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11";
    let error = client.preview(nobody.parse().unwrap(), variables()).send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused));
    assert_eq!(
        (error.retry_safety(), error.charge_risk(), error.attempts()),
        (RetrySafety::Futile, ChargeRisk::None, 1)
    );
    assert!(error.response().unwrap().messages.fields.contains_key("template_id"));

    let error = client.job(nobody.parse().unwrap()).await.unwrap_err();
    assert_eq!(error.response().unwrap().status, 404);

    let stranger = Client::builder()
        .credentials(creatify::Credentials::new("who", "knows").unwrap())
        .base_url(sandbox.base_url());
    let error = stranger.build().unwrap().remaining_credits().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Credentials));
}

#[tokio::test(start_paused = true)]
async fn an_empty_account_is_an_error_and_never_a_job() {
    let sandbox = Sandbox::builder().credits(1).start().await.unwrap();
    let client = client(&sandbox).build().unwrap();
    let error = client.create(template("Teaser"), variables()).send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InsufficientCredits));
    assert_eq!(sandbox.job_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn jobs_and_templates_are_listed() {
    let (_sandbox, client) = sandbox().await;
    let one = client.preview(template("Teaser"), variables()).send().await.unwrap();
    let two = client.preview(template("Explainer"), variables()).send().await.unwrap();
    let ids = |jobs: Vec<creatify::Job>| jobs.iter().map(creatify::Job::id).collect::<Vec<_>>();
    assert_eq!(ids(client.get_jobs(&[one.handle.id]).await.unwrap()), [one.handle.id]);
    assert_eq!(ids(client.list_jobs().await.unwrap()), [two.handle.id, one.handle.id]);
    assert_eq!(client.templates().await.unwrap().len(), templates().len());
    let many = vec![one.handle.id; 101];
    assert!(matches!(client.get_jobs(&many).await.unwrap_err().kind(), ErrorKind::InvalidInput));
}

//! Waits for several jobs, and the run times that waits learn.

use creatify::{Client, ErrorKind, Goal, JobHandle, OperationId};
use creatify_sandbox::{ProgressProfile, Sandbox, Timing};
use futures_util::future::join_all;

use crate::{client, sandbox, template, variables};

#[tokio::test(start_paused = true)]
async fn waiting_for_several_jobs_returns_each_outcome_in_order() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let create =
        async |name| client.create(template(name), variables()).send().await.unwrap().handle;
    let handles = [
        create("Always fails").await,
        create("Teaser").await,
        "video:7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11".parse().unwrap(),
        create("Always rejected").await,
        client.preview(template("Teaser"), variables()).send().await.unwrap().handle,
    ];
    let all = client.wait_all(&handles).await;
    let joined = join_all(handles.map(|handle| client.wait(handle))).await;
    for outcomes in [all, joined] {
        let kinds: Vec<_> = outcomes
            .iter()
            .map(|outcome| outcome.as_ref().err().map(|error| error.kind()))
            .collect();
        let failures = [ErrorKind::JobFailed, ErrorKind::Refused, ErrorKind::JobRejected];
        let [failed, refused, rejected] = failures.each_ref().map(Some);
        assert_eq!(kinds, [failed, None, refused, rejected, None]);
        for (outcome, handle) in outcomes.iter().zip(handles) {
            match outcome {
                Ok(job) => assert!(job.id() == handle.id && job.output(handle.goal).is_some()),
                Err(error) => assert_eq!(error.job(), Some(handle)),
            }
        }
    }
    assert!(client.wait_all(&[]).await.is_empty());
}

/// Starts a sandbox in which every video takes 166 s and shows no progress.
async fn even_sandbox() -> (Sandbox, Client) {
    let mut timing = Timing::default();
    timing.sigma = 0.0;
    let sandbox = Sandbox::builder().speed(1.0).timing(timing).progress(ProgressProfile::Absent);
    let sandbox = sandbox.start().await.unwrap();
    let client = client(&sandbox);
    (sandbox, client)
}

#[tokio::test(start_paused = true)]
async fn a_wait_by_handle_learns_and_uses_the_same_run_times_as_the_submission() {
    let polls = async |learn_by_handle: Option<usize>, by_handle: &[usize]| {
        let (sandbox, client) = even_sandbox().await;
        let reads = || sandbox.request_count(OperationId::GetCustomTemplateJob);
        let mut polls = 0;
        for job in 0..=learn_by_handle.unwrap_or(10) {
            let before = reads();
            let submission = client.create(template("Teaser"), variables());
            let submitted = submission.send().await.unwrap();
            if by_handle.contains(&job) {
                client.wait(submitted.handle).await.unwrap();
            } else {
                submitted.wait().await.unwrap();
            }
            polls = reads() - before;
        }
        polls
    };
    let unknown = polls(Some(0), &[]).await;
    let all: Vec<_> = (0..=10).collect();
    for by_handle in [&[][..], &all[..], &all[..10], &all[10..]] {
        let learned = polls(None, by_handle).await;
        assert!(learned * 5 < unknown * 4, "{by_handle:?}: {learned} polls, {unknown} at first");
    }
}

/// A render keeps the id of its preview, and a preview handle stays valid for it.
#[tokio::test(start_paused = true)]
async fn a_preview_handle_ends_with_the_preview_while_the_video_is_made() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let preview = client.preview(template("Teaser"), variables()).send().await.unwrap();
    preview.wait().await.unwrap();
    let video = client.render(preview.handle.id).send().await.unwrap();
    let outcomes = client.wait_all(&[preview.handle, video.handle]).await;
    let urls = outcomes.into_iter().map(|job| job.unwrap().output(Goal::Video).is_some());
    assert!(urls.last().unwrap());
    assert_eq!(video.handle, JobHandle { id: preview.handle.id, goal: Goal::Video });
}

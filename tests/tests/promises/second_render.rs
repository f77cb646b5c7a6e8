//! A second render of a job while one is under way.

use std::sync::Arc;

use creatify::{
    ChargeRisk, Error, ErrorKind, Goal, JobHandle, JobId, JobStatus, OperationId,
    journal::{Journal, MemoryJournal},
};
use creatify_sandbox::{Fault, Faults, Rule};

use crate::{SECOND, builder, calls, client, previewed, sandbox};

fn assert_refused(error: &Error, job: JobId) {
    assert_eq!(*error.kind(), ErrorKind::AlreadyRunning, "{error}");
    assert_eq!(error.job(), Some(JobHandle { id: job, goal: Goal::Video }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_render_is_refused_while_the_status_says_that_the_job_is_being_made() {
    let sandbox = sandbox().await;
    let (client, stranger) = (client(&sandbox), client(&sandbox));
    let preview = previewed(&client).await.id();
    client.render(preview).send().await.unwrap();
    let mut seen = Vec::new();
    loop {
        tokio::time::sleep(SECOND).await;
        let job = client.job(preview).await.unwrap();
        match job.status() {
            JobStatus::Done if job.video_url().is_some() => break,
            JobStatus::Done => continue, // the status from before the render
            status => seen.push(status.clone()),
        }
        let error = stranger.render(preview).send().await.unwrap_err();
        assert_refused(&error, preview);
        assert_eq!(error.charge_risk(), ChargeRisk::Charged);
    }
    assert!(seen.contains(&JobStatus::InQueue) && seen.contains(&JobStatus::Running), "{seen:?}");
    assert_eq!(calls(&sandbox, preview), 2, "it was rendered twice");
}

/// The job still shows the status from before the render.
#[tokio::test(start_paused = true)]
async fn a_render_is_refused_while_the_journal_has_an_open_one() {
    let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::default());
    let sandbox = sandbox().await;
    let [client, other_process] =
        [0, 1].map(|_| builder(&sandbox).journal(journal.clone()).build().unwrap());
    let preview = previewed(&client).await.id();
    let submitted = client.render(preview).send().await.unwrap();
    for client in [&client, &other_process] {
        assert_refused(&client.render(preview).send().await.unwrap_err(), preview);
    }
    assert_eq!(calls(&sandbox, preview), 2, "it was rendered twice");
    submitted.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_render_is_refused_after_one_of_unknown_outcome() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let preview = previewed(&client).await.id();
    let lost = Rule::new(Fault::DropBefore).on(OperationId::RenderCustomTemplateJob);
    sandbox.set_faults(Faults::new(1).with(lost.limit(1)));
    let unknown = client.render(preview).send().await.unwrap_err();
    let error = client.render(preview).send().await.unwrap_err();
    assert_refused(&error, preview);
    assert_eq!(error.charge_risk(), ChargeRisk::Unknown);

    client.disown(unknown.submission_record().unwrap()).await.unwrap();
    client.render(preview).send().await.unwrap().wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_forced_render_is_sent_and_charged_again() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let preview = previewed(&client).await.id();
    let submitted = client.render(preview).send().await.unwrap();
    let sent = || sandbox.request_count(OperationId::RenderCustomTemplateJob);

    let error = client.render(preview).force().send().await.unwrap_err();
    assert_eq!((error.kind(), sent()), (&ErrorKind::Refused, 2), "the service decides");

    submitted.wait().await.unwrap();
    client.render(preview).send().await.unwrap_err();
    client.render(preview).force().send().await.unwrap();
    assert_eq!((calls(&sandbox, preview), sent()), (3, 3));
}

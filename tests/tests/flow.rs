//! The recommended flow, and the promises about waiting and paying, through the library against the
//! sandbox.

#![allow(clippy::unwrap_used)] // a test file

use std::{pin::pin, time::Duration};

use creatify::OperationId;
use creatify::{
    ChargeRisk, Client, ErrorKind, Goal, JobHandle, JobStatus, ModelVersion, RetrySafety,
    Variables,
    credits::{Budget, Ledger, RateCard, ledger::EntryState},
    wait::WaitEvent,
};
use creatify_sandbox::{Fault, Faults, Rule, Sandbox, templates};
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
async fn nothing_is_sent_above_a_limit_or_with_bad_input() {
    let (sandbox, client) = sandbox().await;
    let submission = || client.create(template("Teaser"), variables());
    let too_dear =
        submission().expected_duration(31 * SECOND).max_credits(9.into()).send().await.unwrap_err();
    let ErrorKind::OverLimit(over) = too_dear.kind() else { panic!("{too_dear}") };
    assert_eq!((over.estimate.credits.max, over.limit), (10.into(), 9.into()));
    let unknown_length = submission().max_credits(9.into()).send().await.unwrap_err();
    let long_name = submission().name("n".repeat(256)).send().await.unwrap_err();
    let bad_hook = submission().webhook_url("ftp://hooks.example.com").send().await.unwrap_err();
    for error in [unknown_length, long_name, bad_hook] {
        assert!(matches!(error.kind(), ErrorKind::InvalidInput), "{error}");
    }
    assert_eq!(sandbox.requests().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_ledger_follows_a_call_from_reserved_to_charged() {
    let (_sandbox, client) = sandbox().await;
    let accepted = client
        .preview(template("Seasonal sale"), variables())
        .expected_duration(30 * SECOND)
        .send()
        .await
        .unwrap();
    let entry = client.ledger().read().unwrap().entries.remove(0);
    assert_eq!(
        (entry.state, entry.job_id, entry.charged),
        (EntryState::Reserved, Some(accepted.handle.id), None)
    );
    accepted.wait().await.unwrap();
    let entries = client.ledger().read().unwrap().entries;
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].state, entries[0].charged), (EntryState::Charged, Some(1.into())));
    assert_eq!(entries[0].seconds, Some((28 * SECOND).into()));

    client
        .preview("7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11".parse().unwrap(), variables())
        .send()
        .await
        .unwrap_err();
    assert_eq!(client.ledger().read().unwrap().entries[1].state, EntryState::Released);
}

#[tokio::test(start_paused = true)]
async fn a_budget_is_settled_with_what_was_charged() {
    let sandbox = Sandbox::builder().speed(1.0).start().await.unwrap();
    let budget = Budget::new(6.into());
    let client = client(&sandbox).budget(budget.clone()).build().unwrap();
    let submit = |name| client.create(template(name), variables()).expected_duration(30 * SECOND);
    let accepted = submit("Always fails").send().await.unwrap();
    assert_eq!(budget.state().reserved, 5.into());
    let error = submit("Teaser").send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OverBudget(_)), "{error}");
    assert_eq!(sandbox.job_count(), 1);

    accepted.wait().await.unwrap_err(); // the service gives the credits of failed jobs back
    assert_eq!(budget.state().available(), 6.into());
    submit("Teaser").send().await.unwrap().wait().await.unwrap();
    assert_eq!(budget.state().spent, 5.into());
}

/// 1,000 tasks, and credits for 200 of them. On the real clock: each submission connects anew, and
/// a paused clock would jump to the time-outs of 200 connections that are made at once.
#[tokio::test]
async fn a_thousand_submissions_never_spend_more_than_the_budget() {
    let sandbox = Sandbox::builder().speed(1.0).credits(100_000).start().await.unwrap();
    let budget = Budget::new(200.into());
    let client = client(&sandbox).budget(budget.clone()).build().unwrap();
    let tasks: Vec<_> = (0..1_000)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                let submission = client
                    .preview(template("Seasonal sale"), variables())
                    .expected_duration(30 * SECOND);
                submission.send().await.is_ok()
            })
        })
        .collect();
    let mut sent = 0;
    for task in tasks {
        sent += usize::from(task.await.unwrap());
    }
    assert_eq!((sent, sandbox.job_count()), (200, 200));
    assert_eq!(sandbox.charged(), 200.into());
    assert_eq!(budget.state().available(), 0.into());
}

/// The service charges by another card than the client assumes.
#[tokio::test(start_paused = true)]
async fn a_wrong_rate_card_is_noticed_and_the_right_one_is_named() {
    let sandbox = Sandbox::builder().speed(1.0).rate_card("per-second").start().await.unwrap();
    let ledger = Ledger::default();
    let client = client(&sandbox).ledger(ledger).build().unwrap();
    let mut jobs = 0;
    while client.rate_card_mismatch().is_none() {
        jobs += 1;
        assert!(jobs <= 3, "not noticed after 3 jobs");
        let submission = client
            .create(template("Seasonal sale"), variables())
            .model_version(ModelVersion::AuroraV1);
        submission.send().await.unwrap().wait().await.unwrap();
    }
    assert_eq!(client.rate_card_mismatch().unwrap().fitting, ["per-second"]);

    let right = Client::builder().rate_card(RateCard::named("per-second").unwrap());
    let right =
        right.credentials(sandbox.credentials()).base_url(sandbox.base_url()).build().unwrap();
    let submission =
        right.create(template("Seasonal sale"), variables()).model_version(ModelVersion::AuroraV1);
    submission.send().await.unwrap().wait().await.unwrap();
    assert_eq!(right.rate_card_mismatch(), None);
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

#[tokio::test(start_paused = true)]
async fn the_duration_of_an_earlier_job_of_the_template_is_expected_again() {
    let (sandbox, client) = sandbox().await;
    let submit = || client.preview(template("Explainer"), variables()).max_credits(2.into());
    assert!(submit().send().await.is_err(), "a duration was guessed");
    assert_eq!(sandbox.job_count(), 0);
    client.preview(template("Explainer"), variables()).send().await.unwrap().wait().await.unwrap();
    let estimate = submit().send().await.unwrap().estimate.unwrap();
    assert_eq!((estimate.seconds, estimate.credits.max), ((60 * SECOND).into(), 2.into()));

    let guessing =
        self::client(&sandbox).default_duration(20 * SECOND..=45 * SECOND).build().unwrap();
    let accepted = guessing
        .preview(template("Teaser"), variables())
        .max_credits(2.into())
        .send()
        .await
        .unwrap();
    assert_eq!(accepted.estimate.unwrap().credits.max, 2.into());
}

#[tokio::test(start_paused = true)]
async fn a_balance_that_cannot_be_read_is_neither_enough_nor_zero() {
    let (sandbox, client) = sandbox().await;
    client.check_balance(500.into()).await.unwrap();
    let poor = client.check_balance(501.into()).await.unwrap_err();
    assert!(
        matches!(poor.kind(), ErrorKind::InsufficientCredits) && poor.to_string().contains("500")
    );
    sandbox.shutdown().await;
    let unread = client.check_balance(1.into()).await.unwrap_err();
    assert!(matches!(unread.kind(), ErrorKind::Unreachable), "{unread}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_releases_the_reservation_and_an_unknown_outcome_keeps_it() {
    let (sandbox, _) = sandbox().await;
    let budget = Budget::new(10.into());
    let ledger = Ledger::default();
    let spender = |builder: creatify::ClientBuilder| {
        builder.budget(budget.clone()).ledger(ledger.clone()).build().unwrap()
    };
    let submit = async |client: &Client, template: &str| {
        client
            .create(template.parse().unwrap(), variables())
            .expected_duration(30 * SECOND)
            .send()
            .await
            .unwrap_err()
    };
    let refused = submit(&spender(client(&sandbox)), "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11").await;
    assert_eq!((refused.charge_risk(), budget.state().reserved), (ChargeRisk::None, 0.into()));

    // A service that takes the request and does not answer.
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", mute.local_addr().unwrap());
    let requests = tokio::spawn(async move {
        let mut requests = 0;
        while let Ok(Ok((stream, _))) = tokio::time::timeout(300 * SECOND, mute.accept()).await {
            requests += 1;
            stream.readable().await.unwrap();
        }
        requests
    });
    let unknown =
        submit(&spender(client(&sandbox).base_url(url)), &template("Teaser").to_string()).await;
    assert!(matches!(unknown.kind(), ErrorKind::OutcomeUnknown(_)), "{unknown}");
    assert_eq!(
        (unknown.retry_safety(), unknown.charge_risk()),
        (RetrySafety::Unsafe, ChargeRisk::Unknown)
    );
    assert_eq!(budget.state().reserved, 5.into());
    let states: Vec<_> = ledger.read().unwrap().entries.iter().map(|entry| entry.state).collect();
    assert_eq!(states, [EntryState::Released, EntryState::Unknown]);
    assert_eq!(requests.await.unwrap(), 1, "it was sent again");
}

/// The caller may go away at any moment after the request was sent: the paid job is in the ledger.
#[tokio::test(start_paused = true)]
async fn a_dropped_submission_is_found_in_the_ledger() {
    let faults = Faults::new(1)
        .with(Rule::new(Fault::Delay(5.0)).on(OperationId::PreviewCustomTemplateJobAsync));
    let sandbox = Sandbox::builder().speed(1.0).faults(faults).start().await.unwrap();
    let client = client(&sandbox).build().unwrap();
    let send = client.preview(template("Teaser"), variables()).send();
    assert!(tokio::time::timeout(SECOND, send).await.is_err());
    let entry = || client.ledger().read().unwrap().entries.remove(0);
    assert_eq!((sandbox.job_count(), entry().job_id), (1, None));
    tokio::time::sleep(5 * SECOND).await;
    let job = entry().job_id.unwrap();
    client.wait(JobHandle { id: job, goal: Goal::Preview }).await.unwrap();
    assert_eq!(entry().state, EntryState::Charged);
}

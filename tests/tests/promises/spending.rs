//! Limits, budgets, the journal and rate cards.

use std::sync::Arc;

use creatify::{
    ChargeRisk, Client, ErrorKind, Goal, JobHandle, ModelVersion, OperationId, RetrySafety,
    credits::RateCard,
    journal::{EntryState, Journal, MemoryJournal},
};
use creatify_sandbox::{Fault, Faults, Rule, Sandbox};

use crate::{SECOND, builder, client, entries, limit, sandbox, states, template, usage, variables};

async fn started() -> (Sandbox, Client) {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    (sandbox, client)
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_above_a_limit_or_with_bad_input() {
    let (sandbox, client) = started().await;
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
async fn the_journal_follows_a_call_from_submitted_to_settled() {
    let (_sandbox, client) = started().await;
    let accepted = client
        .preview(template("Seasonal sale"), variables())
        .expected_duration(30 * SECOND)
        .send()
        .await
        .unwrap();
    let entry = entries(&client).await.remove(0);
    assert_eq!(
        (entry.state, entry.job_id, entry.charged),
        (EntryState::Submitted, Some(accepted.handle.id), None)
    );
    accepted.wait().await.unwrap();
    let entries = entries(&client).await;
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].state, entries[0].charged), (EntryState::Settled, Some(1.into())));
    assert_eq!(entries[0].seconds, Some((28 * SECOND).into()));

    client
        .preview("7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11".parse().unwrap(), variables())
        .send()
        .await
        .unwrap_err();
    assert_eq!(states(&client).await[1], EntryState::Released);
}

#[tokio::test(start_paused = true)]
async fn a_budget_is_settled_with_what_was_charged() {
    let sandbox = Sandbox::builder().speed(1.0).start().await.unwrap();
    let client = builder(&sandbox).budget(limit(6)).build().unwrap();
    let submit = |name| client.create(template(name), variables()).expected_duration(30 * SECOND);
    let accepted = submit("Always fails").send().await.unwrap();
    assert_eq!(usage(&client).await, (5.into(), 0.into()));
    let error = submit("Teaser").send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OverBudget(_)), "{error}");
    assert_eq!(sandbox.job_count(), 1);

    accepted.wait().await.unwrap_err(); // the service gives the credits of failed jobs back
    assert_eq!(usage(&client).await, (0.into(), 0.into()));
    submit("Teaser").send().await.unwrap().wait().await.unwrap();
    assert_eq!(usage(&client).await, (0.into(), 5.into()));
}

/// 1,000 tasks, and credits for 200 of them. On the real clock: each submission connects anew, and
/// a paused clock would jump to the time-outs of 200 connections that are made at once.
#[tokio::test]
async fn a_thousand_submissions_never_spend_more_than_the_budget() {
    let sandbox = Sandbox::builder().speed(1.0).credits(100_000).start().await.unwrap();
    let client = builder(&sandbox).budget(limit(200)).build().unwrap();
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
    let budget = client.budgets().await.unwrap().remove(0);
    assert_eq!(budget.available(), 0.into());
}

/// The service charges by another card than the client assumes.
#[tokio::test(start_paused = true)]
async fn a_wrong_rate_card_is_noticed_and_the_right_one_is_named() {
    let sandbox = Sandbox::builder().speed(1.0).rate_card("per-second").start().await.unwrap();
    let client = client(&sandbox);
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
async fn the_duration_of_an_earlier_job_of_the_template_is_expected_again() {
    let (sandbox, client) = started().await;
    let submit = || client.preview(template("Explainer"), variables()).max_credits(2.into());
    assert!(submit().send().await.is_err(), "a duration was guessed");
    assert_eq!(sandbox.job_count(), 0);
    client.preview(template("Explainer"), variables()).send().await.unwrap().wait().await.unwrap();
    let estimate = submit().send().await.unwrap().estimate.unwrap();
    assert_eq!((estimate.seconds, estimate.credits.max), ((60 * SECOND).into(), 2.into()));

    let guessing = builder(&sandbox).default_duration(20 * SECOND..=45 * SECOND).build().unwrap();
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
    let (sandbox, client) = started().await;
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
    let (sandbox, _) = started().await;
    let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::default());
    let spender = |builder: creatify::ClientBuilder| {
        builder.budget(limit(10)).journal(journal.clone()).build().unwrap()
    };
    let submit = async |client: &Client, template: &str| {
        client
            .create(template.parse().unwrap(), variables())
            .expected_duration(30 * SECOND)
            .send()
            .await
            .unwrap_err()
    };
    let client = spender(builder(&sandbox));
    let refused = submit(&client, "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11").await;
    assert_eq!(refused.charge_risk(), ChargeRisk::None);
    assert_eq!(usage(&client).await, (0.into(), 0.into()));
    assert_eq!(states(&client).await, [EntryState::Released]);

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
    let client = spender(builder(&sandbox).base_url(url));
    let unknown = submit(&client, &template("Teaser").to_string()).await;
    assert!(matches!(unknown.kind(), ErrorKind::OutcomeUnknown(_)), "{unknown}");
    assert_eq!(
        (unknown.retry_safety(), unknown.charge_risk()),
        (RetrySafety::Unsafe, ChargeRisk::Unknown)
    );
    assert_eq!(usage(&client).await, (5.into(), 0.into()));
    assert_eq!(states(&client).await, [EntryState::Unknown], "accounts of two services were mixed");
    assert_eq!(requests.await.unwrap(), 1, "it was sent again");
}

/// The caller may go away at any moment after the request was sent: the paid job is in the
/// journal.
#[tokio::test(start_paused = true)]
async fn a_dropped_submission_is_found_in_the_journal() {
    let faults = Faults::new(1)
        .with(Rule::new(Fault::Delay(5.0)).on(OperationId::PreviewCustomTemplateJobAsync));
    let sandbox = Sandbox::builder().speed(1.0).faults(faults).start().await.unwrap();
    let client = builder(&sandbox).build().unwrap();
    let send = client.preview(template("Teaser"), variables()).send();
    assert!(tokio::time::timeout(SECOND, send).await.is_err());
    let entry = async || entries(&client).await.remove(0);
    assert_eq!((sandbox.job_count(), entry().await.job_id), (1, None));
    tokio::time::sleep(5 * SECOND).await;
    let job = entry().await.job_id.unwrap();
    client.wait(JobHandle { id: job, goal: Goal::Preview }).await.unwrap();
    assert_eq!(entry().await.state, EntryState::Settled);
}

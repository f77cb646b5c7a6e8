//! Submissions with a key: sent at most once, whatever happens.

use std::{sync::Arc, time::Duration};

use creatify::{
    ChargeRisk, Client, ErrorKind, JobId, OperationId, Variables,
    credits::BillableOperation,
    journal::{
        Begun, Budget, Change, EntryState, Filter, Journal, MemoryJournal, NewEntry, Period,
        RequestHash,
    },
};
use creatify_sandbox::{Fault, Faults};
use tokio::time::Instant;

use crate::{
    SECOND, builder, calls, client, create, entries, limit, on_create, posts, sandbox, states,
    template, variables,
};

#[tokio::test(start_paused = true)]
async fn a_submission_with_a_known_key_is_not_sent_and_has_the_same_job() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let first = create(&client).send().await.unwrap();
    let requests = sandbox.requests().len();
    let again = create(&client).send().await.unwrap();
    assert_eq!((again.handle, again.is_replayed()), (first.handle, true));
    assert!(!first.is_replayed());
    assert_eq!(sandbox.requests().len(), requests, "a request was sent");

    first.wait().await.unwrap();
    let settled = create(&client).send().await.unwrap();
    assert_eq!(settled.handle, first.handle);
    assert!(settled.wait().await.unwrap().video_url().is_some());
    assert_eq!((posts(&sandbox), states(&client).await), (1, vec![EntryState::Settled]));
    assert_eq!(first.job.name(), Some("sku/1"), "the job is not named after its key");
}

#[tokio::test(start_paused = true)]
async fn a_key_is_not_taken_for_another_request() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let first = create(&client).send().await.unwrap();
    for other in [
        client.create(template("Teaser"), Variables::new().text("headline", "Winter sale")),
        client.create(template("Explainer"), variables()),
        client.create(template("Teaser"), variables()).hidden(),
        client.create(template("Teaser"), variables()).name("Sale"),
    ] {
        let error = other.key("sku/1").send().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::KeyReused, "{error}");
        assert_eq!((error.job(), error.charge_risk()), (Some(first.handle), ChargeRisk::None));
    }
    assert_eq!(posts(&sandbox), 1);
    for wrong in ["", "a\nb"] {
        let error = create(&client).key(wrong).send().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput);
    }
}

#[tokio::test(start_paused = true)]
async fn a_preview_and_its_render_may_share_a_key() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let preview = || client.preview(template("Teaser"), variables()).key("sku/1");
    let job = preview().send().await.unwrap().wait().await.unwrap().id();
    let render = || client.render(job).key("sku/1");
    let submitted = render().send().await.unwrap();
    submitted.wait().await.unwrap();
    let requests = sandbox.requests().len();
    assert!(render().send().await.unwrap().is_replayed());
    assert!(preview().send().await.unwrap().is_replayed());
    assert_eq!(sandbox.requests().len(), requests, "a request was sent");
    assert_eq!(calls(&sandbox, job), 2);

    let error = client.render(job).key("other").send().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::AlreadyRendered, "{error}");
    let other = preview().key("other").send().await.unwrap().wait().await.unwrap().id();
    let error = client.render(other).key("sku/1").send().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::KeyReused, "{error}");
}

/// The job still shows its preview, so only the journal knows of the render.
#[tokio::test(start_paused = true)]
async fn a_render_under_another_key_is_refused_unless_it_is_forced() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let preview = client.preview(template("Teaser"), variables()).send().await.unwrap();
    let job = preview.wait().await.unwrap().id();
    client.render(job).key("one").send().await.unwrap();
    let error = client.render(job).key("other").send().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::AlreadyRunning, "{error}");
    assert_eq!(error.job().unwrap().id, job);
    let renders = || sandbox.request_count(OperationId::RenderCustomTemplateJob);
    assert_eq!(renders(), 1);
    client.render(job).key("other").force().send().await.unwrap_err(); // refused by the service
    assert_eq!(renders(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_submission_may_be_corrected_under_the_same_key() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let unknown = "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11".parse().unwrap();
    let error = client.create(unknown, variables()).key("sku/1").send().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Refused);
    let submitted = create(&client).send().await.unwrap();
    assert!(!submitted.is_replayed());
    let attempts: Vec<_> =
        entries(&client).await.iter().map(|entry| (entry.attempt, entry.state)).collect();
    assert_eq!(attempts, [(1, EntryState::Released), (2, EntryState::Submitted)]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_job_is_the_result_until_it_is_explicitly_retried() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    sandbox.set_faults(on_create(Fault::WorkFails));
    let failed = create(&client).send().await.unwrap();
    failed.wait().await.unwrap_err();
    sandbox.set_faults(Faults::default());
    let again = create(&client).send().await.unwrap();
    assert_eq!((again.handle, again.is_replayed()), (failed.handle, true));
    assert_eq!(*again.wait().await.unwrap_err().kind(), ErrorKind::JobFailed);
    assert_eq!(posts(&sandbox), 1);

    let retried = create(&client).retry_failed().send().await.unwrap();
    assert!(!retried.is_replayed() && retried.handle != failed.handle);
    // The word is for failed jobs alone.
    assert!(create(&client).retry_failed().send().await.unwrap().is_replayed());
    retried.wait().await.unwrap();
    assert!(create(&client).retry_failed().send().await.unwrap().is_replayed());
    assert_eq!(posts(&sandbox), 2);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_found_by_the_next_call_without_sending() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    sandbox.set_faults(on_create(Fault::DropAfter));
    let error = create(&client).send().await.unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
    let found = create(&client).send().await.unwrap();
    assert!(found.is_replayed());
    assert!(found.wait().await.unwrap().video_url().is_some());
    assert_eq!((posts(&sandbox), sandbox.job_count()), (1, 1));
    assert_eq!(states(&client).await, [EntryState::Settled]);
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_accepted_is_sent_again_only_on_a_persons_word() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    sandbox.set_faults(on_create(Fault::DropBefore));
    let error = create(&client).send().await.unwrap_err();
    sandbox.set_faults(Faults::default());
    for _ in 0..2 {
        let error = create(&client).send().await.unwrap_err();
        assert!(error.is_outcome_unknown(), "{error}");
        assert_eq!(error.charge_risk(), ChargeRisk::Unknown);
    }
    assert_eq!(sandbox.job_count(), 0);
    client.disown(error.submission_record().unwrap()).await.unwrap();
    assert!(!create(&client).send().await.unwrap().is_replayed());
    assert_eq!(sandbox.job_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn many_tasks_with_one_key_send_it_once() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { create(&client).send().await.unwrap() })
        })
        .collect();
    let mut jobs: Vec<JobId> = Vec::new();
    for task in tasks {
        jobs.push(task.await.unwrap().handle.id);
    }
    jobs.dedup();
    assert_eq!((jobs.len(), posts(&sandbox)), (1, 1));
}

/// Enters a submission of the key as another process would, with a lease.
async fn sent_elsewhere(client: &Client, lease: Duration) -> NewEntry {
    let dry = create(client).dry_run().await.unwrap();
    let mut request = dry.request;
    request["name"] = serde_json::Value::Null; // the hash is of the request as it was asked for
    request.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let json = serde_json::json!({ "operation": "create", "job": null, "body": request });
    let key = "sku/1".parse().unwrap();
    let mut new = NewEntry::new(client.account().clone(), key, BillableOperation::Create);
    (new.request_hash, new.lease) = (RequestHash::of(&json), lease);
    new
}

#[tokio::test(start_paused = true)]
async fn a_submission_of_a_live_process_is_waited_for_until_the_deadline() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let new = sent_elsewhere(&client, 600 * SECOND).await;
    client.journal().begin(new.clone()).await.unwrap();
    let started = Instant::now();
    let error = create(&client).timeout(20 * SECOND).send().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::KeyInUse, "{error}");
    let waited = started.elapsed().as_secs();
    assert!((15..=21).contains(&waited), "{waited} s");
    assert_eq!(posts(&sandbox), 0);
}

#[tokio::test(start_paused = true)]
async fn a_submission_of_a_dead_process_is_not_sent_again() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let new = sent_elsewhere(&client, Duration::ZERO).await;
    let Begun::Started(entry) = client.journal().begin(new).await.unwrap() else { panic!() };
    assert_eq!(states(&client).await, [EntryState::Unknown]);
    let error = create(&client).send().await.unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
    assert_eq!(error.submission_record().unwrap().entry, entry.id);
    assert_eq!(posts(&sandbox), 0);
}

/// The owner of the entry was suspended for longer than its lease, and somebody declared its
/// submission not accepted. Then the answer came.
#[tokio::test(start_paused = true)]
async fn a_late_answer_is_recorded_even_after_it_was_declared_not_accepted() {
    let sandbox = sandbox().await;
    let client = builder(&sandbox).budget(limit(100)).default_duration(30 * SECOND);
    let client = client.build().unwrap();
    sandbox.set_faults(on_create(Fault::Delay(5.0)));
    let sending = {
        let client = client.clone();
        tokio::spawn(async move { create(&client).send().await })
    };
    while entries(&client).await.is_empty() {
        tokio::time::sleep(SECOND / 10).await;
    }
    let entry = entries(&client).await.remove(0);
    let released = Change::Released { reason: "declared not accepted".to_owned() };
    client.journal().change(entry.id, released).await.unwrap();
    assert_eq!(states(&client).await, [EntryState::Released]);
    let submitted = sending.await.unwrap().unwrap();
    let entry = entries(&client).await.remove(0);
    assert_eq!((entry.state, entry.job_id), (EntryState::Submitted, Some(submitted.handle.id)));
    assert_eq!(client.budgets().await.unwrap()[0].reserved, 5.into());
}

#[tokio::test(start_paused = true)]
async fn a_submission_without_a_key_is_in_the_journal_too() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    for _ in 0..2 {
        let submission = client.create(template("Teaser"), variables()).label("spring");
        submission.send().await.unwrap();
    }
    let [one, other] = &client.entries(Filter::default().label("spring")).await.unwrap()[..] else {
        panic!("two entries")
    };
    assert_ne!(one.key, other.key);
    assert_eq!(client.entries(Filter::default().label("autumn")).await.unwrap().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_shows_the_request_and_sends_nothing() {
    let sandbox = sandbox().await;
    let client = builder(&sandbox).budget(limit(9)).build().unwrap();
    let dry = create(&client).expected_duration(30 * SECOND).dry_run().await.unwrap();
    assert_eq!(dry.request["name"], "sku/1");
    assert_eq!(dry.request["variables"]["headline"]["type"], "text");
    assert_eq!(dry.estimate.unwrap().credits.max, 5.into());
    let error = create(&client).expected_duration(31 * SECOND).dry_run().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OverBudget(_)), "{error}");
    assert_eq!((sandbox.requests().len(), entries(&client).await.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn budgets_hold_by_label_and_by_the_lower_limit() {
    let sandbox = sandbox().await;
    let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::default());
    let client = |budget: Budget| {
        let client = builder(&sandbox).journal(journal.clone()).budget(budget);
        client.default_duration(30 * SECOND).build().unwrap()
    };
    let spring = client(Budget::new("spring", 5.into()).label("spring").per(Period::Month));
    let submit = async |client: &Client, label: &str| {
        let submission = client.create(template("Teaser"), variables()).label(label);
        submission.send().await.map_err(|error| error.kind().as_str())
    };
    submit(&spring, "spring").await.unwrap();
    assert_eq!(submit(&spring, "spring").await.err(), Some("over_budget"));
    submit(&spring, "autumn").await.unwrap();

    // A program with a higher limit does not raise the journal's; one with a lower limit keeps it.
    let generous = client(Budget::new("spring", 500.into()).label("spring").per(Period::Month));
    assert_eq!(submit(&generous, "spring").await.err(), Some("over_budget"));
    let budget = Budget::new("spring", 500.into()).label("spring").per(Period::Month);
    let state = generous.set_budget(budget).await.unwrap();
    assert_eq!(state.reserved, 5.into());
    submit(&generous, "spring").await.unwrap();
    assert_eq!(submit(&spring, "spring").await.err(), Some("over_budget"));

    // One that is set later counts what was submitted in its period.
    let total = generous.set_budget(Budget::new("total", 20.into()).per(Period::Month)).await;
    assert_eq!(total.unwrap().reserved, 15.into());
    submit(&generous, "winter").await.unwrap();
    assert_eq!(submit(&generous, "winter").await.err(), Some("over_budget"));
}

//! Reconciling of a preview whose answer was lost, with a list of jobs that may be faulty.

use creatify::{
    Client, Error, ErrorKind, MatchConfidence, OperationId, Preview, Reconciled, SubmissionRecord,
    Variables,
};
use creatify_sandbox::{BodyForm, Fault, Faults, Rule, Sandbox};

use crate::{
    head, row,
    scene::{client, name, template},
};

const TEXT: &str = "\
The answer to a preview is lost, and its job is searched for in the list. A marked preview has a
marker in its name. The twin is another job with the same content, which somebody else submitted at
the same time; jobs that the client's own journal knows are never taken for the lost one. An exact
match is always right; a likely match may be the twin. No match is adopted unless the caller asks
for it. When no job is found, that is no proof that there is none.
";

const LISTS: &[(&str, Option<Fault>)] = &[
    ("as it should be", None),
    ("missing: 404", Some(Fault::ErrorBefore(404))),
    ("missing: 405", Some(Fault::ErrorBefore(405))),
    ("in pages of 1", Some(Fault::Pages(1))),
    ("as it was before", Some(Fault::Stale)),
    ("wrong types", Some(Fault::WrongTypes)),
    ("null everywhere", Some(Fault::Nulls)),
    ("extra fields", Some(Fault::ExtraFields)),
    ("byte-order mark", Some(Fault::Body(BodyForm::ByteOrderMark))),
    ("UTF-16", Some(Fault::Body(BodyForm::Utf16))),
    ("in an envelope", Some(Fault::Body(BodyForm::InData))),
    ("in an array", Some(Fault::Body(BodyForm::InArray))),
    ("NaN", Some(Fault::Body(BodyForm::Nan))),
    ("numbers as text", Some(Fault::Body(BodyForm::NumbersAsText))),
    ("times without zone", Some(Fault::Body(BodyForm::TimesWithoutZone))),
    ("one bad item", Some(Fault::Body(BodyForm::BadItem))),
    ("API key in names", Some(Fault::Body(BodyForm::EchoedKey))),
    ("empty body", Some(Fault::Body(BodyForm::Empty))),
    ("cut off, length not announced", Some(Fault::TruncateSilently)),
    ("`success: false` in a 200", Some(Fault::Body(BodyForm::SuccessFalse))),
    ("HTML 403", Some(Fault::Html(403))),
    ("HTML 502", Some(Fault::Html(502))),
    ("connection closed", Some(Fault::DropBefore)),
    ("403", Some(Fault::ErrorBefore(403))),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Story {
    Marked,
    Unmarked,
    Twin,
    NotProcessed,
}

pub async fn section() -> String {
    let mut table =
        head(&["the list", "marked", "unmarked", "unmarked, with a twin", "not processed"]);
    for (name, fault) in LISTS {
        let mut cells = vec![(*name).to_owned()];
        for story in [Story::Marked, Story::Unmarked, Story::Twin, Story::NotProcessed] {
            cells.push(outcome(*fault, story).await);
        }
        table += &row(cells);
    }
    format!("## Reconciling\n\n{TEXT}\n{table}")
}

async fn outcome(list: Option<Fault>, story: Story) -> String {
    let sandbox = Sandbox::builder().speed(1.0).start().await.unwrap();
    let client = client(&sandbox);
    let before = if story == Story::Twin { 2 } else { 1 };
    let loses = if story == Story::NotProcessed { Fault::DropBefore } else { Fault::DropAfter };
    let faults = Faults::new(1)
        .with(Rule::new(loses).on(OperationId::PreviewCustomTemplateJobAsync).at(before + 1));
    // The first list is as it should be, so that a later one can be stale.
    let on_lists =
        |fault| (2..100).fold(Rule::new(fault).on(OperationId::ListCustomTemplateJobs), Rule::at);
    sandbox.set_faults(list.map(on_lists).into_iter().fold(faults, Faults::with));
    submission(&client).send().await.unwrap(); // another one, which the journal knows
    if story == Story::Twin {
        submission(&self::client(&sandbox)).send().await.unwrap();
    }
    client.list_jobs().await.unwrap();

    let jobs = sandbox.job_count();
    let submission = submission(&client);
    let lost = if story == Story::Marked { submission.marked_in_name() } else { submission }
        .send()
        .await
        .unwrap_err();
    assert!(matches!(lost.kind(), ErrorKind::OutcomeUnknown(_)), "{lost}");
    let made = sandbox.jobs().into_iter().nth(jobs).map(|job| job.id);
    assert_eq!(made.is_some(), story != Story::NotProcessed);

    // The record was written down, and is read by another process.
    let sent: SubmissionRecord =
        serde_json::from_str(&serde_json::to_string(lost.submission_record().unwrap()).unwrap())
            .unwrap();
    let reconciled = client.reconcile(&sent).await;
    let place = format!("{list:?} {story:?}: {reconciled:?}");
    assert_eq!(
        sandbox.job_count(),
        jobs + usize::from(made.is_some()),
        "it was sent again: {place}"
    );
    match &reconciled {
        Ok(Reconciled::Found(found)) => {
            assert!(!found.adopted, "it was adopted without being asked: {place}");
            let is_it = Some(found.job.id().as_uuid()) == made;
            match found.confidence {
                MatchConfidence::Exact => {
                    assert!(is_it, "another job was taken for it: {place}");
                    "one match, exact".to_owned()
                }
                _ if is_it => "one match, likely".to_owned(),
                _ => "one match, likely (the twin)".to_owned(),
            }
        }
        Ok(Reconciled::NotFoundYet) => "not found yet".to_owned(),
        Ok(Reconciled::Ambiguous(_)) => "ambiguous".to_owned(),
        Ok(Reconciled::Unsupported) => "unsupported".to_owned(),
        other => name(other),
    }
}

fn submission(client: &Client) -> Preview<'_> {
    client.preview(template(), Variables::new().text("headline", "Summer sale"))
}

/// The record has a time that is far ahead: the clock was set back since, or another machine wrote
/// it.
#[tokio::test(start_paused = true)]
async fn reconciling_never_waits_longer_than_a_submission_takes() {
    let sandbox = Sandbox::builder().speed(1.0).start().await.unwrap();
    let client = client(&sandbox);
    let lost = Rule::new(Fault::DropBefore).on(OperationId::PreviewCustomTemplateJobAsync);
    sandbox.set_faults(Faults::new(1).with(lost));
    let error = submission(&client).marked_in_name().send().await.unwrap_err();
    let mut sent = serde_json::to_value(error.submission_record().unwrap()).unwrap();
    sent["sent_at"] = "2190-05-04T09:12:30Z".into();
    sent["given_up_at"] = "2190-05-04T09:13:00Z".into();
    let sent: SubmissionRecord = serde_json::from_value(sent).unwrap();
    let started = tokio::time::Instant::now();
    assert!(matches!(client.reconcile(&sent).await, Ok(Reconciled::NotFoundYet)));
    let waited = started.elapsed().as_secs();
    assert!((30..=60).contains(&waited), "{waited} s");
}

/// The id of a render is known, so reading its job is enough.
#[tokio::test(start_paused = true)]
async fn a_render_whose_answer_was_lost_is_settled_by_its_id() -> Result<(), Error> {
    for processed in [true, false] {
        let sandbox = Sandbox::builder().speed(1.0).start().await.unwrap();
        let client = client(&sandbox);
        let preview = submission(&client).send().await?.wait().await?;
        let loses = if processed { Fault::DropAfter } else { Fault::DropBefore };
        let missing = Rule::new(Fault::ErrorBefore(404)).on(OperationId::ListCustomTemplateJobs);
        let lost = Rule::new(loses).on(OperationId::RenderCustomTemplateJob).limit(1);
        sandbox.set_faults(Faults::new(1).with(lost).with(missing));
        let error = client.render(preview.id()).send().await.unwrap_err();
        match client
            .reconcile(error.submission_record().unwrap())
            .adopt(MatchConfidence::Exact)
            .await?
        {
            Reconciled::Found(found) => {
                assert!(processed && found.adopted && found.confidence == MatchConfidence::Exact);
                assert!(client.wait(found.handle).await?.video_url().is_some());
            }
            other => assert!(!processed && matches!(other, Reconciled::NotFoundYet), "{other:?}"),
        }
    }
    Ok(())
}

//! Charges that the service shows late, oddly or not at all.

use creatify::{
    Client, ErrorKind, Goal, JobHandle, OperationId,
    journal::{EntryState, JobEnd},
};
use creatify_sandbox::{BodyForm, Fault, Faults, Field, Rule, Sandbox};

use crate::{
    SECOND, builder, client, entries, limit, previewed, sandbox, states, template, usage, variables,
};

fn on_reads(fault: Fault) -> Faults {
    let reads = [OperationId::GetCustomTemplateJob, OperationId::ListCustomTemplateJobs];
    Faults::new(1).with(reads.into_iter().fold(Rule::new(fault), Rule::on))
}

async fn spender() -> (Sandbox, Client) {
    let sandbox = sandbox().await;
    let client = builder(&sandbox).budget(limit(100)).default_duration(30 * SECOND);
    let client = client.build().unwrap();
    (sandbox, client)
}

#[tokio::test(start_paused = true)]
async fn a_finished_job_without_a_charge_keeps_its_reservation_until_the_charge_is_shown() {
    for credits in [Some(0), Some(-5), None] {
        let (sandbox, client) = spender().await;
        sandbox.set_faults(on_reads(Fault::Set(Field::CreditsUsed(credits))));
        let submitted = client.create(template("Teaser"), variables()).send().await.unwrap();
        let video = submitted.wait().await.unwrap();
        assert!(video.video_url().is_some());
        assert_eq!(states(&client).await, [EntryState::Submitted], "{credits:?}");
        assert_eq!(usage(&client).await, (5.into(), 0.into()));

        sandbox.set_faults(Faults::default());
        client.job(video.id()).await.unwrap();
        assert_eq!(states(&client).await, [EntryState::Settled]);
        assert_eq!(usage(&client).await, (0.into(), 5.into()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_job_without_a_charge_releases_its_reservation() {
    for (name, credits) in
        [("Always fails", Some(0)), ("Always fails", None), ("Always rejected", Some(0))]
    {
        let (sandbox, client) = spender().await;
        sandbox.set_faults(on_reads(Fault::Set(Field::CreditsUsed(credits))));
        let submitted = client.create(template(name), variables()).send().await.unwrap();
        assert_eq!(usage(&client).await, (5.into(), 0.into()));
        submitted.wait().await.unwrap_err();
        let entry = entries(&client).await.remove(0);
        assert_eq!((entry.state, entry.charged), (EntryState::Settled, Some(0.into())));
        assert!(matches!(entry.end, Some(JobEnd::Failed | JobEnd::Rejected)), "{entry:?}");
        assert_eq!(usage(&client).await, (0.into(), 0.into()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_preview_is_not_settled_with_the_charge_of_its_render() {
    let (sandbox, client) = spender().await;
    sandbox.set_faults(on_reads(Fault::Set(Field::CreditsUsed(Some(0)))));
    let preview = previewed(&client).await;
    sandbox.set_faults(Faults::default());
    // The render's first read would settle the preview; it does not show the charge yet either.
    let zero = Rule::new(Fault::Set(Field::CreditsUsed(Some(0))));
    let reads = zero.on(OperationId::GetCustomTemplateJob).at(1);
    let answer = Rule::new(Fault::Set(Field::CreditsUsed(Some(0))));
    let answer = answer.on(OperationId::RenderCustomTemplateJob);
    sandbox.set_faults(Faults::new(1).with(reads).with(answer));
    let submitted = client.render(preview.id()).send().await.unwrap();
    sandbox.set_faults(on_reads(Fault::Set(Field::CreditsUsed(Some(0)))));
    submitted.wait().await.unwrap();
    sandbox.set_faults(Faults::default());
    client.job(preview.id()).await.unwrap();
    let entries = entries(&client).await;
    let charged: Vec<_> = entries.iter().map(|entry| (entry.state, entry.charged)).collect();
    assert_eq!(charged, [(EntryState::Submitted, None), (EntryState::Settled, Some(4.into()))]);
    assert_eq!(usage(&client).await, (1.into(), 4.into()));
}

/// A duration of 0 is not a free video, and a missing model may be the dearest.
#[tokio::test(start_paused = true)]
async fn an_unknown_duration_or_model_is_never_estimated_as_cheap() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let preview = previewed(&client).await.id();
    let render = || client.render(preview).max_credits(4.into());
    for seconds in [Some(0), None] {
        sandbox.set_faults(on_reads(Fault::Set(Field::Duration(seconds))));
        let error = render().send().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    sandbox.set_faults(on_reads(Fault::Set(Field::ModelVersion(None))));
    let error = render().send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OverLimit(_)), "{error}");
    sandbox.set_faults(on_reads(Fault::UnknownEnum));
    let error = render().send().await.unwrap_err();
    let refused = [ErrorKind::InvalidInput];
    assert!(matches!(error.kind(), ErrorKind::OverLimit(_)) || refused.contains(error.kind()));
    assert_eq!(sandbox.request_count(OperationId::RenderCustomTemplateJob), 0);

    sandbox.set_faults(Faults::default());
    render().send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_reason_that_repeats_the_api_key_is_shown_without_it() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    sandbox.set_faults(on_reads(Fault::Body(BodyForm::EchoedKey)));
    let submitted = client.create(template("Always fails"), variables()).send().await.unwrap();
    let error = submitted.wait().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::JobFailed);
    let shown = format!("{error} {error:?}").to_lowercase();
    assert!(!shown.contains(sandbox.api_key()), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_a_render_is_about_the_rendered_job_whatever_id_it_shows() {
    let (sandbox, client) = spender().await;
    let preview = previewed(&client).await.id();
    let foreign = Rule::new(Fault::Body(BodyForm::ForeignId));
    sandbox.set_faults(Faults::new(1).with(foreign.on(OperationId::RenderCustomTemplateJob)));
    let submitted = client.render(preview).send().await.unwrap();
    assert_eq!(submitted.handle, JobHandle { id: preview, goal: Goal::Video });
    assert_eq!(submitted.job.id(), preview);
    submitted.wait().await.unwrap();
    assert_eq!(states(&client).await, [EntryState::Settled; 2]);

    // Also when the answer cannot be read.
    let preview = previewed(&client).await.id();
    let edits = [Fault::Set(Field::Status(None)), Fault::Body(BodyForm::ForeignId)];
    let edits = edits.map(|edit| Rule::new(edit).on(OperationId::RenderCustomTemplateJob));
    sandbox.set_faults(edits.into_iter().fold(Faults::new(1), Faults::with));
    let error = client.render(preview).send().await.unwrap_err();
    assert_eq!(error.job(), Some(JobHandle { id: preview, goal: Goal::Video }));
}

//! Every fault in every operation.

use std::fmt::Write;

use creatify::{ChargeRisk, Error, Job, OperationId, RetrySafety, Variables};
use creatify_sandbox::{Fault, Faults, Rule};

use crate::{
    faults::{FAULTS, for_good},
    row,
    scene::{Scene, name, template},
};

const TEXT: &str = "\
A GET is free and is sent again. A POST is sent again only when it certainly was not processed;
otherwise its outcome is unknown, and the brackets say what the service really did. \"After n\" is
the number of requests that arrived.
";

pub async fn section() -> String {
    let once = table(Some(1)).await;
    format!(
        "## A fault that happens once\n\n{TEXT}\n{once}\n## A fault that does not go away\n\n{}",
        table(None).await
    )
}

async fn table(times: Option<u64>) -> String {
    let names =
        OperationId::ALL.iter().map(|operation| operation.as_str().replace("custom_template_", ""));
    let names: Vec<_> = ["fault".to_owned()].into_iter().chain(names).collect();
    let mut table = crate::head(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for (name, fault) in FAULTS {
        let mut cells = vec![(*name).to_owned()];
        for operation in OperationId::ALL {
            cells.push(outcome(*fault, *operation, times).await);
        }
        table += &row(cells);
    }
    table
}

/// Makes the call with the fault, checks the promises that hold for all faults, and returns the
/// outcome.
async fn outcome(fault: Fault, operation: OperationId, times: Option<u64>) -> String {
    let scene = Scene::new().await;
    let fault = if times.is_none() { for_good(fault) } else { fault };
    let calls = scene.accepted_calls();
    if let Fault::Refuse(_) = fault {
        // Nothing listens any more once this call has ended.
        scene.sandbox.set_faults(
            Faults::new(1).with(Rule::new(fault).on(OperationId::GetRemainingCredits).at(1)),
        );
        scene.client.remaining_credits().await.unwrap();
    } else {
        let rule = Rule::new(fault).on(operation);
        scene.sandbox.set_faults(Faults::new(1).with(times.into_iter().fold(rule, Rule::limit)));
    }

    let requests = scene.sandbox.request_count(operation);
    let called = call(&scene, operation).await;
    let sent = scene.sandbox.request_count(operation) - requests;
    let accepted = scene.accepted_calls() - calls;
    let place = format!("{fault:?} {operation}: {called:?}");
    assert!(!scene.sandbox.faults_fired().is_empty(), "the fault did not happen: {place}");
    assert_eq!(scene.sandbox.leaked_credentials(), 0, "credentials went to another host: {place}");
    assert!(accepted <= 1, "paid {accepted} times: {place}");

    let mut cell = name(&called);
    if sent > 1 {
        write!(cell, " after {sent}").unwrap();
    }
    if operation.billing().is_some() {
        match &called {
            Ok(_) => assert_eq!(accepted, 1, "{place}"),
            Err(error) => match error.charge_risk() {
                ChargeRisk::None => assert_eq!(accepted, 0, "a charge was denied: {place}"),
                ChargeRisk::Charged => {
                    assert_eq!(accepted, 1, "a charge was invented: {place}");
                    assert_eq!(error.retry_safety(), RetrySafety::Unsafe, "{place}");
                    if let Some(job) = error.job() {
                        // The paid job can be waited for.
                        scene.sandbox.set_faults(Faults::default());
                        scene.client.wait(job).await.unwrap();
                        cell += ", charged, job known";
                    } else {
                        assert!(
                            error.submission_record().is_some(),
                            "nothing to reconcile by: {place}"
                        );
                        cell += ", charged";
                    }
                }
                _ => {
                    assert_eq!((sent, error.retry_safety()), (1, RetrySafety::Unsafe), "{place}");
                    cell += if accepted == 1 { " (was charged)" } else { " (was not)" };
                }
            },
        }
    }
    cell
}

async fn call(scene: &Scene, operation: OperationId) -> Result<Option<Job>, Error> {
    let Scene { client, previewed, other, .. } = scene;
    let accepted = |accepted: creatify::SubmittedJob| Some(accepted.job);
    match operation {
        OperationId::CreateCustomTemplateJob => {
            client.create(template(), Variables::new()).send().await.map(accepted)
        }
        OperationId::PreviewCustomTemplateJob => {
            client.preview(template(), Variables::new()).blocking().send().await.map(accepted)
        }
        OperationId::PreviewCustomTemplateJobAsync => {
            client.preview(template(), Variables::new()).send().await.map(accepted)
        }
        OperationId::RenderCustomTemplateJob => {
            client.render(*previewed).send().await.map(accepted)
        }
        OperationId::GetCustomTemplateJob => client.job(*previewed).await.map(Some),
        OperationId::ListCustomTemplateJobs => {
            client.get_jobs(&[*previewed, *other]).await.map(|_| None)
        }
        OperationId::ListCustomTemplates => client.templates().await.map(|_| None),
        _ => client.remaining_credits().await.map(|_| None),
    }
}

//! Connections that close, and gateways that answer in the service's place.

use creatify::{ChargeRisk, ErrorKind, OperationId, RetrySafety};
use creatify_sandbox::{Fault, Faults, Rule};

use crate::{client, previewed, sandbox, template, variables};

/// A pooled connection that the server is closing would lose the render.
#[tokio::test(start_paused = true)]
async fn no_render_is_lost_on_a_connection_that_the_server_closes() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let mut previews = Vec::new();
    for _ in 0..100 {
        let preview = client.preview(template("Teaser"), variables()).send().await.unwrap();
        previews.push(preview.handle);
    }
    for preview in client.wait_all(&previews).await {
        preview.unwrap();
    }
    sandbox.set_faults(Faults::new(1).with(Rule::new(Fault::CloseAfter)));
    for preview in previews {
        client.job(preview.id).await.unwrap();
        if let Err(error) = client.render(preview.id).send().await {
            panic!("{error}");
        }
    }
    assert_eq!(sandbox.request_count(OperationId::RenderCustomTemplateJob), 100);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_prove_a_refusal_leaves_the_outcome_unknown() {
    for fault in [
        Fault::Unavailable(1),
        Fault::Html(403),
        Fault::Html(460),
        Fault::Html(499),
        Fault::Xml(503),
    ] {
        let sandbox = sandbox().await;
        let client = client(&sandbox);
        let preview = previewed(&client).await.id();
        let rule = Rule::new(fault).on(OperationId::RenderCustomTemplateJob);
        sandbox.set_faults(Faults::new(1).with(rule));
        let error = client.render(preview).send().await.unwrap_err();
        assert!(error.is_outcome_unknown(), "{fault:?} {error}");
        let told = (error.charge_risk(), error.retry_safety(), error.attempts());
        assert_eq!(told, (ChargeRisk::Unknown, RetrySafety::Unsafe, 1), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_a_gateway_refuses_does_not_end_the_wait() {
    for status in [400, 401, 403, 405, 460, 499] {
        let sandbox = sandbox().await;
        let client = client(&sandbox);
        let refused = Rule::new(Fault::Html(status)).on(OperationId::GetCustomTemplateJob);
        sandbox.set_faults(Faults::new(1).with(refused.limit(5)));
        let submitted = client.create(template("Teaser"), variables()).send().await.unwrap();
        assert!(submitted.wait().await.unwrap().video_url().is_some(), "{status}");
        assert_eq!(sandbox.faults_fired().len(), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_that_the_service_refuses_leaves_the_job_charged() {
    for status in [400, 401, 403, 405] {
        let sandbox = sandbox().await;
        let client = client(&sandbox);
        let refused = Rule::new(Fault::ErrorBefore(status)).on(OperationId::GetCustomTemplateJob);
        sandbox.set_faults(Faults::new(1).with(refused));
        let submitted = client.create(template("Teaser"), variables()).send().await.unwrap();
        let error = submitted.wait().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::StatusRefused, "{status} {error}");
        assert_eq!(error.charge_risk(), ChargeRisk::Charged);
        assert_eq!(error.job(), Some(submitted.handle));
        sandbox.set_faults(Faults::default());
        client.wait(submitted.handle).await.unwrap();
    }
}

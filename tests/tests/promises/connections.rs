//! Connections that close, and gateways that answer in the service's place.

use creatify::{ChargeRisk, Client, Credentials, ErrorKind, JobId, OperationId, RetrySafety};
use creatify_sandbox::{BodyForm, Fault, Faults, Rule};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::{client, previewed, sandbox, template, variables};

/// Starts a server that closes a connection when a billable request comes on one that was used
/// before, as a server does that is about to close idle connections. Returns its URL.
async fn closes_used_connections() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(BufReader::new(stream)));
        }
    });
    url
}

async fn serve(mut stream: BufReader<TcpStream>) {
    for request in 0.. {
        let (mut first, mut line, mut length) = (String::new(), String::new(), 0);
        if !matches!(stream.read_line(&mut first).await, Ok(1..)) {
            return;
        }
        while stream.read_line(&mut line).await.unwrap() > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        stream.read_exact(&mut vec![0; length]).await.unwrap();
        let is_post = first.starts_with("POST");
        if is_post && request > 0 {
            return;
        }
        let id = first.split('/').find(|part| part.len() == 36).unwrap();
        let status = if is_post { "pending" } else { "done" };
        let body = format!("{{\"id\": \"{id}\", \"status\": \"{status}\"}}");
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn no_render_is_lost_on_a_connection_that_the_server_is_closing() {
    let credentials = Credentials::new("account-0817", "5f3aC9e741b02d68").unwrap();
    let url = closes_used_connections().await;
    let client = Client::builder().credentials(credentials).base_url(url).build().unwrap();
    for job in 1..=100 {
        let job = JobId::from(uuid::Uuid::from_u128(job));
        client.job(job).await.unwrap();
        client.render(job).send().await.unwrap();
    }
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
async fn words_of_refusal_in_a_success_do_not_end_the_wait() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let refusal = Fault::Body(BodyForm::SuccessFalse);
    let refused = Rule::new(refusal).on(OperationId::GetCustomTemplateJob);
    sandbox.set_faults(Faults::new(1).with(refused.limit(5)));
    let submitted = client.create(template("Teaser"), variables()).send().await.unwrap();
    assert!(submitted.wait().await.unwrap().video_url().is_some());
    assert_eq!(sandbox.faults_fired().len(), 5);
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

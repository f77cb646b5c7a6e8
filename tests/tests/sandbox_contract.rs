//! Agreement of the sandbox with the specification: every answer, and every request that it takes.

#![allow(clippy::unwrap_used)] // a test file

use std::{sync::Arc, time::Duration};

use creatify_api::OperationId;
use creatify_sandbox::{Sandbox, templates};
use creatify_tests::{
    contract::Contract,
    document::{DOCUMENT, object},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

struct Api {
    sandbox: Sandbox,
    http: reqwest::Client,
    contract: Contract,
}

impl Api {
    async fn start() -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let tls = tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
        let http =
            reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls).build().unwrap();
        Self { sandbox: Sandbox::start().await.unwrap(), http, contract: Contract::default() }
    }

    /// Sends a request and checks its answer against the specification.
    async fn send(
        &self,
        operation: OperationId,
        id: &str,
        query: &str,
        key: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let path = operation.path().replace("{id}", id);
        let url = format!("{}{path}{query}", self.sandbox.base_url());
        let method = Method::from_bytes(operation.method().as_str().as_bytes()).unwrap();
        let mut request = self
            .http
            .request(method, url)
            .header("x-api-id", self.sandbox.api_id())
            .header("x-api-key", key);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let bytes = response.bytes().await.unwrap();
        let answer = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        self.contract
            .check_response(operation.as_str(), status.as_u16(), &answer)
            .unwrap_or_else(|problem| panic!("{operation} {status}: {problem}"));
        if let (true, Some(body)) = (status.is_success(), body) {
            self.contract
                .check_request(operation.as_str(), &body)
                .unwrap_or_else(|problem| panic!("{operation}: {problem}"));
        }
        (status, answer)
    }

    async fn ask(
        &self,
        operation: OperationId,
        id: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        self.send(operation, id, "", self.sandbox.api_key(), body).await
    }

    /// Polls until the job has the output.
    async fn until(&self, id: &str, output: &str) -> Value {
        loop {
            let (_, job) = self.ask(OperationId::GetCustomTemplateJob, id, None).await;
            if job["status"] == "done" && job[output].is_string() {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

fn example(name: &str) -> Value {
    let mut example = DOCUMENT["components"]["examples"][name]["value"].clone();
    example["template_id"] = json!(templates()[0].id);
    example["webhook_url"] = Value::Null;
    example
}

#[tokio::test(start_paused = true)]
async fn every_operation_answers_as_the_specification_says() {
    let api = Api::start().await;
    let mut tried = std::collections::BTreeSet::new();
    for operation in OperationId::ALL.iter().filter(|operation| operation.method() == Method::POST)
    {
        if *operation != OperationId::RenderCustomTemplateJob {
            for name in ["NewJobTextAndImage", "NewJobEveryType"] {
                let (status, job) = api.ask(*operation, "", Some(example(name))).await;
                assert!(status.is_success());
                let output = if *operation == OperationId::CreateCustomTemplateJob {
                    "video_output"
                } else {
                    "preview"
                };
                let job = api.until(job["id"].as_str().unwrap(), output).await;
                tried.insert(*operation);
                if output == "preview" {
                    let id = job["id"].as_str().unwrap();
                    let (status, _) =
                        api.ask(OperationId::RenderCustomTemplateJob, id, Some(json!({}))).await;
                    assert!(status.is_success());
                    tried.insert(OperationId::RenderCustomTemplateJob);
                    api.until(id, "video_output").await;
                }
            }
        }
    }
    for operation in OperationId::ALL.iter().filter(|operation| operation.method() == Method::GET) {
        let (_, jobs) = api.ask(OperationId::ListCustomTemplateJobs, "", None).await;
        let (status, _) = api.ask(*operation, jobs[0]["id"].as_str().unwrap(), None).await;
        assert_eq!(status, 200);
        tried.insert(*operation);
    }
    assert_eq!(tried.len(), OperationId::ALL.len());
}

#[tokio::test(start_paused = true)]
async fn every_refusal_is_as_the_specification_says() {
    let api = Api::start().await;
    let nobody = "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11";
    for operation in OperationId::ALL {
        let (status, _) = api.send(*operation, nobody, "", "wrong", None).await;
        assert_eq!(status, 401, "{operation}");
    }
    for operation in OperationId::ALL.iter().filter(|operation| operation.path().contains("{id}")) {
        let body = (operation.method() == Method::POST).then(|| json!({}));
        assert_eq!(api.ask(*operation, nobody, body).await.0, 404, "{operation}");
    }
    let wrong = [
        json!([]),
        json!({}),
        json!({ "template_id": "x", "variables": {} }),
        json!({ "template_id": nobody, "variables": {} }),
        json!({ "template_id": templates()[0].id, "variables": 7, "name": "n".repeat(256) }),
        json!({ "template_id": templates()[0].id, "variables": { "hero": { "type": "image", "properties": {} } } }),
        json!({ "template_id": templates()[0].id, "variables": {}, "model_version": "aurora_v9", "webhook_url": "x", "is_hidden": 7 }),
    ];
    for operation in OperationId::ALL
        .iter()
        .filter(|operation| operation.billing().is_some() && !operation.path().contains("{id}"))
    {
        for body in &wrong {
            let (status, answer) = api.ask(*operation, "", Some(body.clone())).await;
            assert_eq!(status, 400, "{operation} {body} {answer}");
            assert!(!object_or_list_is_empty(&answer));
        }
    }
    let (status, _) = api
        .send(OperationId::ListCustomTemplateJobs, "", "?ids=x", api.sandbox.api_key(), None)
        .await;
    assert_eq!(status, 400);
    assert_eq!(api.sandbox.charged(), 0.into());
}

fn object_or_list_is_empty(value: &Value) -> bool {
    value.as_array().map_or_else(|| object(value).is_empty(), Vec::is_empty)
}

#[tokio::test(start_paused = true)]
async fn an_empty_account_is_refused_as_the_specification_says() {
    let mut api = Api::start().await;
    api.sandbox = Sandbox::builder().credits(0).start().await.unwrap();
    let (status, _) = api
        .ask(OperationId::CreateCustomTemplateJob, "", Some(example("NewJobTextAndImage")))
        .await;
    assert_eq!(status, 402);
}

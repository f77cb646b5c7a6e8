//! Tests through HTTP: real sockets and a paused clock, so no test waits.

mod api;
mod faults;
mod flow;
mod media;
mod webhooks;

use std::{sync::Once, time::Duration};

use creatify_api::OperationId;
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    BodyForm, ContentType, Fault, Faults, Field, Rule, Sandbox, SandboxBuilder, Template, Timing,
    templates,
};

const JOBS: &str = "/api/custom_template_jobs/";
const PREVIEW: &str = "/api/custom_template_jobs/preview/";
const PREVIEW_ASYNC: &str = "/api/custom_template_jobs/preview_async/";
const TEMPLATES: &str = "/api/custom_templates/";
const CREDITS: &str = "/api/remaining_credits/";

/// A real-time sandbox with exact times (queue 15 s, previews 40 s, videos 150 s), and an HTTP
/// client.
struct Fixture {
    sandbox: Sandbox,
    http: reqwest::Client,
}

fn http() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| rustls::crypto::ring::default_provider().install_default().unwrap());
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .redirect(reqwest::redirect::Policy::none());
    client.build().unwrap()
}

fn exact() -> SandboxBuilder {
    Sandbox::builder().speed(1.0).timing(Timing { sigma: 0.0, ..Timing::default() })
}

fn template(name: &str) -> &'static Template {
    templates().iter().find(|template| template.name == name).unwrap()
}

fn request_body(name: &str) -> Value {
    let headline = json!({ "type": "text", "properties": { "content": "Hi" } });
    json!({ "template_id": template(name).id, "variables": { "headline": headline } })
}

fn job_path(job: &Value) -> String {
    format!("{JOBS}{}/", id(job))
}

fn id(job: &Value) -> Uuid {
    job["id"].as_str().unwrap().parse().unwrap()
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

impl Fixture {
    async fn start() -> Self {
        Self::of(exact()).await
    }

    async fn of(builder: SandboxBuilder) -> Self {
        Self { sandbox: builder.start().await.unwrap(), http: http() }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.sandbox.base_url()));
        request
            .header("X-API-ID", self.sandbox.api_id())
            .header("X-API-KEY", self.sandbox.api_key())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        respond(self.request(Method::GET, path)).await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        respond(self.request(Method::POST, path).json(body)).await
    }

    /// Posts and expects 200 or 201.
    async fn submit(&self, path: &str, body: &Value) -> Value {
        let (status, job) = self.post(path, body).await;
        assert!(matches!(status, 200 | 201), "{status} {job}");
        job
    }

    async fn balance(&self) -> Value {
        self.get(CREDITS).await.1["remaining_credits"].clone()
    }

    async fn fetch(
        &self,
        url: &str,
        headers: &[(&'static str, &str)],
    ) -> (StatusCode, HeaderMap, Vec<u8>) {
        let mut request = self.http.get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        (response.status(), response.headers().clone(), response.bytes().await.unwrap().to_vec())
    }
}

/// Returns the status and JSON of a response; every response of the API is JSON.
async fn respond(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    (response.status().as_u16(), response.json().await.unwrap())
}

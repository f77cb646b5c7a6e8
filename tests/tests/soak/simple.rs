//! The strategy of a simple caller, for comparison.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use creatify::Job;
use creatify_api::types;
use creatify_sandbox::{Sandbox, templates};

use crate::variables;

/// Uses the generated client alone. A POST is sent again after any failure, up to this many times.
pub async fn video(
    api: creatify_api::Client,
    task: usize,
    known: Arc<Mutex<Vec<String>>>,
    attempts: usize,
) -> Option<Job> {
    let body = types::CustomTemplateJobRequest {
        template_id: templates()[0].id,
        variables: serde_json::from_value(serde_json::to_value(variables(task)).unwrap()).unwrap(),
        name: None,
        webhook_url: None,
        model_version: None,
        is_hidden: None,
    };
    let mut accepted = None;
    for _ in 0..attempts {
        if let Ok(job) = api.preview_custom_template_job_async().body(body.clone()).send().await {
            accepted = Some(job.id);
            break;
        }
    }
    let id = accepted?;
    known.lock().unwrap().push(id.to_string());
    poll(&api, id, attempts, |job| job.preview.is_some()).await?;
    let mut rendering = false;
    for _ in 0..attempts {
        rendering = rendering || api.render_custom_template_job().id(id).send().await.is_ok();
    }
    if !rendering {
        return None;
    }
    poll(&api, id, attempts, |job| job.video_output.is_some()).await.map(Job::from)
}

async fn poll(
    api: &creatify_api::Client,
    id: impl Into<uuid::Uuid> + Copy,
    attempts: usize,
    done: impl Fn(&types::CustomTemplateJob) -> bool,
) -> Option<types::CustomTemplateJob> {
    let mut failures = 0;
    loop {
        tokio::time::sleep(Duration::from_secs(10)).await;
        match api.get_custom_template_job().id(id.into()).send().await {
            Ok(job) if job.status.as_str() == "done" && done(&job) => {
                return Some(job.into_inner());
            }
            Ok(job) if matches!(job.status.as_str(), "failed" | "rejected") => return None,
            Ok(_) => failures = 0,
            Err(_) => {
                failures += 1;
                if failures >= attempts {
                    return None;
                }
            }
        }
    }
}

pub fn api(sandbox: &Sandbox) -> creatify_api::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let tls = tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let http =
        reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls).build().unwrap();
    let context =
        creatify_api::Context::new(sandbox.credentials()).with_timeout(Duration::from_secs(30));
    creatify_api::Client::new_with_client(sandbox.base_url(), http, context)
}

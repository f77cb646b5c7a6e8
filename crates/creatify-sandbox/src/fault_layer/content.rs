//! Content faults: they change the processing of a request or the content of its response.

use axum::{
    body::{Body, Bytes},
    extract::Request,
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderValue, Method, Uri, header, response::Parts};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::{
    faults::{BodyForm, Fault, Target, edit_objects, page_of, replace_values, wrong_type},
    lifecycle::Outcome,
    media_file::Replaced,
    service::Service,
    state::CallFaults,
};

const WORK_FAILS: Outcome = Outcome::Failed("The renderer stopped because of a fault.");
const WORK_REJECTED: Outcome = Outcome::Rejected("Moderation rejected the content by a fault.");

/// A request on its way to its handler, with the edits of its response.
pub(super) struct Content<'a> {
    pub(super) service: &'a Service,
    pub(super) target: Target,
    pub(super) edits: Vec<Fault>,
    pub(super) request: Request,
    pub(super) next: Next,
}

impl Content<'_> {
    /// Processes the request and returns its response, with this fault and all edits applied.
    pub(super) async fn respond(self, fault: Option<Fault>) -> Response {
        let Self { service, target, edits, mut request, next } = self;
        if let Some(fault) = fault {
            prepare(fault, service, &mut request);
        }
        if edits.contains(&Fault::WithoutEtag) {
            request.headers_mut().remove(header::IF_RANGE);
        }
        let uri = request.uri().clone();
        let is_api_get = request.method() == Method::GET && target != Target::Media;
        let mut response = next.run(request).await;
        if is_api_get {
            let (parts, body) = response.into_parts();
            let fresh = read(body).await;
            let previous = service.faults.store_body(uri.to_string(), fresh.clone());
            let is_stale = fault == Some(Fault::Stale);
            let body = previous.filter(|_| is_stale).unwrap_or(fresh);
            response = rebuilt(parts, body);
        }
        if let Some(fault) = fault {
            response = changed(fault, response, &service.api_url, &uri).await;
        }
        if response.status().is_success() {
            for edit in edits {
                response = edited(edit, response).await;
            }
        }
        response
    }
}

/// Changes the request for faults of its processing.
fn prepare(fault: Fault, service: &Service, request: &mut Request) {
    let mut of_call = CallFaults::default();
    match fault {
        Fault::IgnoreIds => {
            if let Ok(uri) = request.uri().path().parse::<Uri>() {
                *request.uri_mut() = uri;
            }
        }
        Fault::Replaced => drop(request.extensions_mut().insert(Replaced)),
        Fault::ExpiredLink => service.expire_link(request.uri()),
        Fault::WorkFails => of_call.outcome = Some(WORK_FAILS),
        Fault::WorkRejected => of_call.outcome = Some(WORK_REJECTED),
        Fault::OldStatus(reads) => of_call.old_status_reads = reads,
        _ => {}
    }
    request.extensions_mut().insert(of_call);
}

/// Changes the content of a successful response.
async fn changed(fault: Fault, response: Response, api_url: &str, uri: &Uri) -> Response {
    match fault {
        Fault::Pages(size) => {
            with_json(response, |value| {
                if let Value::Array(items) = value {
                    *value = page_of(items, size, api_url, uri);
                }
            })
            .await
        }
        Fault::WrongTypes => with_json(response, |value| replace_values(value, wrong_type)).await,
        Fault::Nulls => {
            with_json(response, |value| replace_values(value, |_, _| Value::Null)).await
        }
        Fault::UnknownStatus => set(response, "status", json!("archived")).await,
        Fault::UnknownEnum => set(response, "model_version", json!("aurora_v9")).await,
        Fault::ExtraFields => {
            let thumbnail = json!({ "url": "https://e.com", "sizes": [1, 2] });
            set(response, "thumbnail", thumbnail).await
        }
        Fault::MissingOutput => {
            with_json(response, |value| {
                edit_objects(value, |job| {
                    if job.get("status") == Some(&json!("done")) {
                        job.insert("preview".into(), Value::Null);
                        job.insert("video_output".into(), Value::Null);
                    }
                })
            })
            .await
        }
        _ => response,
    }
}

/// Sets a field of each object.
async fn set(response: Response, field: &str, to: Value) -> Response {
    with_json(response, |value| {
        edit_objects(value, |object| _ = object.insert(field.into(), to.clone()))
    })
    .await
}

/// Applies an edit to a successful response.
async fn edited(edit: Fault, response: Response) -> Response {
    match edit {
        Fault::Body(form) => {
            let (parts, body) = response.into_parts();
            rebuilt(parts, form.rewrite(&read(body).await))
        }
        Fault::Set(field) => {
            with_json(response, |value| {
                edit_objects(value, |object| {
                    if let Some(value) = object.get_mut(field.name()) {
                        *value = field.value();
                    }
                })
            })
            .await
        }
        Fault::ContentType(content_type) => with_header(response, |headers| {
            headers.remove(header::CONTENT_TYPE);
            if let Some(value) = content_type.as_str() {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(value));
            }
        }),
        Fault::WithoutEtag => with_header(response, |headers| _ = headers.remove(header::ETAG)),
        Fault::IdInLocation => id_in_location(response).await,
        _ => response,
    }
}

/// Empties the body and names the job in the `Location` header.
async fn id_in_location(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = read(body).await;
    let value = serde_json::from_slice::<Value>(&body).unwrap_or_default();
    let location = value["id"].as_str().map(|id| format!("/api/custom_template_jobs/{id}/"));
    match location.and_then(|location| HeaderValue::try_from(location).ok()) {
        Some(location) => {
            parts.headers.insert(header::LOCATION, location);
            rebuilt(parts, BodyForm::Empty.rewrite(&body))
        }
        None => rebuilt(parts, body),
    }
}

fn with_header(mut response: Response, edit: impl FnOnce(&mut HeaderMap)) -> Response {
    edit(response.headers_mut());
    response
}

/// Edits the JSON of a successful response.
async fn with_json(response: Response, edit: impl FnOnce(&mut Value)) -> Response {
    let (parts, body) = response.into_parts();
    let body = read(body).await;
    match serde_json::from_slice(&body) {
        Ok(mut value) if parts.status.is_success() => {
            edit(&mut value);
            rebuilt(parts, value.to_string().into())
        }
        _ => rebuilt(parts, body),
    }
}

pub(super) async fn read(body: Body) -> Bytes {
    body.collect().await.map(|body| body.to_bytes()).unwrap_or_default()
}

fn rebuilt(mut parts: Parts, body: Bytes) -> Response {
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, body.into())
}

//! What does a fault do to a request and its answer?

use std::{io, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use creatify_api::OperationId;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Method, StatusCode, Uri, header};
use http_body_util::BodyExt;
use serde_json::{Map, Value, json};

use super::{Fault, Target};
use crate::{answer::Answer, service::Service};

/// Marks an answer that is not to be sent: its connection is closed instead. [`serve`](crate::serve) sees to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Broken;

/// Marks a request for a file that is another one than before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replaced;

/// Lets a request pass, or does to it what its fault says.
pub(crate) async fn misbehave(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    if service.faults.is_empty() {
        return next.run(request).await;
    }
    let Some(target) = target(&request) else { return next.run(request).await };
    match service.faults.next(target) {
        Some(fault) => strike(fault, target, &service, request, next).await,
        None => {
            let path = request.uri().to_string();
            let is_get = request.method() == Method::GET && target != Target::Media;
            let response = next.run(request).await;
            if !is_get {
                return response;
            }
            let (parts, body) = response.into_parts();
            let bytes = bytes(body).await;
            service.faults.remember(path, bytes.clone());
            Response::from_parts(parts, bytes.into())
        }
    }
}

/// The operation, by the path that matched; on the media host there is none.
fn target(request: &Request) -> Option<Target> {
    let matched = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str)?;
    let is_it = |operation: &&OperationId| {
        operation.path() == matched && operation.method() == request.method()
    };
    match OperationId::ALL.iter().find(is_it) {
        Some(operation) => Some(Target::Operation(*operation)),
        None if matched.starts_with("/api/") => None,
        None => Some(Target::Media),
    }
}

async fn strike(
    fault: Fault,
    target: Target,
    service: &Service,
    mut request: Request,
    next: Next,
) -> Response {
    let status = |code| StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let error = |code| {
        Answer::detail(status(code), status(code).canonical_reason().unwrap_or("Error"))
            .into_response()
    };
    match fault {
        Fault::Refuse(seconds) => {
            let response = next.run(request).await;
            let door =
                if target == Target::Media { &service.media_door } else { &service.api_door };
            door.close_for(Duration::try_from_secs_f64(seconds).unwrap_or_default()).await;
            response
        }
        Fault::DropBefore => broken(),
        Fault::DropAfter => {
            next.run(request).await;
            broken()
        }
        Fault::HangBefore => std::future::pending().await,
        Fault::HangAfter => {
            next.run(request).await;
            std::future::pending().await
        }
        Fault::Delay(seconds) => {
            let response = next.run(request).await;
            tokio::time::sleep(Duration::try_from_secs_f64(seconds).unwrap_or_default()).await;
            response
        }
        Fault::Truncate => truncated(next.run(request).await).await,
        Fault::Html(code) => {
            let page = format!(
                "<html><head><title>{code}</title></head><body><h1>{}</h1><hr>gateway</body></html>",
                status(code)
            );
            (status(code), [(header::CONTENT_TYPE, "text/html")], page).into_response()
        }
        Fault::Empty(code) => status(code).into_response(),
        Fault::Throttle(seconds) => (header_of(seconds), throttled()).into_response(),
        Fault::ThrottleSilently => throttled().into_response(),
        Fault::ThrottleUntil(seconds) => {
            let wait = TimeDelta::try_seconds(seconds.try_into().unwrap_or(i64::MAX))
                .unwrap_or(TimeDelta::MAX);
            let until = Utc::now().checked_add_signed(wait).unwrap_or(DateTime::<Utc>::MAX_UTC);
            (
                [(header::RETRY_AFTER, until.format("%a, %d %b %Y %H:%M:%S GMT").to_string())],
                throttled(),
            )
                .into_response()
        }
        Fault::Unavailable(seconds) => {
            (StatusCode::SERVICE_UNAVAILABLE, header_of(seconds)).into_response()
        }
        Fault::ErrorBefore(code) => error(code),
        Fault::ErrorAfter(code) => {
            next.run(request).await;
            error(code)
        }
        Fault::Redirect(code) => {
            (status(code), [(header::LOCATION, format!("{}{}", service.media_url, request.uri()))])
                .into_response()
        }
        Fault::Stale => {
            let (path, is_get) = (request.uri().to_string(), request.method() == Method::GET);
            let (parts, body) = next.run(request).await.into_parts();
            let fresh = bytes(body).await;
            let before = if is_get { service.faults.remember(path, fresh.clone()) } else { None };
            rebuilt(parts, before.unwrap_or(fresh))
        }
        Fault::Replaced => {
            request.extensions_mut().insert(Replaced);
            next.run(request).await
        }
        Fault::Twice | Fault::OutOfOrder | Fault::Forged => next.run(request).await, // these happen to webhooks
        Fault::IgnoreIds => next.run(without_query(request)).await,
        Fault::Pages(size) => pages(size, service, request, next).await,
        Fault::WrongTypes => {
            changed(next.run(request).await, &|name, value| wrong_type(name, value)).await
        }
        Fault::Nulls => changed(next.run(request).await, &|_, _| Value::Null).await,
        Fault::UnknownStatus => {
            edited(next.run(request).await, &|job| {
                drop(job.insert("status".into(), json!("archived")))
            })
            .await
        }
        Fault::UnknownEnum => {
            edited(next.run(request).await, &|job| {
                drop(job.insert("model_version".into(), json!("aurora_v9")))
            })
            .await
        }
        Fault::ExtraFields => {
            edited(next.run(request).await, &|job| {
                drop(
                    job.insert(
                        "thumbnail".into(),
                        json!({ "url": "https://e.com", "sizes": [1, 2] }),
                    ),
                )
            })
            .await
        }
        Fault::DoneWithoutOutput => {
            edited(next.run(request).await, &|job| {
                if job.get("status") == Some(&json!("done")) {
                    job.insert("preview".into(), Value::Null);
                    job.insert("video_output".into(), Value::Null);
                }
            })
            .await
        }
    }
}

fn broken() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Broken);
    response
}

fn throttled() -> Answer {
    Answer::detail(StatusCode::TOO_MANY_REQUESTS, "Request was throttled.")
}

fn header_of(seconds: u64) -> [(header::HeaderName, HeaderValue); 1] {
    [(header::RETRY_AFTER, HeaderValue::from(seconds))]
}

/// What was written is sent only when nothing more comes at once.
const FLUSH: Duration = Duration::from_millis(10);

/// The whole length in the head, half of the body, and then the end of the connection.
async fn truncated(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = bytes(body).await;
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    let half = bytes.slice(..bytes.len() / 2);
    let cut = async {
        tokio::time::sleep(FLUSH).await;
        Err(io::Error::other("cut off by a fault"))
    };
    let chunks = stream::once(async { Ok(half) }).chain(stream::once(cut));
    Response::from_parts(parts, Body::from_stream(chunks))
}

async fn bytes(body: Body) -> Bytes {
    body.collect().await.map(|body| body.to_bytes()).unwrap_or_default()
}

fn rebuilt(mut parts: http::response::Parts, body: Bytes) -> Response {
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, body.into())
}

/// Changes every object of a successful answer: the job, or each job of a list.
async fn edited(response: Response, edit: &(dyn Fn(&mut Map<String, Value>) + Sync)) -> Response {
    let (parts, body) = response.into_parts();
    let body = bytes(body).await;
    let Some(mut value) =
        serde_json::from_slice::<Value>(&body).ok().filter(|_| parts.status.is_success())
    else {
        return rebuilt(parts, body);
    };
    match &mut value {
        Value::Array(items) => items.iter_mut().filter_map(Value::as_object_mut).for_each(edit),
        Value::Object(object) => edit(object),
        _ => {}
    }
    rebuilt(parts, value.to_string().into())
}

/// Changes every member of every object, except ids and statuses.
async fn changed(response: Response, change: &(dyn Fn(&str, &Value) -> Value + Sync)) -> Response {
    edited(response, &|object| {
        for (name, value) in object
            .iter_mut()
            .filter(|(name, _)| !matches!(name.as_str(), "id" | "status" | "template_id"))
        {
            *value = change(name, value);
        }
    })
    .await
}

fn wrong_type(name: &str, value: &Value) -> Value {
    match value {
        Value::Number(number) => json!({ "value": number.to_string() }),
        Value::Null => json!([name]),
        other => json!([other]),
    }
}

fn without_query(mut request: Request) -> Request {
    if let Ok(uri) = request.uri().path().parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    request
}

/// One page of a list, with a `next` that leads to the following one.
async fn pages(size: usize, service: &Service, request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let query = || url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let page = query()
        .find_map(|(name, value)| (name == "page").then(|| value.parse::<usize>().ok())?)
        .unwrap_or(1)
        .max(1);
    let (parts, body) = next.run(request).await.into_parts();
    let body = bytes(body).await;
    let Ok(Value::Array(items)) = serde_json::from_slice(&body) else {
        return rebuilt(parts, body);
    };
    let link = |page: usize| {
        let others = query().filter(|(name, _)| name != "page");
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(others)
            .append_pair("page", &page.to_string())
            .finish();
        format!("{}{}?{query}", service.api_url, uri.path())
    };
    let from = (page - 1).saturating_mul(size);
    let results: Vec<_> = items.iter().skip(from).take(size).cloned().collect();
    let value = json!({
        "count": items.len(),
        "next": (from + results.len() < items.len()).then(|| link(page + 1)),
        "previous": (page > 1).then(|| link(page - 1)),
        "results": results,
    });
    rebuilt(parts, value.to_string().into())
}

//! Fault layer: the middleware that applies scheduled faults to requests and responses.

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
use http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header, response::Parts};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::{
    faults::{Fault, Target, edit_objects, page_of, replace_values, wrong_type},
    media_file::Replaced,
    response::JsonResponse,
    serve::CloseConnection,
    service::Service,
};

/// Passes a request on, with the fault that is scheduled for it.
pub(crate) async fn apply_faults(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    if service.faults.is_empty() {
        return next.run(request).await;
    }
    let Some(target) = target(&request) else { return next.run(request).await };
    match service.faults.next(target) {
        Some(fault) => apply(fault, target, &service, request, next).await,
        None => {
            let path = request.uri().to_string();
            let is_api_get = request.method() == Method::GET && target != Target::Media;
            let response = next.run(request).await;
            if !is_api_get {
                return response;
            }
            let (parts, body) = response.into_parts();
            let body = read(body).await;
            service.faults.store_body(path, body.clone());
            Response::from_parts(parts, body.into())
        }
    }
}

/// Returns the operation of the matched path; on the media host there is none.
fn target(request: &Request) -> Option<Target> {
    let matched = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str)?;
    let matches = |operation: &&OperationId| {
        operation.path() == matched && operation.method() == request.method()
    };
    match OperationId::ALL.iter().find(matches) {
        Some(operation) => Some(Target::Operation(*operation)),
        None if matched.starts_with("/api/") => None,
        None => Some(Target::Media),
    }
}

async fn apply(
    fault: Fault,
    target: Target,
    service: &Service,
    mut request: Request,
    next: Next,
) -> Response {
    match fault {
        Fault::Refuse(seconds) => {
            let response = next.run(request).await;
            let gate =
                if target == Target::Media { &service.media_gate } else { &service.api_gate };
            gate.close_for(duration(seconds)).await;
            response
        }
        Fault::DropBefore => close_connection(),
        Fault::DropAfter => {
            next.run(request).await;
            close_connection()
        }
        Fault::HangBefore => std::future::pending().await,
        Fault::HangAfter => {
            next.run(request).await;
            std::future::pending().await
        }
        Fault::Delay(seconds) => {
            let response = next.run(request).await;
            tokio::time::sleep(duration(seconds)).await;
            response
        }
        Fault::Truncate => truncated(next.run(request).await).await,
        Fault::Html(code) => html_page(code),
        Fault::Empty(code) => status(code).into_response(),
        Fault::Throttle(seconds) => (retry_after(seconds), throttled()).into_response(),
        Fault::ThrottleSilently => throttled().into_response(),
        Fault::ThrottleUntil(seconds) => throttled_until(seconds),
        Fault::Unavailable(seconds) => {
            (StatusCode::SERVICE_UNAVAILABLE, retry_after(seconds)).into_response()
        }
        Fault::ErrorBefore(code) => json_error(code),
        Fault::ErrorAfter(code) => {
            next.run(request).await;
            json_error(code)
        }
        Fault::Redirect(code) => {
            let location = format!("{}{}", service.media_url, request.uri());
            (status(code), [(header::LOCATION, location)]).into_response()
        }
        Fault::Stale => {
            let (path, is_get) = (request.uri().to_string(), request.method() == Method::GET);
            let (parts, body) = next.run(request).await.into_parts();
            let fresh = read(body).await;
            let before = if is_get { service.faults.store_body(path, fresh.clone()) } else { None };
            rebuilt(parts, before.unwrap_or(fresh))
        }
        Fault::Replaced => {
            request.extensions_mut().insert(Replaced);
            next.run(request).await
        }
        Fault::Twice | Fault::OutOfOrder | Fault::Forged => next.run(request).await, // webhooks'
        Fault::IgnoreIds => next.run(without_query(request)).await,
        Fault::Pages(size) => {
            let uri = request.uri().clone();
            edited(next.run(request).await, |value| {
                if let Value::Array(items) = value {
                    *value = page_of(items, size, &service.api_url, &uri);
                }
            })
            .await
        }
        Fault::WrongTypes => {
            edited(next.run(request).await, |value| replace_values(value, wrong_type)).await
        }
        Fault::Nulls => {
            edited(next.run(request).await, |value| replace_values(value, |_, _| Value::Null)).await
        }
        Fault::UnknownStatus => set(next.run(request).await, "status", json!("archived")).await,
        Fault::UnknownEnum => {
            set(next.run(request).await, "model_version", json!("aurora_v9")).await
        }
        Fault::ExtraFields => {
            let thumbnail = json!({ "url": "https://e.com", "sizes": [1, 2] });
            set(next.run(request).await, "thumbnail", thumbnail).await
        }
        Fault::DoneWithoutOutput => {
            edited(next.run(request).await, |value| {
                edit_objects(value, |job| {
                    if job.get("status") == Some(&json!("done")) {
                        job.insert("preview".into(), Value::Null);
                        job.insert("video_output".into(), Value::Null);
                    }
                })
            })
            .await
        }
    }
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn close_connection() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(CloseConnection);
    response
}

fn json_error(code: u16) -> Response {
    let reason = status(code).canonical_reason().unwrap_or("Error");
    JsonResponse::detail(status(code), reason).into_response()
}

fn html_page(code: u16) -> Response {
    let reason = status(code).canonical_reason().unwrap_or("Error");
    let page = format!(
        "<html><head><title>{code}</title></head>\
         <body><h1>{code} {reason}</h1><hr>gateway</body></html>"
    );
    (status(code), [(header::CONTENT_TYPE, "text/html")], page).into_response()
}

fn throttled() -> JsonResponse {
    JsonResponse::detail(StatusCode::TOO_MANY_REQUESTS, "Request was throttled.")
}

fn throttled_until(seconds: u64) -> Response {
    let wait =
        TimeDelta::try_seconds(seconds.try_into().unwrap_or(i64::MAX)).unwrap_or(TimeDelta::MAX);
    let until = Utc::now().checked_add_signed(wait).unwrap_or(DateTime::<Utc>::MAX_UTC);
    let date = until.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    ([(header::RETRY_AFTER, date)], throttled()).into_response()
}

fn retry_after(seconds: u64) -> [(HeaderName, HeaderValue); 1] {
    [(header::RETRY_AFTER, HeaderValue::from(seconds))]
}

/// The pause before the cut. hyper holds back bytes while more may follow at once.
const FLUSH: Duration = Duration::from_millis(10);

/// Announces the whole length, sends half of the body and closes the connection.
async fn truncated(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = read(body).await;
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    let half = body.slice(..body.len() / 2);
    let cut = async {
        tokio::time::sleep(FLUSH).await;
        Err(io::Error::other("connection closed by a fault"))
    };
    let chunks = stream::once(async { Ok(half) }).chain(stream::once(cut));
    Response::from_parts(parts, Body::from_stream(chunks))
}

async fn read(body: Body) -> Bytes {
    body.collect().await.map(|body| body.to_bytes()).unwrap_or_default()
}

fn rebuilt(mut parts: Parts, body: Bytes) -> Response {
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, body.into())
}

/// Edits the JSON of a successful response.
async fn edited(response: Response, edit: impl FnOnce(&mut Value)) -> Response {
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

/// Sets a field of each object.
async fn set(response: Response, field: &str, to: Value) -> Response {
    edited(response, |value| {
        edit_objects(value, |object| _ = object.insert(field.into(), to.clone()))
    })
    .await
}

fn without_query(mut request: Request) -> Request {
    if let Ok(uri) = request.uri().path().parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    request
}

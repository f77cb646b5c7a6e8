//! Fault layer: the middleware that applies scheduled faults to requests and responses.

mod content;
mod replies;

use std::{io, num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use creatify_api::OperationId;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Version, header};

use crate::{
    faults::{Fault, Target},
    response::storage_error,
    serve::{CloseAfter, CloseConnection},
    service::Service,
};
use content::{Content, read};

/// Passes a request on, with the faults that are scheduled for it.
pub(crate) async fn apply_faults(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    if service.faults.is_empty() {
        return next.run(request).await;
    }
    let Some(target) = target(&request) else { return next.run(request).await };
    let scheduled = service.faults.next(target);
    let content = Content { service: &service, target, edits: scheduled.edits, request, next };
    match scheduled.fault {
        Some(fault) => apply(fault, content).await,
        None => content.respond(None).await,
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

/// Applies faults of the connection and of the status; the others change the content.
async fn apply(fault: Fault, content: Content<'_>) -> Response {
    match fault {
        Fault::DropBefore => close_connection(),
        Fault::HangBefore => std::future::pending().await,
        Fault::Html(code) => replies::html_page(code),
        Fault::Xml(code) => storage_error(replies::status(code)).into_response(),
        Fault::Empty(code) => replies::status(code).into_response(),
        Fault::Throttle(seconds) => replies::throttled(seconds),
        Fault::ThrottleSilently => replies::throttled_silently().into_response(),
        Fault::ThrottleUntil(seconds) => replies::throttled_until(seconds),
        Fault::Unavailable(seconds) => replies::unavailable(seconds),
        Fault::ErrorBefore(code) => replies::json_error(code),
        Fault::Redirect(code) => {
            replies::redirect(code, &content.service.media_url, content.request.uri())
        }
        Fault::DropAfter => {
            content.respond(None).await;
            close_connection()
        }
        Fault::HangAfter => {
            content.respond(None).await;
            std::future::pending().await
        }
        Fault::ErrorAfter(code) => {
            content.respond(None).await;
            replies::json_error(code)
        }
        Fault::Refuse(seconds) => {
            let (service, target) = (content.service, content.target);
            let response = content.respond(None).await;
            let gate =
                if target == Target::Media { &service.media_gate } else { &service.api_gate };
            gate.close_for(duration(seconds)).await;
            response
        }
        Fault::Delay(seconds) => {
            let response = content.respond(None).await;
            tokio::time::sleep(duration(seconds)).await;
            response
        }
        Fault::Truncate => truncated(content.respond(None).await).await,
        Fault::TruncateSilently => truncated_silently(content.respond(None).await).await,
        Fault::Trickle(bytes) => trickling(content.respond(None).await, bytes).await,
        Fault::CloseAfter => {
            let mut response = content.respond(None).await;
            response.extensions_mut().insert(CloseAfter);
            response
        }
        of_content => content.respond(Some(of_content)).await,
    }
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn close_connection() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(CloseConnection);
    response
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

/// Sends half of the body as HTTP/1.0 does without a length: the end of the connection ends it.
async fn truncated_silently(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = read(body).await;
    parts.version = Version::HTTP_10;
    parts.headers.remove(header::CONTENT_LENGTH);
    let half = body.slice(..body.len() / 2);
    let of_unknown_length = stream::once(async { Ok::<_, io::Error>(half) });
    Response::from_parts(parts, Body::from_stream(of_unknown_length))
}

/// Announces the whole length and sends this many bytes a second.
async fn trickling(response: Response, bytes_per_second: NonZeroU32) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = read(body).await;
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    let size = usize::try_from(bytes_per_second.get()).unwrap_or(usize::MAX);
    let chunks = stream::unfold(body, move |mut rest: Bytes| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let chunk = rest.split_to(size.min(rest.len()));
        Some((Ok::<_, io::Error>(chunk), rest))
    });
    Response::from_parts(parts, Body::from_stream(chunks))
}

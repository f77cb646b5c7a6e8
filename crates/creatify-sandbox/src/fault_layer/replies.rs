//! Replies of faults that do not process the request.

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderName, HeaderValue, StatusCode, Uri, header};

use crate::response::JsonResponse;

pub(super) fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Returns the reason phrase, also for two statuses that only gateways use.
fn reason(code: u16) -> &'static str {
    match code {
        460 => "Client Closed Connection", // AWS load balancers
        499 => "Client Closed Request",    // nginx
        code => status(code).canonical_reason().unwrap_or("Error"),
    }
}

pub(super) fn json_error(code: u16) -> Response {
    JsonResponse::detail(status(code), reason(code)).into_response()
}

pub(super) fn html_page(code: u16) -> Response {
    let reason = reason(code);
    let page = format!(
        "<html><head><title>{code}</title></head>\
         <body><h1>{code} {reason}</h1><hr>gateway</body></html>"
    );
    (status(code), [(header::CONTENT_TYPE, "text/html")], page).into_response()
}

pub(super) fn throttled_silently() -> JsonResponse {
    JsonResponse::detail(StatusCode::TOO_MANY_REQUESTS, "Request was throttled.")
}

pub(super) fn throttled(seconds: u64) -> Response {
    (retry_after(seconds), throttled_silently()).into_response()
}

pub(super) fn throttled_until(seconds: u64) -> Response {
    let wait =
        TimeDelta::try_seconds(seconds.try_into().unwrap_or(i64::MAX)).unwrap_or(TimeDelta::MAX);
    let until = Utc::now().checked_add_signed(wait).unwrap_or(DateTime::<Utc>::MAX_UTC);
    let date = until.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    ([(header::RETRY_AFTER, date)], throttled_silently()).into_response()
}

pub(super) fn unavailable(seconds: u64) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, retry_after(seconds)).into_response()
}

pub(super) fn redirect(code: u16, base_url: &str, uri: &Uri) -> Response {
    (status(code), [(header::LOCATION, format!("{base_url}{uri}"))]).into_response()
}

fn retry_after(seconds: u64) -> [(HeaderName, HeaderValue); 1] {
    [(header::RETRY_AFTER, HeaderValue::from(seconds))]
}

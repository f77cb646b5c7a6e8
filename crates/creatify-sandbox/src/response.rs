//! JSON responses: jobs, templates and balances as the service writes them, errors as its framework
//! does.

use std::time::Duration;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use chrono::SecondsFormat;
use http::{StatusCode, header};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde_json::{Value, json};

use crate::{
    job::Job,
    service::Service,
    state::{Refusal, ServiceState},
    templates::Template,
};

/// A status and a JSON body.
#[derive(Debug)]
pub(crate) struct JsonResponse(pub(crate) StatusCode, pub(crate) Value);

impl JsonResponse {
    /// Creates an error response of one sentence.
    pub(crate) fn detail(status: StatusCode, text: impl Into<String>) -> Self {
        Self(status, json!({ "detail": text.into() }))
    }

    pub(crate) fn not_found() -> Self {
        Self::detail(StatusCode::NOT_FOUND, "Not found.")
    }
}

/// Returns the XML error document of a file storage.
pub(crate) fn storage_error(status: StatusCode) -> impl IntoResponse {
    let (code, message) = match status {
        StatusCode::FORBIDDEN => ("AccessDenied", "Request has expired"),
        StatusCode::NOT_FOUND => ("NoSuchKey", "The specified key does not exist."),
        StatusCode::SERVICE_UNAVAILABLE => ("SlowDown", "Please reduce your request rate."),
        _ => ("InternalError", "We encountered an internal error. Please try again."),
    };
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    (status, [(header::CONTENT_TYPE, "application/xml")], document)
}

impl IntoResponse for JsonResponse {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

impl From<Refusal> for JsonResponse {
    fn from(refusal: Refusal) -> Self {
        let without_field =
            |text: &str| Self(StatusCode::BAD_REQUEST, json!({ "non_field_errors": [text] }));
        match refusal {
            Refusal::NoSuchJob => Self::not_found(),
            Refusal::PreviewNotReady => without_field("The preview of this job is not ready."),
            Refusal::AlreadyRendering => without_field("This job is already rendering."),
            Refusal::InsufficientCredits => {
                Self::detail(StatusCode::PAYMENT_REQUIRED, "Insufficient credits.")
            }
            Refusal::NoPrice => Self::detail(
                StatusCode::INTERNAL_SERVER_ERROR,
                "The rate card has no price for this call.",
            ),
        }
    }
}

/// Returns a job at this moment, with all its fields.
pub(crate) fn job(service: &Service, state: &ServiceState, job: &Job, now: Duration) -> Value {
    let view = job.read_view(now, state.settings.progress);
    let params = &job.params;
    json!({
        "id": job.id,
        "created_at": date(service, job.first.timeline.accepted),
        "updated_at": date(service, view.updated),
        "variables": params.variables,
        "media_job": view.media_job,
        "video_output": view.media_job.map(|_| service.video_url(job.id)),
        "preview": view.has_preview.then(|| service.preview_url(job)),
        "editor_url": null, // this account has no access to the editor
        "failed_reason": view.failed_reason,
        "credits_used": number(view.credits_used),
        "duration": view.duration.map(|duration| duration.as_secs()),
        "status": view.status,
        "progress": view.progress,
        "name": params.name,
        "webhook_url": params.webhook_url,
        "model_version": params.model_version,
        "is_hidden": params.is_hidden,
    })
}

pub(crate) fn template(service: &Service, template: &Template) -> Value {
    let made = date(service, Duration::ZERO);
    json!({
        "template_id": template.id,
        "name": template.name,
        "preview": format!("{}/templates/{}.svg", service.media_url, template.id),
        "aspect_ratio": template.aspect_ratio,
        "created_at": made,
        "updated_at": made,
    })
}

/// Returns credits as a JSON number, an integer when possible.
pub(crate) fn number(credits: Decimal) -> Value {
    match credits.to_i64() {
        Some(whole) if credits.is_integer() => whole.into(),
        _ => credits.to_f64().into(),
    }
}

fn date(service: &Service, at: Duration) -> String {
    service.clock.date(at).to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_credits_are_written_as_integers() {
        let written = |mantissa, scale| number(Decimal::new(mantissa, scale)).to_string();
        assert_eq!(
            [written(40, 1), written(1235, 1), written(-5, 1), written(0, 0)],
            ["4", "123.5", "-0.5", "0"]
        );
    }
}

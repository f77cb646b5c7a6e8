//! How are answers written? Jobs, templates and balances as the service writes them, refusals as its framework does.

use std::time::Duration;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use chrono::SecondsFormat;
use http::StatusCode;
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde_json::{Value, json};

use crate::{job::Job, service::Service, templates::Template, world::Refusal, world::World};

/// A status and a JSON body.
#[derive(Debug)]
pub(crate) struct Answer(pub(crate) StatusCode, pub(crate) Value);

impl Answer {
    /// A refusal of one sentence.
    pub(crate) fn detail(status: StatusCode, text: impl Into<String>) -> Self {
        Self(status, json!({ "detail": text.into() }))
    }

    pub(crate) fn not_found() -> Self {
        Self::detail(StatusCode::NOT_FOUND, "Not found.")
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let of_no_field =
            |text: &str| Self(StatusCode::BAD_REQUEST, json!({ "non_field_errors": [text] }));
        match refusal {
            Refusal::NoSuchJob => Self::not_found(),
            Refusal::PreviewNotReady => of_no_field("The preview of this job is not ready."),
            Refusal::AlreadyRendering => of_no_field("This job is already rendering."),
            Refusal::InsufficientCredits => {
                Self::detail(StatusCode::PAYMENT_REQUIRED, "Insufficient credits.")
            }
            Refusal::NoPrice => Self::detail(
                StatusCode::INTERNAL_SERVER_ERROR,
                "The rate card has no price for this.",
            ),
        }
    }
}

/// A job as it shows at this moment, with all its fields.
pub(crate) fn job(service: &Service, world: &World, job: &Job, now: Duration) -> Value {
    let view = job.view(now, world.rules.progress);
    let order = &job.order;
    json!({
        "id": job.id,
        "created_at": date(service, job.first.plan.accepted),
        "updated_at": date(service, view.updated),
        "variables": order.variables,
        "media_job": view.media_job,
        "video_output": view.media_job.map(|_| service.video_url(job.id)),
        "preview": view.has_preview.then(|| service.preview_url(job)),
        "editor_url": null, // this account has no access to the editor
        "failed_reason": view.failed_reason,
        "credits_used": number(view.credits_used),
        "duration": view.duration.map(|duration| duration.as_secs()),
        "status": view.status,
        "progress": view.progress,
        "name": order.name,
        "webhook_url": order.webhook_url,
        "model_version": order.model_version,
        "is_hidden": order.is_hidden,
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

/// Credits as a JSON number, whole when they are.
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
    fn whole_credits_are_whole_numbers() {
        let written = |mantissa, scale| number(Decimal::new(mantissa, scale)).to_string();
        assert_eq!(
            [written(40, 1), written(1235, 1), written(-5, 1), written(0, 0)],
            ["4", "123.5", "-0.5", "0"]
        );
    }
}

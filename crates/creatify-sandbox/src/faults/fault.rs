//! Fault vocabulary: everything that can go wrong with a request, a response or a delivery.

use std::num::NonZeroU32;

use creatify_api::OperationId;
use serde::Deserialize;
use serde_json::Value;

use super::{body::BodyForm, target::Target};

/// One day, in seconds: longer than any test needs.
const MAX_SECONDS: f64 = 86_400.0;

/// A fault of a request and its response, or of a webhook delivery.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// The request gets its normal response; then the host refuses connections for this many
    /// seconds.
    Refuse(f64),
    /// The connection is closed before the request is processed. A webhook is not delivered.
    DropBefore,
    /// The request is processed and charged; the connection is closed without a response.
    DropAfter,
    /// The request is not processed and never gets a response.
    HangBefore,
    /// The request is processed and charged, and never gets a response.
    HangAfter,
    /// The request is processed; the response comes this many seconds late. So does a webhook.
    Delay(f64),
    /// The request is processed; the connection is closed in the middle of the response body.
    Truncate,
    /// The request is processed; half of the response body comes without an announced length, as
    /// from a server that ends the body by closing the connection.
    TruncateSilently,
    /// The request is processed; the connection is closed right after the response, without notice.
    CloseAfter,
    /// The request is processed; the response body comes at this many bytes per second.
    Trickle(NonZeroU32),
    /// An HTML page with this status. The request is not processed.
    Html(u16),
    /// An XML error document of a file storage with this status, which may be 200. The request is
    /// not processed.
    Xml(u16),
    /// An empty body with this status. The request is not processed.
    Empty(u16),
    /// A 429 with `Retry-After` in seconds. The request is not processed.
    Throttle(u64),
    /// A 429 without `Retry-After`. The request is not processed.
    ThrottleSilently,
    /// A 429 with `Retry-After` as an HTTP date this many seconds from now. The request is not
    /// processed.
    ThrottleUntil(u64),
    /// A 503 with `Retry-After` in seconds. The request is not processed.
    Unavailable(u64),
    /// A JSON error with this status. The request is not processed.
    ErrorBefore(u16),
    /// A JSON error with this status. The request is processed and charged.
    ErrorAfter(u16),
    /// A create, preview or render is accepted and charged, and its work fails.
    WorkFails,
    /// A create, preview or render is accepted and charged, and its work is rejected.
    WorkRejected,
    /// The response to a render and this many reads after it show the status from before the
    /// render: `done`, `failed` or `rejected`.
    OldStatus(u32),
    /// The response body has another form. Applies on top of other faults.
    Body(BodyForm),
    /// A field has another value. Applies on top of other faults.
    Set(Field),
    /// The response has this `Content-Type`, whatever its body. Applies on top of other faults.
    ContentType(ContentType),
    /// The body is empty; the id of the job is in the `Location` header only. Applies on top of
    /// other faults.
    IdInLocation,
    /// Every value of the response but ids and statuses has the wrong JSON type.
    WrongTypes,
    /// The status of a job is one that is not documented.
    UnknownStatus,
    /// The model version of a job is one that is not documented.
    UnknownEnum,
    /// Every value of the response but ids and statuses is null.
    Nulls,
    /// The response has fields that are not documented.
    ExtraFields,
    /// A job that is `done` does not show its preview or video yet.
    MissingOutput,
    /// A GET repeats the previous response of the same path.
    Stale,
    /// A list of jobs ignores `ids` and shows all jobs.
    IgnoreIds,
    /// A list comes in pages of this size.
    Pages(usize),
    /// A redirect with this status to the media host. The request is not processed.
    Redirect(u16),
    /// The video is a different file than before: other bytes, another length, another `ETag`.
    Replaced,
    /// The response has no `ETag`, and conditions on one are ignored. Applies on top of other
    /// faults.
    WithoutEtag,
    /// The link to the video has expired, now and later; the job shows a new one.
    ExpiredLink,
    /// A webhook is delivered twice.
    Twice,
    /// A webhook is held back until the last one of its call was delivered; several held-back
    /// webhooks come in reverse order.
    OutOfOrder,
    /// A forged webhook precedes the real one: `done`, with a video on another host.
    Forged,
}

/// A job or balance field with the value to show: an integer or null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Field {
    /// `credits_used` of a job.
    CreditsUsed(Option<i64>),
    /// `duration` of a job.
    Duration(Option<i64>),
    /// `model_version` of a job.
    ModelVersion(Option<i64>),
    /// `progress` of a job.
    Progress(Option<i64>),
    /// `status` of a job.
    Status(Option<i64>),
    /// `remaining_credits` of the account.
    RemainingCredits(Option<i64>),
}

/// A `Content-Type` that does not fit the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ContentType {
    /// `Text/HTML`, in this spelling.
    Html,
    /// `application/json`.
    Json,
    /// `application/octet-stream`.
    OctetStream,
    /// No `Content-Type` at all.
    Missing,
}

impl Field {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CreditsUsed(_) => "credits_used",
            Self::Duration(_) => "duration",
            Self::ModelVersion(_) => "model_version",
            Self::Progress(_) => "progress",
            Self::Status(_) => "status",
            Self::RemainingCredits(_) => "remaining_credits",
        }
    }

    pub(crate) fn value(self) -> Value {
        match self {
            Self::CreditsUsed(value)
            | Self::Duration(value)
            | Self::ModelVersion(value)
            | Self::Progress(value)
            | Self::Status(value)
            | Self::RemainingCredits(value) => value.into(),
        }
    }
}

impl ContentType {
    pub(crate) fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Html => Some("Text/HTML"),
            Self::Json => Some("application/json"),
            Self::OctetStream => Some("application/octet-stream"),
            Self::Missing => None,
        }
    }
}

impl Fault {
    /// Returns the only target that the fault applies to, if there is only one.
    pub(super) fn only_target(self) -> Option<Target> {
        match self {
            Self::Replaced | Self::WithoutEtag | Self::ExpiredLink => Some(Target::Media),
            Self::OldStatus(_) => Some(Target::Operation(OperationId::RenderCustomTemplateJob)),
            Self::Twice | Self::OutOfOrder | Self::Forged => Some(Target::Webhooks),
            _ => None,
        }
    }

    pub(super) fn applies_to(self, target: Target) -> bool {
        match (self, target) {
            (Self::Delay(_) | Self::DropBefore, Target::Webhooks) => true,
            (fault, Target::Webhooks) => fault.only_target() == Some(Target::Webhooks),
            (Self::WorkFails | Self::WorkRejected, Target::Operation(operation)) => {
                operation.billing().is_some()
            }
            (Self::WorkFails | Self::WorkRejected, _) => false,
            (Self::Body(BodyForm::Empty), Target::Media) => true,
            (Self::Body(_) | Self::Set(_) | Self::IdInLocation, Target::Media) => false,
            (fault, target) => fault.only_target().is_none_or(|only| only == target),
        }
    }

    /// Returns true for faults that edit a response on top of other faults.
    pub(crate) fn is_edit(self) -> bool {
        matches!(
            self,
            Self::Body(_)
                | Self::Set(_)
                | Self::ContentType(_)
                | Self::IdInLocation
                | Self::WithoutEtag
        )
    }

    /// Checks the number of the fault: its status, seconds or size.
    pub(super) fn check(self) -> Result<(), &'static str> {
        let status = match self {
            Self::Html(status)
            | Self::Empty(status)
            | Self::ErrorBefore(status)
            | Self::ErrorAfter(status) => Some((status, 400..=599)),
            Self::Xml(status) => Some((status, 200..=599)),
            Self::Redirect(status) => Some((status, 300..=399)),
            Self::Delay(seconds) | Self::Refuse(seconds)
                if !(0.0..=MAX_SECONDS).contains(&seconds) =>
            {
                return Err("the number of seconds must be between 0 and 86400");
            }
            Self::Pages(0) => return Err("a page must have at least one item"),
            _ => None,
        };
        match status {
            Some((status, allowed)) if !allowed.contains(&status) => {
                Err("this status does not fit the fault")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_readme_names_every_fault() {
        let variants_of = |source: &'static str, name: &str| {
            let body = source.split(&format!("pub enum {name} {{")).nth(1);
            body.and_then(|rest| rest.split("\n}").next()).unwrap()
        };
        let fault = variants_of(include_str!("fault.rs"), "Fault");
        let body = variants_of(include_str!("body.rs"), "BodyForm");
        let variants = fault
            .lines()
            .chain(body.lines())
            .map(str::trim)
            .filter(|line| line.starts_with(char::is_uppercase));
        let snake_case = |variant: &str| {
            let name: String = variant.chars().take_while(|c| c.is_alphanumeric()).collect();
            name.chars().fold(String::new(), |name, c| match c.is_uppercase() {
                true if name.is_empty() => c.to_lowercase().collect(),
                true => format!("{name}_{}", c.to_lowercase()),
                false => format!("{name}{c}"),
            })
        };
        let mut named = 0;
        for fault in variants.map(snake_case) {
            let readme = include_str!("../../README.md");
            assert!(
                readme.contains(&format!("`{fault}`")) || readme.contains(&format!("`{fault}: ")),
                "{fault} is not in the README"
            );
            named += 1;
        }
        assert!(named > 50, "the faults were not found");
    }
}

//! Fault vocabulary: everything that can go wrong with a request, a response or a delivery.

use serde::Deserialize;

use super::target::Target;

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
    /// An HTML page with this status. The request is not processed.
    Html(u16),
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
    DoneWithoutOutput,
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
    /// A webhook is delivered twice.
    Twice,
    /// A webhook is held back until the last one of its call was delivered; several held-back
    /// webhooks come in reverse order.
    OutOfOrder,
    /// A forged webhook precedes the real one: `done`, with a video on another host.
    Forged,
}

impl Fault {
    /// Returns the only target that the fault applies to, if there is only one.
    pub(super) fn only_target(self) -> Option<Target> {
        match self {
            Self::Replaced => Some(Target::Media),
            Self::Twice | Self::OutOfOrder | Self::Forged => Some(Target::Webhooks),
            _ => None,
        }
    }

    pub(super) fn applies_to(self, target: Target) -> bool {
        match (self, target) {
            (Self::Delay(_) | Self::DropBefore, Target::Webhooks) => true,
            (fault, Target::Webhooks) => fault.only_target() == Some(Target::Webhooks),
            (fault, target) => fault.only_target().is_none_or(|only| only == target),
        }
    }

    /// Checks the number of the fault: its status, seconds or size.
    pub(super) fn check(self) -> Result<(), &'static str> {
        let status = match self {
            Self::Html(status)
            | Self::Empty(status)
            | Self::ErrorBefore(status)
            | Self::ErrorAfter(status) => Some((status, 400..=599)),
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
        let source = include_str!("fault.rs");
        let of_enum = source
            .split("pub enum Fault {")
            .nth(1)
            .and_then(|rest| rest.split("\n}").next())
            .unwrap();
        let variants =
            of_enum.lines().map(str::trim).filter(|line| line.starts_with(char::is_uppercase));
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
        assert!(named > 20, "the faults were not found");
    }
}

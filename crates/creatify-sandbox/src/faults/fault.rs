//! What can go wrong with a request, an answer or a delivery?

use serde::Deserialize;

use super::Target;

/// A day is long enough for any test.
const LONGEST: f64 = 86_400.0;

/// What happens to a request and its answer, or to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// The request is answered as ever, and then nothing listens for so many seconds: connections are refused.
    Refuse(f64),
    /// The connection is closed before the request is processed. A webhook does not come.
    DropBefore,
    /// The request is processed, and charged, and the connection is closed without an answer.
    DropAfter,
    /// No answer ever comes, and the request is not processed.
    HangBefore,
    /// The request is processed, and charged, and no answer ever comes.
    HangAfter,
    /// The request is processed, and the answer comes after so many seconds. A webhook comes so much later.
    Delay(f64),
    /// The request is processed, and the connection is closed in the middle of the answer's body.
    Truncate,
    /// An HTML page with this status; the request is not processed.
    Html(u16),
    /// An empty body with this status; the request is not processed.
    Empty(u16),
    /// A 429 that says to come back after so many seconds; the request is not processed.
    Throttle(u64),
    /// A 429 without `Retry-After`; the request is not processed.
    ThrottleSilently,
    /// A 429 that says when to come back as an HTTP date, so many seconds from now; the request is not processed.
    ThrottleUntil(u64),
    /// A 503 that says to come back after so many seconds; the request is not processed.
    Unavailable(u64),
    /// An error with this status; the request is not processed.
    ErrorBefore(u16),
    /// The request is processed, and charged, and the answer is an error with this status.
    ErrorAfter(u16),
    /// The types of an answer are wrong; only ids and statuses are right.
    WrongTypes,
    /// A job's status is none that is documented.
    UnknownStatus,
    /// A job's model version is none that is documented.
    UnknownEnum,
    /// Everything in an answer but ids and statuses is null.
    Nulls,
    /// An answer has fields that are not documented.
    ExtraFields,
    /// A job that is done does not show its preview or video yet.
    DoneWithoutOutput,
    /// A GET is answered as the one before it at the same path.
    Stale,
    /// A list of jobs is all jobs, whatever `ids` says.
    IgnoreIds,
    /// A list comes in pages of so many.
    Pages(usize),
    /// A redirect with this status to the media host; the request is not processed.
    Redirect(u16),
    /// The video is another one than before: other bytes, and another `ETag`.
    Replaced,
    /// A webhook is delivered twice.
    Twice,
    /// A webhook is held back until the last one of its call was delivered; several come the latest first.
    OutOfOrder,
    /// Before a webhook comes another that is not the service's: it says that the job is done, with a video on some other host.
    Forged,
}

impl Fault {
    /// The only target that it can happen to, if there is only one.
    pub(super) fn only_to(self) -> Option<Target> {
        match self {
            Self::Replaced => Some(Target::Media),
            Self::Twice | Self::OutOfOrder | Self::Forged => Some(Target::Webhooks),
            _ => None,
        }
    }

    pub(super) fn can_happen_to(self, target: Target) -> bool {
        match (self, target) {
            (Self::Delay(_) | Self::DropBefore, Target::Webhooks) => true,
            (fault, Target::Webhooks) => fault.only_to() == Some(Target::Webhooks),
            (fault, target) => fault.only_to().is_none_or(|only| only == target),
        }
    }

    pub(super) fn check(self) -> Result<(), &'static str> {
        let status = match self {
            Self::Html(status)
            | Self::Empty(status)
            | Self::ErrorBefore(status)
            | Self::ErrorAfter(status) => Some((status, 400..=599)),
            Self::Redirect(status) => Some((status, 300..=399)),
            Self::Delay(seconds) | Self::Refuse(seconds) if !(0.0..=LONGEST).contains(&seconds) => {
                return Err("this takes from 0 to 86400 seconds");
            }
            Self::Pages(0) => return Err("a page has at least one job"),
            _ => None,
        };
        match status {
            Some((status, possible)) if !possible.contains(&status) => {
                Err("this status does not fit the fault")
            }
            _ => Ok(()),
        }
    }
}

//! Webhook deliveries: hints that a job may have changed.
//!
//! The service posts them to the `webhook_url` of a submission. No signature is documented, so
//! anyone can post there: read the job to learn its real state.
//!
//! `Receiver` (feature `webhook`) is a service for axum, hyper and others that takes deliveries,
//! and ends waits early by them. Without it, [`parse`] reads a delivery and
//! [`Client::hint`](crate::Client::hint) passes it on.

#[cfg(feature = "webhook")]
mod receiver;
#[cfg(feature = "webhook")]
mod secret;

#[cfg(feature = "webhook")]
pub use receiver::{Delivery, Receiver};

use creatify_api::{BodyExtent, JobStatus, types};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::{
    error::{Error, ErrorKind},
    http::{error_response::shortened, lenient},
    job::JobId,
};

/// Upper bound of a delivery, in bytes. A longer one is refused.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// A job that may have changed. Several hints may arrive for one change, late, and out of order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hint {
    /// Job to read, with [`Client::job`](crate::Client::job). Ignore the hint if it is not yours.
    pub job: JobId,
    /// Status that the sender claims.
    pub claimed_status: JobStatus,
}

impl Hint {
    /// Returns whether the sender claims that the job has ended, or that it has a status that this
    /// version does not know. Only then does a poll have something to find.
    pub fn claims_end(&self) -> bool {
        !matches!(self.claimed_status, JobStatus::Pending | JobStatus::InQueue | JobStatus::Running)
    }
}

/// Parses the body of a delivery. Free; no request.
///
/// It is read as leniently as an answer of the service: in other encodings, with a byte-order mark,
/// in an envelope. Only the id and the status are taken from it. The video's URL is left out on
/// purpose: read the job and take it from there.
///
/// ```
/// let body = br#"{
///     "id": "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11",
///     "status": "done",
///     "output": "https://evil.example/x.mp4"
/// }"#;
/// let hint = creatify::webhook::parse(body)?;
/// assert_eq!(hint.job.to_string(), "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11");
/// # Ok::<(), creatify::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Undecodable`] when it is not a delivery, or is longer than [`MAX_BODY_BYTES`].
#[doc(alias = "callback")]
#[doc(alias = "signature")]
pub fn parse(body: &[u8]) -> Result<Hint, Error> {
    if body.len() > MAX_BODY_BYTES {
        let message = format!(
            "the webhook delivery has {} bytes; at most {MAX_BODY_BYTES} are read",
            body.len()
        );
        return Err(Error::new(ErrorKind::Undecodable, message));
    }
    match lenient::decode::<Event>(body, BodyExtent::Whole) {
        Some((Event(event), _)) => Ok(Hint { job: event.id.into(), claimed_status: event.status }),
        None => {
            let error = Error::new(ErrorKind::Undecodable, "the webhook delivery cannot be read");
            Err(match lenient::decode_error::<Event>(body) {
                Some(reason) => error.because(shortened(&reason)),
                None => error,
            })
        }
    }
}

/// An event of which only the id and the status are read.
struct Event(types::JobEvent);

impl<'de> Deserialize<'de> for Event {
    /// Deserializes an object: an array of the same values would decode too.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut event = Map::<String, Value>::deserialize(deserializer)?;
        event.retain(|field, _| matches!(field.as_str(), "id" | "status"));
        serde_json::from_value(event.into()).map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11";

    fn status(body: impl AsRef<[u8]>) -> String {
        let hint = parse(body.as_ref()).unwrap();
        assert_eq!(hint.job.to_string(), ID);
        hint.claimed_status.as_str().to_owned()
    }

    #[test]
    fn a_delivery_is_parsed_or_refused() {
        let body =
            format!(r#"{{"id": "{ID}", "status": "archived", "failed_reason": null, "extra": 1}}"#);
        assert_eq!(status(body), "archived");
        let array = format!(r#"["", "{ID}", "", "done", ""]"#);
        for wrong in [
            &array,
            "",
            "[]",
            "{}",
            r#"{"id": "x", "status": "done"}"#,
            &" ".repeat(MAX_BODY_BYTES + 1),
        ] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn other_fields_cannot_spoil_a_delivery() {
        let body = format!(
            r#"{{"id": "{ID}", "status": "done", "failed_reason": ["x"], "output": 7,
               "video_output": {{}}, "credits_used": "5.00", "template_id": 1}}"#
        );
        assert_eq!(status(body), "done");
    }

    #[test]
    fn marks_encodings_and_broken_escapes_are_read() {
        let body = format!(
            r#"{{"id": "{ID}", "status": "done", "failed_reason": "\u00e9 \ud83d", "name": "é"}}"#
        );
        let utf16 = |order: fn(u16) -> [u8; 2]| {
            "\u{feff}".encode_utf16().chain(body.encode_utf16()).flat_map(order).collect::<Vec<_>>()
        };
        let latin_1 = body.chars().map(|character| character as u8).collect::<Vec<_>>();
        for form in [
            format!("\u{feff}{body}").into_bytes(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
            latin_1,
            body.replace("é", "\u{7}\n").into_bytes(),
            format!(r#"{{"data": {body}}}"#).into_bytes(),
        ] {
            assert_eq!(status(&form), "done", "{}", String::from_utf8_lossy(&form));
        }
    }

    #[test]
    fn a_delivery_about_a_job_that_goes_on_claims_no_end() {
        let claims_end = |status: &str| {
            let body = format!(r#"{{"id": "{ID}", "status": "{status}"}}"#);
            parse(body.as_bytes()).unwrap().claims_end()
        };
        for status in ["pending", "in_queue", "running"] {
            assert!(!claims_end(status), "{status}");
        }
        for status in ["done", "failed", "rejected", "archived", "DONE", ""] {
            assert!(claims_end(status), "{status}");
        }
    }

    fn shown(error: &dyn std::error::Error) -> String {
        std::iter::successors(Some(error), |error| error.source())
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(": ")
    }

    #[test]
    fn control_characters_of_the_sender_are_never_displayed() {
        let body = format!(r#"{{"id": "{ID}", "status": "done\u001b[2J\u202e"}}"#);
        let hint = parse(body.as_bytes()).unwrap();
        assert_eq!(hint.claimed_status.to_string(), r"done\u{1b}[2J\u{202e}");
        let error = parse(br#"{"id": "x\u001b[2J", "status": "done"}"#).unwrap_err();
        assert!(!shown(&error).contains(char::is_control), "{error:?}");
    }

    proptest! {
        #[test]
        fn any_body_is_parsed_or_refused_in_one_short_line(body in any::<Vec<u8>>()) {
            if let Err(error) = parse(&body) {
                let shown = shown(&error);
                prop_assert!(!shown.contains(char::is_control) && shown.chars().count() < 500);
            }
        }

        #[test]
        fn any_status_is_kept_and_displayed_on_one_line(claimed in ".{1,40}") {
            let body = serde_json::json!({ "id": ID, "status": claimed }).to_string();
            let hint = parse(body.as_bytes()).unwrap();
            prop_assert_eq!(hint.claimed_status.as_str(), &claimed);
            prop_assert!(!hint.claimed_status.to_string().contains(char::is_control));
        }
    }
}

//! What does a delivery to `webhook_url` say? Nothing that can be relied on: anyone can post there. It is a hint to look at the job.

use creatify_api::{JobStatus, types};
use serde_json::{Map, Value};

use crate::{
    error::{Error, ErrorKind},
    http::error_response::shortened,
    job::JobId,
};

/// The longest delivery that is read.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// A job that may have changed. Several hints may come for one change, late, and out of order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hint {
    /// The job to look at, with [`Client::job`](crate::Client::job). If it is none of yours, ignore the hint.
    pub job: JobId,
    /// What the sender says of it.
    pub claimed_status: JobStatus,
}

/// Reads the body of a delivery. Free; no request.
///
/// The video's URL in it is left out on purpose: fetch the job and take it from there.
///
/// ```
/// let body = br#"{"id": "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11", "status": "done", "output": "https://evil.example/x.mp4"}"#;
/// let hint = creatify::webhook::parse(body)?;
/// assert_eq!(hint.job.to_string(), "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11");
/// # Ok::<(), creatify::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Undecodable`] when it is not a delivery, or is longer than [`MAX_BODY_BYTES`].
pub fn parse(body: &[u8]) -> Result<Hint, Error> {
    if body.len() > MAX_BODY_BYTES {
        return Err(Error::new(
            ErrorKind::Undecodable,
            format!("a webhook delivery of {} bytes is not read", body.len()),
        ));
    }
    // An object first: an array of the same values would decode too.
    let event: types::JobEvent = serde_json::from_slice(body)
        .and_then(|object: Map<String, Value>| serde_json::from_value(object.into()))
        .map_err(|error| {
            Error::new(ErrorKind::Undecodable, "the webhook delivery does not decode")
                .because(shortened(&error.to_string()))
        })?;
    Ok(Hint { job: event.id.into(), claimed_status: event.status })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_read_or_refused_and_never_trusted_for_its_url() {
        let body = r#"{"id": "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11", "status": "archived", "failed_reason": null, "extra": 1}"#;
        assert_eq!(parse(body.as_bytes()).unwrap().claimed_status.as_str(), "archived");
        let array = r#"["", "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11", "", "done", ""]"#;
        for wrong in [
            array,
            "",
            "[]",
            "{}",
            r#"{"id": "x", "status": "done"}"#,
            &" ".repeat(MAX_BODY_BYTES + 1),
        ] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}

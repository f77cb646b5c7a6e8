//! Failures of a download, and the errors that the caller gets for them.

use std::{io, path::Path};

use crate::{
    error::{BoxError, Error, ErrorKind},
    job::JobHandle,
};

/// Reason for which a download, or one attempt of it, failed.
#[derive(Debug)]
pub(super) struct Failure {
    kind: FailureKind,
    reason: String,
    cause: Option<BoxError>,
}

#[derive(Debug, Clone, Copy)]
enum FailureKind {
    /// The destination cannot be written without harm. Nothing was sent.
    Destination,
    Download,
}

impl Failure {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self { kind: FailureKind::Download, reason: reason.into(), cause: None }
    }

    pub(super) fn of_destination(reason: impl Into<String>) -> Self {
        Self { kind: FailureKind::Destination, ..Self::new(reason) }
    }

    /// Returns the failure of writing a file.
    pub(super) fn of_file(path: &Path, error: io::Error) -> Self {
        let reason = format!("{} cannot be written", path.display());
        Self { cause: Some(error.into()), ..Self::new(reason) }
    }

    /// Returns the failure of a request. The link is left out: it may be signed.
    pub(super) fn of_request(error: reqwest::Error) -> Self {
        let reason = if error.is_redirect() {
            "a redirect was not followed"
        } else if error.is_connect() {
            "the storage was not reached"
        } else if error.is_timeout() {
            "the storage sent nothing for too long"
        } else if error.is_decode() || error.is_body() {
            "the file broke off"
        } else {
            "the storage did not answer"
        };
        Self { cause: Some(error.without_url().into()), ..Self::new(reason) }
    }

    /// Adds why there is no further attempt.
    pub(super) fn and(mut self, addition: &str) -> Self {
        self.reason = format!("{}; {addition}", self.reason);
        self
    }

    pub(super) fn reason(&self) -> &str {
        &self.reason
    }

    pub(super) fn into_error(self, handle: JobHandle) -> Error {
        let error = match self.kind {
            FailureKind::Destination => Error::invalid(self.reason),
            FailureKind::Download => Error::new(
                ErrorKind::Download,
                format!("the {} could not be downloaded: {}", handle.goal, self.reason),
            ),
        };
        let error = error.of_job(handle);
        match self.cause {
            Some(cause) => error.because(cause),
            None => error,
        }
    }
}

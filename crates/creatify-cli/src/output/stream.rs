//! Results that come one by one, each on lines of its own.

use std::{io, sync::atomic::Ordering};

use serde::Serialize;

use super::{Notes, Output, ResultText, visible};
use crate::error::CliError;

/// Reader of stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    Present,
    /// It closed the pipe, as `| head` does.
    Gone,
}

impl Output {
    /// Prints one of several results: text, or a JSON document on one line.
    ///
    /// From then on nothing else goes to stdout, whatever becomes of the command.
    pub(crate) fn show_one_of_many(
        &self,
        value: &impl Serialize,
        text: impl FnOnce() -> ResultText,
    ) -> Result<Reader, CliError> {
        self.0.printed.store(true, Ordering::SeqCst);
        let result = if self.is_json() {
            let document = serde_json::to_string(value).map_err(|error| {
                CliError::other(format!("the result cannot be written as JSON: {error}"))
            })?;
            let document = match self.0.redaction.get() {
                Some(redaction) => redaction.redact_json(&document),
                None => document,
            };
            visible::visible_json(&document).into_owned()
        } else {
            let ResultText { full, short } = text();
            self.redacted(if self.0.notes == Notes::Shown { &full } else { &short })
        };
        match self.print(&result) {
            Ok(()) => Ok(Reader::Present),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
            Err(error) => Err(CliError::Stdout(error)),
        }
    }
}

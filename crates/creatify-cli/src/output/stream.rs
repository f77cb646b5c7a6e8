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
        if self.is_json() {
            return self.show_line(value);
        }
        let ResultText { full, short } = text();
        self.print_one(&self.redacted(if self.0.notes == Notes::Shown { &full } else { &short }))
    }

    /// Prints one of several JSON documents on one line, whatever the format of other results.
    pub(crate) fn show_line(&self, value: &impl Serialize) -> Result<Reader, CliError> {
        let document = serde_json::to_string(value).map_err(|error| {
            CliError::other(format!("the result cannot be written as JSON: {error}"))
        })?;
        self.print_one(&visible::visible_json(&self.redacted_json(&document)))
    }

    fn print_one(&self, text: &str) -> Result<Reader, CliError> {
        self.0.printed.store(true, Ordering::SeqCst);
        match self.print(text) {
            Ok(()) => Ok(Reader::Present),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
            Err(error) => Err(CliError::Stdout(error)),
        }
    }
}

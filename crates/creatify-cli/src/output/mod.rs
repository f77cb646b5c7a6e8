//! The only place that prints: one result on stdout, everything else on stderr.

#![allow(clippy::print_stdout, clippy::print_stderr)]

pub(crate) mod layout;
pub(crate) mod logs;
mod redaction;
pub(crate) mod shell;
mod stream;
mod terminal;
mod visible;

use std::{
    io::{self, IsTerminal, Write},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use indicatif::{MultiProgress, ProgressDrawTarget};
use serde::Serialize;

use crate::{args::OutputFormat, error::CliError};

pub(crate) use redaction::Redaction;
pub(crate) use stream::Reader;
pub(crate) use visible::{csv_cell, visible, visible_lines};

/// Notes and progress on stderr: shown or hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notes {
    Shown,
    Hidden,
}

/// The writer of one run of the command. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Output(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    format: OutputFormat,
    notes: Notes,
    bars: MultiProgress,
    redaction: RwLock<Redaction>,
    /// A result is printed at most once, even if the command is interrupted meanwhile.
    printed: AtomicBool,
}

/// A result as text.
pub(crate) struct ResultText {
    /// For people.
    pub(crate) full: String,
    /// Ids or paths only.
    pub(crate) short: String,
}

impl Output {
    pub(crate) fn new(format: OutputFormat, notes: Notes) -> Self {
        Self(Arc::new(Inner {
            format,
            notes,
            bars: MultiProgress::with_draw_target(terminal::draw_target()),
            redaction: RwLock::default(),
            printed: AtomicBool::new(false),
        }))
    }

    pub(crate) fn is_json(&self) -> bool {
        self.0.format == OutputFormat::Json
    }

    /// Returns where to draw progress, unless there is no terminal or it is unwanted.
    pub(crate) fn bars(&self) -> Option<&MultiProgress> {
        let shown = self.0.notes == Notes::Shown && io::stderr().is_terminal();
        shown.then_some(&self.0.bars)
    }

    /// Stops drawing progress, and leaves what was drawn where it is.
    pub(crate) fn stop_drawing(&self) {
        if let Some(bars) = self.bars().filter(|bars| !bars.is_hidden()) {
            bars.set_draw_target(ProgressDrawTarget::hidden());
            // The cursor is at the end of the last line that was drawn.
            let _ = writeln!(io::stderr());
        }
    }

    /// Draws progress again, below everything that was printed.
    pub(crate) fn resume_drawing(&self) {
        if let Some(bars) = self.bars() {
            bars.set_draw_target(terminal::draw_target());
        }
    }

    /// Adds secrets that must not be printed from now on.
    pub(crate) fn redact(&self, add: impl FnOnce(&mut Redaction)) {
        add(&mut self.0.redaction.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Asks a question on the terminal, and returns the line that is typed.
    pub(crate) fn ask(&self, question: &str) -> io::Result<String> {
        let question = self.redacted(question);
        write!(io::stderr(), "{} ", visible(&question))?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(answer)
    }

    /// Prints one line on stderr.
    pub(crate) fn line(&self, text: &str) {
        let text = self.redacted(text);
        let text = visible(&text);
        // A closed stderr is no reason to fail.
        let print = || drop(writeln!(io::stderr(), "{text}"));
        match self.bars() {
            Some(bars) => bars.suspend(print),
            None => print(),
        }
    }

    /// Prints one line on stderr, unless notes are unwanted.
    pub(crate) fn note(&self, text: &str) {
        if self.0.notes == Notes::Shown {
            self.line(text);
        }
    }

    /// Prints the result in the format that was asked for.
    pub(crate) fn show(
        &self,
        value: &impl Serialize,
        text: impl FnOnce() -> ResultText,
    ) -> Result<(), CliError> {
        if self.is_json() {
            return self.json(value);
        }
        let ResultText { full, short } = text();
        match self.0.notes {
            Notes::Shown => self.text(&full),
            Notes::Hidden => self.text(&short),
        }
    }

    /// Prints the result as one JSON document.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), CliError> {
        let document = serde_json::to_string_pretty(value).map_err(|error| {
            CliError::other(format!("the result cannot be written as JSON: {error}"))
        })?;
        self.write(&visible::visible_json(&self.redacted_json(&document)))
    }

    /// Prints the result as text, of which every part that others wrote was made visible.
    pub(crate) fn text(&self, text: &str) -> Result<(), CliError> {
        self.write(&self.redacted(text))
    }

    fn redacted(&self, text: &str) -> String {
        self.0.redaction.read().unwrap_or_else(PoisonError::into_inner).redact(text)
    }

    fn redacted_json(&self, document: &str) -> String {
        self.0.redaction.read().unwrap_or_else(PoisonError::into_inner).redact_json(document)
    }

    fn write(&self, text: &str) -> Result<(), CliError> {
        if text.is_empty() || self.0.printed.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        match self.print(text) {
            // A closed pipe, as of `| head`, is no reason to fail.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result.map_err(CliError::Stdout),
        }
    }

    /// Prints one or more lines on stdout.
    fn print(&self, text: &str) -> io::Result<()> {
        let print = || {
            let mut stdout = io::stdout();
            stdout.write_all(format!("{text}\n").as_bytes())?;
            stdout.flush()
        };
        match self.bars() {
            Some(bars) => bars.suspend(print),
            None => print(),
        }
    }
}

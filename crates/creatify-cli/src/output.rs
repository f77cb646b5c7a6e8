//! What is printed, and where? Results to stdout, everything else to stderr.

#![allow(clippy::print_stdout, clippy::print_stderr)] // the one place that prints

use std::io::{IsTerminal, Write};

use creatify::Job;
use serde::Serialize;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{exit::Failure, session::Session};

/// Logs of our own crates only. Those of others could show what we would not.
pub(crate) fn set_up_logs(verbose: u8) {
    let level = match verbose {
        0 => tracing::Level::ERROR,
        1 => tracing::Level::INFO,
        _ => tracing::Level::DEBUG,
    };
    let ours = Targets::new()
        .with_target("creatify", level)
        .with_target("creatify_api", level)
        .with_target("creatify_sandbox", level);
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    tracing_subscriber::registry().with(ours).with(layer).init();
}

/// One line on stderr.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}"); // a closed stderr is no reason to fail
}

/// One line on stderr unless notes are not wanted.
pub(crate) fn note(session: &Session, text: &str) {
    if !session.quiet {
        line(text);
    }
}

/// One JSON document on stdout.
pub(crate) fn json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => result(&text),
        Err(error) => line(&format!("error: the result cannot be written as JSON: {error}")),
    }
}

/// A line of the result on stdout.
pub(crate) fn result(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}"); // a closed pipe, as of `| head`, is no reason to fail
}

/// The result, in the form that was asked for.
pub(crate) fn show(
    session: &Session,
    value: &impl Serialize,
    text: impl FnOnce() -> String,
) -> Result<(), Failure> {
    if session.is_json() {
        json(value)
    } else {
        result(&text())
    }
    Ok(())
}

/// A job as aligned lines.
pub(crate) fn job_text(job: &Job) -> String {
    let mut rows = vec![("id", job.id().to_string()), ("status", job.status().to_string())];
    let mut add = |name, value: Option<String>| rows.extend(value.map(|value| (name, value)));
    add("name", job.name().map(str::to_owned));
    add(
        "progress",
        job.progress()
            .filter(|_| job.preview_url().is_none() || job.video_url().is_none())
            .map(|progress| progress.to_string()),
    );
    add("failed", job.failed_reason().map(str::to_owned));
    add("preview", job.preview_url().map(str::to_owned));
    add("video", job.video_url().map(str::to_owned));
    add("duration", job.duration().map(|duration| format!("{} s", duration.as_secs_f64())));
    add("credits", job.credits_used().map(|credits| credits.to_string()));
    add("editor", job.editor_url().map(|url| format!("{url} (for 24 hours)")));
    aligned(&rows)
}

/// Names and values in two columns.
pub(crate) fn aligned(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    rows.iter()
        .map(|(name, value)| format!("{name:width$}  {value}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Rows of equal columns under a header.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([header[column].len()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let cells = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect::<Vec<_>>();
        cells.join("  ").trim_end().to_owned()
    };
    let head = line(header.to_vec());
    let body = rows.iter().map(|row| line(row.iter().map(String::as_str).collect()));
    std::iter::once(head).chain(body).collect::<Vec<_>>().join("\n")
}

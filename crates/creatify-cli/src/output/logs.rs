//! Logs on stderr, through the same writer as progress bars and notes.

use std::io::{self, Write};

use tracing_subscriber::{
    filter::Targets, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt,
};

use super::Output;

/// Sets up the logs of this project's crates. Those of others could show what must not be shown.
pub(crate) fn set_up(verbosity: u8, output: &Output) {
    let level = match verbosity {
        0 => tracing::Level::WARN,
        1 => tracing::Level::INFO,
        _ => tracing::Level::DEBUG,
    };
    let targets = Targets::new()
        .with_target("creatify", level)
        .with_target("creatify_api", level)
        .with_target("creatify_journal", level)
        .with_target("creatify_sandbox", level);
    let layer =
        tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Lines(output.clone()));
    let registry = tracing_subscriber::registry().with(targets);
    match verbosity {
        0 => registry.with(layer.without_time().with_target(false)).init(),
        _ => registry.with(layer).init(),
    }
}

/// Maker of a writer for each log event.
struct Lines(Output);

/// One log event, which is printed as a whole.
struct Line {
    output: Output,
    text: Vec<u8>,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { output: self.0.clone(), text: Vec::new() }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.output.line(String::from_utf8_lossy(&self.text).trim());
    }
}

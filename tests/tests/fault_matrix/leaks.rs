//! Search for credentials in all logs, at any level and of any crate, and in all texts of errors.

use std::{
    io,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use creatify::Error;
use tracing_subscriber::filter::LevelFilter;

struct Grep;

static LEAKED: AtomicBool = AtomicBool::new(false);
static LOGGED: AtomicUsize = AtomicUsize::new(0);

impl io::Write for Grep {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        search(&String::from_utf8_lossy(line));
        LOGGED.fetch_add(1, Ordering::Relaxed);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn search(text: &str) {
    let text = text.to_lowercase();
    if text.contains("sandbox-api-key") || text.contains("sandbox-api-id") {
        LEAKED.store(true, Ordering::Relaxed);
    }
}

pub fn search_logs() {
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(|| Grep)
        .with_ansi(false)
        .init();
}

/// Searches all texts of an error.
pub fn search_error(error: &Error) {
    search(&format!("{error} {error:?} {error:#?}"));
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        search(&format!("{source} {source:?}"));
        cause = source.source();
    }
}

pub fn assert_none_found() {
    assert!(LOGGED.load(Ordering::Relaxed) > 1_000, "the logs were not searched");
    assert!(!LEAKED.load(Ordering::Relaxed), "a credential was logged, or an error shows it");
}

//! Is a credential in anything that is logged, at any level, by any crate, or that an error can be
//! made to say?

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
        look_for_the_key(&String::from_utf8_lossy(line));
        LOGGED.fetch_add(1, Ordering::Relaxed);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn look_for_the_key(text: &str) {
    let text = text.to_lowercase();
    if text.contains("sandbox-api-key") || text.contains("sandbox-api-id") {
        LEAKED.store(true, Ordering::Relaxed);
    }
}

pub fn watch_the_logs() {
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(|| Grep)
        .with_ansi(false)
        .init();
}

/// All that an error can be made to say.
pub fn look_into(error: &Error) {
    look_for_the_key(&format!("{error} {error:?} {error:#?}"));
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        look_for_the_key(&format!("{source} {source:?}"));
        cause = source.source();
    }
}

pub fn assert_none() {
    assert!(LOGGED.load(Ordering::Relaxed) > 1_000, "the logs were not looked at");
    assert!(!LEAKED.load(Ordering::Relaxed), "a credential was logged, or an error shows it");
}

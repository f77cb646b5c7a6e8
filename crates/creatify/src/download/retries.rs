//! Pauses between the attempts of a download, and their end. No I/O.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

use super::answer::MayAppear;

const MAX_RETRIES: usize = 4;
/// Connections that are given up for being slow before the download is.
const MAX_SLOW_CONNECTIONS: u32 = 2;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Bytes by which an attempt earns new retries. Less than that could go on for ever.
const EARNING_BYTES: u64 = 64 * 1024;
/// Time for which a file may be missing: storages show new files a moment late.
const MISSING_GRACE: Duration = Duration::from_secs(30);
const FIRST_MISSING_PAUSE: Duration = Duration::from_secs(1);
const MAX_MISSING_PAUSE: Duration = Duration::from_secs(5);

/// Result of reading the job again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// It names another link now.
    Renewed,
    /// It names the same one, or could not be read.
    Same,
}

/// State of the retries of one download.
#[derive(Debug)]
pub(super) struct Retries {
    backoff: ExponentialBackoff,
    slow_connections: u32,
    missing: Option<Missing>,
}

/// A file that was there at no attempt since.
#[derive(Debug)]
struct Missing {
    since: Instant,
    next_pause: Duration,
    /// A new link was tried at once before; the next ones wait.
    tried_renewed: bool,
}

impl Retries {
    pub(super) fn new() -> Self {
        Self { backoff: backoff(), slow_connections: 0, missing: None }
    }

    /// Notes that an attempt got an answer with the file in it.
    pub(super) fn found(&mut self) {
        self.missing = None;
    }

    /// Notes the bytes that an attempt has brought.
    pub(super) fn brought(&mut self, bytes: u64) {
        if bytes >= EARNING_BYTES {
            self.backoff = backoff();
            self.slow_connections = 0;
        }
    }

    /// Returns the pause before another attempt, at least as long as the storage asked for.
    pub(super) fn after_failure(&mut self, asked: Option<Duration>) -> Option<Duration> {
        Some(self.backoff.next()?.max(asked.unwrap_or_default()))
    }

    /// Returns the pause before another attempt with a connection that may be faster.
    pub(super) fn after_slow(&mut self) -> Option<Duration> {
        self.slow_connections += 1;
        if self.slow_connections >= MAX_SLOW_CONNECTIONS {
            return None;
        }
        self.after_failure(None)
    }

    /// Returns the pause before another attempt at a file that is not there: none for a new link,
    /// and some as long as it may appear.
    pub(super) fn after_missing(
        &mut self,
        now: Instant,
        link: Link,
        may_appear: MayAppear,
        asked: Option<Duration>,
    ) -> Option<Duration> {
        let missing = self.missing.get_or_insert(Missing {
            since: now,
            next_pause: FIRST_MISSING_PAUSE,
            tried_renewed: false,
        });
        if link == Link::Renewed && !missing.tried_renewed {
            missing.tried_renewed = true;
            return Some(asked.unwrap_or_default());
        }
        let left = (missing.since + MISSING_GRACE).saturating_duration_since(now);
        if may_appear == MayAppear::No || left.is_zero() {
            return None;
        }
        let pause = missing.next_pause.min(left);
        missing.next_pause = (missing.next_pause * 2).min(MAX_MISSING_PAUSE);
        Some(pause.max(asked.unwrap_or_default()))
    }
}

fn backoff() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(FIRST_PAUSE)
        .with_max_times(MAX_RETRIES)
        .with_jitter()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn retries_end_unless_they_are_earned() {
        let mut retries = Retries::new();
        for _ in 0..MAX_RETRIES {
            retries.brought(EARNING_BYTES - 1);
            assert!(retries.after_failure(None).is_some());
        }
        assert_eq!(retries.after_failure(None), None);
        retries.brought(EARNING_BYTES);
        assert!(retries.after_failure(None).is_some());
    }

    #[test]
    fn one_slow_connection_is_replaced() {
        let mut retries = Retries::new();
        assert!(retries.after_slow().is_some());
        assert_eq!(retries.after_slow(), None);
        retries.brought(EARNING_BYTES);
        assert!(retries.after_slow().is_some());
    }

    #[test]
    fn no_pause_is_shorter_than_the_storage_asked_for() {
        let mut retries = Retries::new();
        let asked = Some(SECOND * 90);
        assert_eq!(retries.after_failure(asked), asked);
        let (same, yes) = (Link::Same, MayAppear::Yes);
        assert_eq!(retries.after_missing(Instant::now(), same, yes, asked), asked);
    }

    #[test]
    fn a_missing_file_is_asked_for_during_the_grace() {
        let mut retries = Retries::new();
        let start = Instant::now();
        let mut now = start;
        let mut attempts = 0;
        while let Some(pause) = retries.after_missing(now, Link::Same, MayAppear::Yes, None) {
            now += pause;
            attempts += 1;
        }
        assert_eq!(now - start, MISSING_GRACE);
        assert_eq!(attempts, 8);
        assert_eq!(retries.after_missing(now, Link::Same, MayAppear::No, None), None);
        retries.found();
        assert!(retries.after_missing(now, Link::Same, MayAppear::Yes, None).is_some());
    }

    #[test]
    fn a_new_link_is_tried_at_once_and_only_once() {
        for may_appear in [MayAppear::Yes, MayAppear::No] {
            let mut retries = Retries::new();
            let now = Instant::now();
            let first = retries.after_missing(now, Link::Renewed, may_appear, None);
            assert_eq!(first, Some(Duration::ZERO));
            let second = retries.after_missing(now, Link::Renewed, may_appear, None);
            assert_eq!(second, (may_appear == MayAppear::Yes).then_some(SECOND));
        }
    }
}

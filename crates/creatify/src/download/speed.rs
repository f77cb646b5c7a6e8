//! Lowest speed of a download. No I/O.

use std::time::Duration;

use tokio::time::Instant;

/// Lowest speed that is put up with, as a mean over a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MinSpeed {
    pub(super) bytes_per_second: u64,
    pub(super) window: Duration,
}

impl Default for MinSpeed {
    fn default() -> Self {
        Self { bytes_per_second: 1024, window: Duration::from_secs(60) }
    }
}

impl MinSpeed {
    /// Returns the bytes that a window has at this speed.
    fn bytes_per_window(self) -> u64 {
        let thousandths = u128::from(self.bytes_per_second).saturating_mul(self.window.as_millis());
        u64::try_from(thousandths / 1000).unwrap_or(u64::MAX)
    }
}

/// Meter of one answer: counts the bytes of each window.
#[derive(Debug)]
pub(super) struct SpeedMeter {
    min: MinSpeed,
    window_end: Instant,
    bytes: u64,
}

/// The bytes of a window were too few.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooSlow;

impl SpeedMeter {
    pub(super) fn new(min: MinSpeed, now: Instant) -> Self {
        Self { min, window_end: now + min.window, bytes: 0 }
    }

    /// Returns the end of the window, at which to [check](Self::check) even if nothing arrives.
    pub(super) fn window_end(&self) -> Instant {
        self.window_end
    }

    /// Counts bytes that have arrived.
    pub(super) fn count(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// Judges the window if it has ended, and begins the next one.
    pub(super) fn check(&mut self, now: Instant) -> Result<(), TooSlow> {
        if now < self.window_end {
            return Ok(());
        }
        if self.bytes < self.min.bytes_per_window() {
            return Err(TooSlow);
        }
        *self = Self::new(self.min, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_with_too_few_bytes_is_too_slow() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut meter = SpeedMeter::new(MinSpeed::default(), start);
        meter.count(60 * 1024);
        assert_eq!(meter.check(at(59)), Ok(()));
        assert_eq!(meter.check(at(60)), Ok(()));
        // The bytes of the first window do not help the second.
        meter.count(60 * 1024 - 1);
        assert_eq!(meter.check(at(119)), Ok(()));
        assert_eq!(meter.check(at(120)), Err(TooSlow));
    }

    #[test]
    fn a_speed_of_zero_permits_everything() {
        let start = Instant::now();
        let none = MinSpeed { bytes_per_second: 0, window: Duration::from_secs(1) };
        let mut meter = SpeedMeter::new(none, start);
        assert_eq!(meter.check(start + Duration::from_secs(3600)), Ok(()));
        let most = MinSpeed { bytes_per_second: u64::MAX, window: Duration::MAX };
        assert_eq!(most.bytes_per_window(), u64::MAX);
    }
}

//! Sandbox clock: real time multiplied by a speed.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

/// A clock based on tokio's, so that a paused clock in a test drives it too.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
    started_at: DateTime<Utc>,
    speed: f64,
}

impl Clock {
    /// Starts the clock. The speed must be finite and above zero.
    pub(crate) fn start(speed: f64, started_at: DateTime<Utc>) -> Self {
        Self { started: Instant::now(), started_at, speed }
    }

    /// Returns the sandbox time since the start.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed().mul_f64(self.speed)
    }

    /// Returns the date and time of a moment in sandbox time.
    pub(crate) fn date(&self, at: Duration) -> DateTime<Utc> {
        chrono::Duration::from_std(at)
            .ok()
            .and_then(|at| self.started_at.checked_add_signed(at))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Sleeps until the sandbox time is `at` or later.
    pub(crate) async fn sleep_until(&self, at: Duration) {
        loop {
            let left = at.saturating_sub(self.now());
            if left.is_zero() {
                return;
            }
            // At least tokio's resolution: rounding may leave some nanoseconds.
            let real = Duration::try_from_secs_f64(left.as_secs_f64() / self.speed)
                .unwrap_or(Duration::MAX);
            tokio::time::sleep(real.max(Duration::from_millis(1))).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_fast_clock_sleeps_for_less_real_time_and_never_wakes_early() {
        let clock = Clock::start(60.0, DateTime::UNIX_EPOCH);
        let real = Instant::now();
        clock.sleep_until(Duration::from_secs(90)).await;
        assert!(clock.now() >= Duration::from_secs(90), "{:?}", clock.now());
        assert_eq!(real.elapsed().as_millis(), 1500);
        assert_eq!(clock.date(Duration::from_secs(90)).to_rfc3339(), "1970-01-01T00:01:30+00:00");
    }
}

//! When to look at a job again? Pure.

use std::time::Duration;

/// How often to look at a job while waiting for it.
///
/// The pause is a tenth of the time waited so far, within bounds: short jobs are seen soon, long ones cost few requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    shortest: Duration,
    longest: Duration,
}

impl Schedule {
    /// Pauses between these two. The order does not matter; nothing is shorter than 10 ms.
    pub fn between(one: Duration, other: Duration) -> Self {
        let shortest = one.min(other).max(Duration::from_millis(10));
        Self { shortest, longest: one.max(other).max(shortest) }
    }

    /// The pause after `elapsed` of waiting. `random` from 0 to 1 spreads it by a tenth either way, so that a fleet does not beat in step.
    pub(super) fn pause(&self, elapsed: Duration, random: f64) -> Duration {
        let pause = (elapsed / 10).clamp(self.shortest, self.longest);
        pause.mul_f64(0.9 + 0.2 * random.clamp(0.0, 1.0))
    }
}

impl Default for Schedule {
    /// From 2 s to 15 s.
    fn default() -> Self {
        Self::between(Duration::from_secs(2), Duration::from_secs(15))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pause_stays_within_its_bounds_and_grows_with_the_wait(elapsed in 0u64..100_000, more in 0u64..1000, random in 0.0f64..1.0) {
            let schedule = Schedule::default();
            let pause = |seconds| schedule.pause(Duration::from_secs(seconds), random);
            prop_assert!(pause(elapsed) >= Duration::from_millis(1_800));
            prop_assert!(pause(elapsed) <= Duration::from_millis(16_500));
            prop_assert!(pause(elapsed + more) >= pause(elapsed));
        }
    }
}

//! When to look at a job again? Pure policies: no clock, no socket, and chance is given.

use std::{fmt, time::Duration};

use super::{history::History, outlook::Outlook};

/// A policy that says when to look at a job again. Give one to [`ClientBuilder::schedule`](crate::ClientBuilder::schedule) or
/// [`Wait::schedule`](super::Wait::schedule).
///
/// Whatever it says, there is one last look at the deadline, a `Retry-After` of the service is kept to, and jobs that are due at about the
/// same time share a request.
///
/// ```
/// use std::time::Duration;
/// use creatify::wait::{History, Outlook, Schedule};
///
/// /// Every minute, and every 5 s once the job runs.
/// #[derive(Debug)]
/// struct Lazy;
///
/// impl Schedule for Lazy {
///     fn pause(&self, history: &History, outlook: &Outlook, _random: f64) -> Duration {
///         Duration::from_secs(if outlook.eta().is_some() || history.looks() > 5 { 5 } else { 60 })
///     }
/// }
/// ```
pub trait Schedule: fmt::Debug + Send + Sync {
    /// The pause before the next look. `history` has what was seen so far, and is empty before the first look at a job that was just
    /// submitted; `outlook` is when it will probably end; `random` is evenly distributed from 0 to 1, for jitter.
    fn pause(&self, history: &History, outlook: &Outlook, random: f64) -> Duration;
}

/// Looks when the job has probably just ended: few requests, and little delay. The default.
///
/// It weighs the delay that a later look would cost against the request that an earlier one costs, by [when the job will probably
/// end](History::outlook): from its progress, where that tells something; from earlier jobs of the template; otherwise every few seconds.
/// `cargo xtask bench` compares it with other policies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adaptive {
    shortest: Duration,
    longest: Duration,
    thrift: f64,
}

/// Seconds of delay that a request is worth, in each situation.
mod worth {
    /// Progress tells the end: looks before it would be in vain.
    pub(super) const TOLD: f64 = 0.6;
    /// It is not running, so it cannot end at once.
    pub(super) const QUEUED: f64 = 0.6;
    /// Only earlier jobs tell the end.
    pub(super) const EARLIER: f64 = 0.055;
    /// Nothing tells the end: about one look in five seconds, as most clients do, but none too early.
    pub(super) const UNTOLD: f64 = 0.05;
}

/// How long things take is not documented: the first look comes soon, and no pause is longer than what was waited before.
const FIRST_LOOK: f64 = 10.0;
/// Pauses are spread by this part either way, so that jobs that were submitted together are not looked at in step for ever.
const JITTER: f64 = 0.03;

impl Adaptive {
    /// With pauses between these two; the order does not matter. Between 2 s and 60 s by default.
    #[must_use]
    pub fn between(one: Duration, other: Duration) -> Self {
        let shortest = one.min(other).max(Duration::from_millis(10));
        Self { shortest, longest: one.max(other).max(shortest), thrift: 1.0 }
    }

    /// Makes requests worth so many times more delay than by default: with 4, about half the requests and twice the delay.
    #[must_use]
    pub fn thrift(mut self, times: f64) -> Self {
        self.thrift = if times.is_finite() { times.clamp(0.001, 1000.0) } else { 1.0 };
        self
    }
}

impl Default for Adaptive {
    fn default() -> Self {
        Self::between(Duration::from_secs(2), Duration::from_secs(60))
    }
}

impl Schedule for Adaptive {
    fn pause(&self, history: &History, outlook: &Outlook, random: f64) -> Duration {
        let pause = if let Some(done) = history.done {
            (history.now - done) / 2.0 // its output may appear at any moment, or never
        } else if history.running.is_none() {
            outlook.pause(worth::QUEUED * self.thrift)
        } else {
            let untold = if history.earlier.is_some() { worth::EARLIER } else { worth::UNTOLD };
            outlook.pause(untold * (worth::TOLD / untold).powf(outlook.told) * self.thrift)
        };
        let known = history.earlier.is_some() || outlook.told > 0.5;
        let pause = if known { pause } else { pause.min(history.now.max(FIRST_LOOK)) };
        spread(Duration::from_secs_f64(pause), random).clamp(self.shortest, self.longest)
    }
}

fn spread(pause: Duration, random: f64) -> Duration {
    pause.mul_f64(1.0 + JITTER * (2.0 * random.clamp(0.0, 1.0) - 1.0))
}

/// Looks at regular intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fixed(pub Duration);

impl Schedule for Fixed {
    fn pause(&self, _: &History, _: &Outlook, _: f64) -> Duration {
        self.0
    }
}

/// Looks after pauses that grow by a factor, with full jitter: anything from nothing to the pause.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exponential {
    /// The first pause.
    pub first: Duration,
    /// What each pause is multiplied with for the next.
    pub factor: f64,
    /// The longest pause.
    pub longest: Duration,
}

impl Schedule for Exponential {
    fn pause(&self, history: &History, _: &Outlook, random: f64) -> Duration {
        let grown =
            self.first.as_secs_f64() * self.factor.max(1.0).powf(f64::from(history.looks()));
        let pause = Duration::try_from_secs_f64(grown)
            .map_or(self.longest, |pause| pause.min(self.longest));
        Duration::try_from_secs_f64(pause.as_secs_f64() * random.clamp(0.0, 1.0)).unwrap_or(pause)
    }
}

#[cfg(test)]
mod tests {
    use creatify_api::JobStatus;
    use proptest::prelude::*;

    use super::{super::Durations, *};
    use crate::job::Progress;

    fn pause(schedule: &dyn Schedule, history: &History, random: f64) -> Duration {
        schedule.pause(history, &history.outlook(), random)
    }

    proptest! {
        #[test]
        fn a_pause_stays_within_its_bounds(one in 1u64..100, other in 1u64..100, progress in 0.0..1.0f64, at in 0u64..100_000, random in 0.0..1.0f64) {
            let schedule = Adaptive::between(Duration::from_secs(one), Duration::from_secs(other));
            let mut history = History::new();
            history.saw(Duration::from_secs(at), &JobStatus::Running, Progress::new(progress));
            let pause = pause(&schedule, &history, random);
            prop_assert!(pause >= Duration::from_secs(one.min(other)) && pause <= Duration::from_secs(one.max(other)), "{pause:?}");
        }
    }

    #[test]
    fn of_an_unknown_job_the_first_look_comes_soon_and_of_a_known_one_not_before_it_can_be_done() {
        let seconds = |history: &History| pause(&Adaptive::default(), history, 0.5).as_secs();
        assert!(seconds(&History::new()) <= 10);
        let earlier: Durations = std::iter::repeat_n(Duration::from_secs(300), 20).collect();
        assert!(seconds(&History::new().with_earlier(earlier)) > 30);
    }

    #[test]
    fn pauses_of_jobs_that_were_submitted_together_differ() {
        let history = History::new();
        assert_ne!(
            pause(&Adaptive::default(), &history, 0.1),
            pause(&Adaptive::default(), &history, 0.9)
        );
    }

    #[test]
    fn the_output_of_a_job_that_is_done_is_looked_for_soon_and_then_less_often() {
        let mut history = History::new();
        history.saw(Duration::from_secs(10), &JobStatus::Running, None);
        let mut pauses = Vec::new();
        let mut now = Duration::from_secs(60);
        for _ in 0..8 {
            history.saw(now, &JobStatus::Done, None);
            pauses.push(pause(&Adaptive::default(), &history, 0.5));
            now += pauses[pauses.len() - 1];
        }
        assert!(
            pauses[0] == Duration::from_secs(2) && pauses.is_sorted() && pauses[7] > pauses[0],
            "{pauses:?}"
        );
    }

    #[test]
    fn the_other_policies_do_what_their_names_say() {
        let mut history = History::new();
        let google = Exponential {
            first: Duration::from_secs(1),
            factor: 2.0,
            longest: Duration::from_secs(60),
        };
        let mut limits = Vec::new();
        for at in 0..8 {
            limits.push(pause(&google, &history, 1.0).as_secs());
            assert_eq!(pause(&google, &history, 0.0), Duration::ZERO);
            history.saw(Duration::from_secs(at), &JobStatus::Running, None);
        }
        assert_eq!(limits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(
            pause(&google, &history, 0.5).as_secs(),
            30,
            "the jitter is of the pause within its limit"
        );
        let endless =
            Exponential { first: Duration::MAX, factor: f64::INFINITY, longest: Duration::MAX };
        assert_eq!(pause(&endless, &history, 1.0), Duration::MAX);
        assert_eq!(pause(&Fixed(Duration::from_secs(5)), &history, 0.3), Duration::from_secs(5));
    }
}

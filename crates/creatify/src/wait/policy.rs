//! Policies for the delay between polls. Pure: no clock, no socket, and chance is given.

use std::{fmt, time::Duration};

use super::{forecast::CompletionForecast, hints::HintReliability, history::History};

/// State of a wait, from which a [`PollPolicy`] decides when to poll next.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct PollState<'w> {
    /// Statuses seen so far; empty before the first poll of a job that was just submitted.
    pub history: &'w History,
    /// Time at which the job will probably end.
    pub forecast: &'w CompletionForecast,
    /// Probability that the end of the job is told by a [hint](crate::Client::hint).
    pub hint_reliability: HintReliability,
    /// Random number, evenly distributed from 0 to 1, for jitter.
    pub random: f64,
}

impl<'w> PollState<'w> {
    /// Returns a state without hints, as tests of a policy need it.
    pub fn new(history: &'w History, forecast: &'w CompletionForecast, random: f64) -> Self {
        Self { history, forecast, hint_reliability: HintReliability::default(), random }
    }
}

/// A policy for the delay between polls. Give one to
/// [`ClientBuilder::poll_policy`](crate::ClientBuilder::poll_policy) or
/// [`Wait::poll_policy`](super::Wait::poll_policy).
///
/// Whatever it says, there is one last poll at the deadline, a `Retry-After` of the service is kept
/// to, and jobs that are due at about the same time share a request.
///
/// ```
/// use std::time::Duration;
/// use creatify::wait::{PollPolicy, PollState};
///
/// /// Every minute, and every 5 s once the job runs.
/// #[derive(Debug)]
/// struct Lazy;
///
/// impl PollPolicy for Lazy {
///     fn next_delay(&self, state: &PollState<'_>) -> Duration {
///         Duration::from_secs(if state.history.is_running() { 5 } else { 60 })
///     }
/// }
/// ```
#[doc(alias = "schedule")]
#[doc(alias = "backoff")]
pub trait PollPolicy: fmt::Debug + Send + Sync {
    /// Returns the delay before the next poll.
    fn next_delay(&self, state: &PollState<'_>) -> Duration;
}

/// Polls when the job has probably just ended: few requests, and little delay. The default.
///
/// It weighs the delay that a later poll would cost against the request that an earlier one costs,
/// by the [forecast](History::forecast) of the job's end: from its progress, where that tells
/// something; from earlier jobs of the template; otherwise every few seconds. `cargo xtask bench`
/// compares it with other policies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adaptive {
    min: Duration,
    max: Duration,
    request_cost: f64,
}

/// Delay in seconds that a request is worth, in each situation.
mod worth {
    /// Progress tells the end: polls before it would be in vain.
    pub(super) const TOLD: f64 = 0.6;
    /// It is not running, so it cannot end at once.
    pub(super) const QUEUED: f64 = 0.6;
    /// Only earlier jobs tell the end.
    pub(super) const EARLIER: f64 = 0.055;
    /// Nothing tells the end: about one poll in five seconds, as most clients do, but none too
    /// early.
    pub(super) const UNTOLD: f64 = 0.05;
}

/// Upper bound of the first delay, in seconds. How long jobs take is not documented, so no delay is
/// longer than the wait so far either.
const FIRST_DELAY: f64 = 10.0;
/// Delays are spread by this part either way, so that jobs that were submitted together are not
/// polled in step for ever.
const JITTER: f64 = 0.03;

/// Additional cost of a request, as a multiple, while hints are certain to come.
const HINTED_REQUEST_COST: f64 = 600.0;
/// Additional length of the longest delay, as a multiple, while hints are certain to come.
const HINTED_MAX_DELAY: f64 = 19.0;

impl Adaptive {
    /// Returns a policy with delays between these two, in any order; 2 s and 60 s by default.
    #[must_use]
    pub fn between(one: Duration, other: Duration) -> Self {
        let min = one.min(other).max(Duration::from_millis(10));
        Self { min, max: one.max(other).max(min), request_cost: 1.0 }
    }

    /// Sets the cost of a request in delay, as a multiple of the default: with 4, about half the
    /// requests and twice the delay.
    #[must_use]
    pub fn request_cost(mut self, times: f64) -> Self {
        self.request_cost = if times.is_finite() { times.clamp(0.001, 1000.0) } else { 1.0 };
        self
    }
}

impl Default for Adaptive {
    fn default() -> Self {
        Self::between(Duration::from_secs(2), Duration::from_secs(60))
    }
}

impl PollPolicy for Adaptive {
    fn next_delay(&self, state: &PollState<'_>) -> Duration {
        let PollState { history, forecast, hint_reliability, random } = *state;
        // Only hints that hardly ever fail to come may replace polls.
        let trust = hint_reliability.probability().powi(20);
        let request_cost = self.request_cost * (1.0 + HINTED_REQUEST_COST * trust);
        let pause = if let Some(done) = history.done {
            (history.now - done) / 2.0 // its output may appear at any moment, or never
        } else if history.running.is_none() {
            forecast.delay(worth::QUEUED * request_cost)
        } else {
            let untold = if history.run_times.is_some() { worth::EARLIER } else { worth::UNTOLD };
            forecast.delay(
                untold * (worth::TOLD / untold).powf(forecast.progress_credence) * request_cost,
            )
        };
        let known = history.run_times.is_some() || forecast.progress_credence > 0.5;
        let unknown_bound = history.now.max(FIRST_DELAY) * (1.0 + HINTED_MAX_DELAY * trust);
        let pause = if known { pause } else { pause.min(unknown_bound) };
        let max = self.max.mul_f64(1.0 + HINTED_MAX_DELAY * trust);
        spread(Duration::from_secs_f64(pause), random).clamp(self.min, max)
    }
}

fn spread(pause: Duration, random: f64) -> Duration {
    pause.mul_f64(1.0 + JITTER * (2.0 * random.clamp(0.0, 1.0) - 1.0))
}

/// Polls at regular intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedInterval(pub Duration);

impl PollPolicy for FixedInterval {
    fn next_delay(&self, _: &PollState<'_>) -> Duration {
        self.0
    }
}

/// Polls after delays that grow by a factor, with full jitter: anything from nothing to the delay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExponentialBackoff {
    /// First delay.
    pub first: Duration,
    /// Factor from each delay to the next.
    pub factor: f64,
    /// Longest delay.
    pub max: Duration,
}

impl PollPolicy for ExponentialBackoff {
    fn next_delay(&self, state: &PollState<'_>) -> Duration {
        let PollState { history, random, .. } = *state;
        let grown =
            self.first.as_secs_f64() * self.factor.max(1.0).powf(f64::from(history.poll_count()));
        let pause =
            Duration::try_from_secs_f64(grown).map_or(self.max, |pause| pause.min(self.max));
        Duration::try_from_secs_f64(pause.as_secs_f64() * random.clamp(0.0, 1.0)).unwrap_or(pause)
    }
}

#[cfg(test)]
mod tests {
    use creatify_api::JobStatus;
    use proptest::prelude::*;

    use super::{super::RunTimeStats, *};
    use crate::job::Progress;

    fn pause(policy: &dyn PollPolicy, history: &History, random: f64) -> Duration {
        policy.next_delay(&PollState::new(history, &history.forecast(), random))
    }

    proptest! {
        #[test]
        fn a_pause_stays_within_its_bounds(one in 1u64..100, other in 1u64..100, progress in 0.0..1.0f64, at in 0u64..100_000, random in 0.0..1.0f64) {
            let policy = Adaptive::between(Duration::from_secs(one), Duration::from_secs(other));
            let mut history = History::new();
            history.record(Duration::from_secs(at), &JobStatus::Running, Progress::new(progress));
            let pause = pause(&policy, &history, random);
            prop_assert!(pause >= Duration::from_secs(one.min(other)) && pause <= Duration::from_secs(one.max(other)), "{pause:?}");
        }
    }

    #[test]
    fn of_an_unknown_job_the_first_look_comes_soon_and_of_a_known_one_not_before_it_can_be_done() {
        let seconds = |history: &History| pause(&Adaptive::default(), history, 0.5).as_secs();
        assert!(seconds(&History::new()) <= 10);
        let earlier: RunTimeStats = std::iter::repeat_n(Duration::from_secs(300), 20).collect();
        assert!(seconds(&History::new().with_run_times(earlier)) > 30);
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
        history.record(Duration::from_secs(10), &JobStatus::Running, None);
        let mut pauses = Vec::new();
        let mut now = Duration::from_secs(60);
        for _ in 0..8 {
            history.record(now, &JobStatus::Done, None);
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
        let google = ExponentialBackoff {
            first: Duration::from_secs(1),
            factor: 2.0,
            max: Duration::from_secs(60),
        };
        let mut limits = Vec::new();
        for at in 0..8 {
            limits.push(pause(&google, &history, 1.0).as_secs());
            assert_eq!(pause(&google, &history, 0.0), Duration::ZERO);
            history.record(Duration::from_secs(at), &JobStatus::Running, None);
        }
        assert_eq!(limits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(
            pause(&google, &history, 0.5).as_secs(),
            30,
            "the jitter is of the pause within its limit"
        );
        let endless =
            ExponentialBackoff { first: Duration::MAX, factor: f64::INFINITY, max: Duration::MAX };
        assert_eq!(pause(&endless, &history, 1.0), Duration::MAX);
        assert_eq!(
            pause(&FixedInterval(Duration::from_secs(5)), &history, 0.3),
            Duration::from_secs(5)
        );
    }
}

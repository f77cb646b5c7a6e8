//! Limits of concurrency and rate for a client and all its clones, slowing down after a 429, and a
//! retry budget, so that retries do not worsen an outage.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};

/// Pause of all calls after a 429 without `Retry-After`.
const DEFAULT_PAUSE: Duration = Duration::from_secs(2);
/// Upper bound of a pause, which also keeps the clock from overflowing.
const MAX_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);
/// Retries that may be made in a row, by all calls together, before successes are needed.
const RETRY_BURST: u32 = 50;
/// Successes that earn one retry.
const SUCCESSES_PER_RETRY: u32 = 5;

/// Limiter of requests. Own code, since tests cannot pause the clocks of rate-limiting crates.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    permits: Option<Arc<Semaphore>>,
    interval: Option<Duration>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Earliest moment for the next request, by the rate limit.
    next_slot: Instant,
    /// End and length of the present pause of all calls.
    resumes: Option<(Instant, Duration)>,
    retries: RetryBudget,
}

/// A token bucket, in fractions of a retry.
#[derive(Debug, Clone, Copy)]
struct RetryBudget(u32);

/// Permission to send one request. The request counts as under way until this is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    _permit: Option<OwnedSemaphorePermit>,
}

impl RetryBudget {
    const FULL: Self = Self(RETRY_BURST * SUCCESSES_PER_RETRY);

    fn take(&mut self) -> bool {
        let left = self.0.checked_sub(SUCCESSES_PER_RETRY);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }

    fn earn(&mut self) {
        self.0 = (self.0 + 1).min(Self::FULL.0);
    }
}

impl RateLimiter {
    pub(crate) fn new(
        max_concurrent: Option<NonZeroUsize>,
        per_second: Option<NonZeroU32>,
    ) -> Self {
        Self {
            permits: max_concurrent
                .map(|most| Arc::new(Semaphore::new(most.get().min(Semaphore::MAX_PERMITS)))),
            interval: per_second.map(|rate| Duration::from_secs(1) / rate.get()),
            state: Mutex::new(State {
                next_slot: Instant::now(),
                resumes: None,
                retries: RetryBudget::FULL,
            }),
        }
    }

    /// Waits for the permission to send; `None` when the wait would end after the deadline.
    pub(crate) async fn acquire(&self, deadline: Instant) -> Option<Permit> {
        let permit = match &self.permits {
            None => None,
            // The semaphore is never closed.
            Some(permits) => Some(
                tokio::time::timeout_at(deadline, permits.clone().acquire_owned())
                    .await
                    .ok()?
                    .ok()?,
            ),
        };
        loop {
            let at = self.take_slot(deadline)?;
            if at <= Instant::now() {
                return Some(Permit { _permit: permit });
            }
            sleep_until(at).await;
            // Another 429 may have come meanwhile. Then another slot of the rate limit is taken,
            // which is slower than necessary but safe.
            if self.lock().resumes.is_none_or(|(resumes, _)| resumes <= Instant::now()) {
                return Some(Permit { _permit: permit });
            }
        }
    }

    /// Takes the next slot; `None` if it comes after the deadline, so that others can take it.
    fn take_slot(&self, deadline: Instant) -> Option<Instant> {
        let now = Instant::now();
        let mut state = self.lock();
        let mut at = state.next_slot.max(now);
        if let Some((resumes, pause)) = state.resumes.filter(|(resumes, _)| *resumes > now) {
            // Spread over half the pause, so that callers that waited together do not come back
            // together.
            at = at.max(resumes + pause.mul_f64(fastrand::f64() / 2.0));
        }
        if at > now && at > deadline {
            return None;
        }
        if let Some(interval) = self.interval {
            state.next_slot = at + interval;
        }
        Some(at)
    }

    /// Pauses every call of this client, since the service asked to slow down.
    pub(crate) fn throttle(&self, retry_after: Option<Duration>) {
        let pause = retry_after.unwrap_or(DEFAULT_PAUSE).min(MAX_PAUSE);
        let resumes = Instant::now() + pause;
        let mut state = self.lock();
        if state.resumes.is_none_or(|(before, _)| before < resumes) {
            state.resumes = Some((resumes, pause));
        }
    }

    pub(crate) fn record_success(&self) {
        self.lock().retries.earn();
    }

    /// Takes one retry from the budget of all calls together, if there is one left.
    pub(crate) fn take_retry(&self) -> bool {
        self.lock().retries.take()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner) // changes are whole or not made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_rate_limit_spaces_requests_of_all_clones() {
        let limiter = Arc::new(RateLimiter::new(None, NonZeroU32::new(10)));
        let started = Instant::now();
        let tasks: Vec<_> = (0..21)
            .map(|_| {
                let limiter = limiter.clone();
                tokio::spawn(async move {
                    limiter.acquire(Instant::now() + 60 * SECOND).await.is_some()
                })
            })
            .collect();
        for task in tasks {
            assert!(task.await.unwrap());
        }
        assert_eq!(started.elapsed().as_millis() / 100, 20);
    }

    #[tokio::test(start_paused = true)]
    async fn callers_that_cannot_wait_take_no_slots_from_those_who_can() {
        let limiter = RateLimiter::new(None, NonZeroU32::new(1));
        let in_time = |seconds| Instant::now() + SECOND * seconds;
        limiter.acquire(in_time(0)).await.unwrap();
        for _ in 0..100 {
            assert!(limiter.acquire(in_time(0)).await.is_none());
        }
        assert!(limiter.acquire(in_time(2)).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_429_the_rate_limit_still_holds() {
        let limiter = Arc::new(RateLimiter::new(None, NonZeroU32::new(1)));
        limiter.throttle(Some(10 * SECOND));
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let limiter = limiter.clone();
                tokio::spawn(async move {
                    limiter.acquire(Instant::now() + 60 * SECOND).await.map(|_| Instant::now())
                })
            })
            .collect();
        let mut sent = Vec::new();
        for task in tasks {
            sent.push(task.await.unwrap().unwrap());
        }
        sent.sort();
        assert!(sent.windows(2).all(|two| two[1] - two[0] >= SECOND), "{sent:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_pause_is_too_long_for_the_clock() {
        let limiter = RateLimiter::new(None, None);
        limiter.throttle(Some(Duration::MAX));
        assert!(limiter.acquire(Instant::now() + 60 * SECOND).await.is_none());
        assert!(limiter.acquire(Instant::now() + 2 * MAX_PAUSE).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_requests_are_under_way_than_allowed() {
        let limiter = RateLimiter::new(NonZeroUsize::new(2), None);
        let soon = Instant::now() + SECOND;
        let (one, _two) =
            (limiter.acquire(soon).await.unwrap(), limiter.acquire(soon).await.unwrap());
        assert!(limiter.acquire(soon).await.is_none());
        drop(one);
        assert!(limiter.acquire(Instant::now() + SECOND).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_429_everyone_waits_and_nobody_beyond_the_deadline() {
        let limiter = RateLimiter::new(None, None);
        limiter.throttle(Some(10 * SECOND));
        limiter.throttle(Some(SECOND)); // does not shorten it
        assert!(limiter.acquire(Instant::now() + 9 * SECOND).await.is_none());
        let started = Instant::now();
        assert!(limiter.acquire(started + 60 * SECOND).await.is_some());
        assert!((10..=15).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn retries_are_earned_by_successes_once_the_burst_is_spent() {
        let limiter = RateLimiter::new(None, None);
        assert_eq!((0..1_000).filter(|_| limiter.take_retry()).count(), RETRY_BURST as usize);
        (0..SUCCESSES_PER_RETRY).for_each(|_| limiter.record_success());
        assert_eq!((0..1_000).filter(|_| limiter.take_retry()).count(), 1);
        (0..100_000).for_each(|_| limiter.record_success());
        assert_eq!((0..1_000).filter(|_| limiter.take_retry()).count(), RETRY_BURST as usize);
    }
}

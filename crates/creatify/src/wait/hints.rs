//! Hints that a job may have changed: when one makes a poll due, and how far they are relied on.
//! Pure: times are given, never taken.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use crate::job::JobId;

/// Polls of one job that hints cause without showing a new status are this far apart, so that a
/// flood of forged hints costs at most one request a minute.
const MIN_INTERVAL: Duration = Duration::from_secs(60);

/// Part of the remaining doubt that a job whose end was told by a hint removes.
const LEARNED_FROM_HINT: f64 = 0.2;
/// Part of the reliability that is left after a job ended without a hint.
const KEPT_AFTER_MISS: f64 = 0.3;

/// Probability that the end of a job is told by a hint, learned from the jobs of a client that have
/// a webhook URL.
///
/// ```
/// let mut reliability = creatify::wait::HintReliability::default();
/// (0..15).for_each(|_| reliability.record_hinted());
/// assert!(reliability.probability() > 0.9);
/// reliability.record_missed();
/// assert!(reliability.probability() < 0.5);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HintReliability(f64);

impl HintReliability {
    /// Returns the probability, from 0 to 1; 0 until a hint has arrived.
    pub fn probability(self) -> f64 {
        self.0
    }

    /// Records a job whose end was told by a hint.
    pub fn record_hinted(&mut self) {
        self.0 += (1.0 - self.0) * LEARNED_FROM_HINT;
    }

    /// Records a job that ended without a hint.
    pub fn record_missed(&mut self) {
        self.0 *= KEPT_AFTER_MISS;
    }
}

/// Jobs that are waited for, and the hints about them. Hints about other jobs leave no trace.
#[derive(Debug, Default)]
pub(super) struct Hints {
    jobs: HashMap<JobId, WatchedJob>,
    reliability: HintReliability,
}

#[derive(Debug, Default)]
struct WatchedJob {
    waits: usize,
    /// Time at which the next poll is due because of a hint.
    due: Option<Instant>,
    /// Earliest time of the next poll because of a hint.
    earliest: Option<Instant>,
    poll: PollCause,
}

/// Cause of the last poll of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum PollCause {
    #[default]
    Policy,
    Hint,
}

/// A status that a poll showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    SameStatus,
    NewStatus,
    /// The job has ended.
    End,
}

impl Hints {
    pub(super) fn watch(&mut self, job: JobId) {
        self.jobs.entry(job).or_default().waits += 1;
    }

    pub(super) fn unwatch(&mut self, job: JobId) {
        if let Some(watched) = self.jobs.get_mut(&job) {
            watched.waits -= 1;
            if watched.waits == 0 {
                self.jobs.remove(&job);
            }
        }
    }

    /// Takes a hint; returns the time at which a poll is due because of it. `None` when nobody
    /// waits for the job, or a hint made a poll due already.
    pub(super) fn hint(&mut self, job: JobId, now: Instant) -> Option<Instant> {
        let watched = self.jobs.get_mut(&job)?;
        if watched.due.is_some() {
            return None;
        }
        watched.due = Some(watched.earliest.map_or(now, |earliest| earliest.max(now)));
        watched.due
    }

    /// Returns the time at which a poll of a job is due because of a hint.
    pub(super) fn due(&self, job: JobId) -> Option<Instant> {
        self.jobs.get(&job)?.due
    }

    /// Notes that a poll of a job is made now.
    pub(super) fn polled(&mut self, job: JobId, now: Instant) {
        let Some(watched) = self.jobs.get_mut(&job) else { return };
        watched.poll = PollCause::Policy;
        if watched.due.is_some_and(|due| due <= now) {
            watched.due = None;
            watched.earliest = Some(now + MIN_INTERVAL);
            watched.poll = PollCause::Hint;
        }
    }

    /// Notes the status that a poll of a job with a webhook URL showed.
    pub(super) fn seen(&mut self, job: JobId, seen: Seen) {
        let Some(watched) = self.jobs.get_mut(&job) else { return };
        let cause = std::mem::take(&mut watched.poll);
        if cause == PollCause::Hint && seen != Seen::SameStatus {
            watched.earliest = None; // the hint told something, so the next one may as well
        }
        match (seen, cause) {
            (Seen::End, PollCause::Hint) => self.reliability.record_hinted(),
            (Seen::End, PollCause::Policy) => self.reliability.record_missed(),
            _ => {}
        }
    }

    pub(super) fn reliability(&self) -> HintReliability {
        self.reliability
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.jobs.len()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn job(number: u128) -> JobId {
        Uuid::from_u128(number).into()
    }

    fn watching() -> (Hints, Instant) {
        let mut hints = Hints::default();
        hints.watch(job(1));
        (hints, Instant::now())
    }

    #[test]
    fn a_hint_makes_a_poll_due_at_once_and_two_at_once_make_one() {
        let (mut hints, now) = watching();
        assert_eq!(hints.hint(job(1), now), Some(now));
        assert_eq!(hints.hint(job(1), now), None);
        hints.polled(job(1), now);
        assert_eq!(hints.due(job(1)), None);
    }

    #[test]
    fn a_flood_about_a_job_causes_one_poll_a_minute() {
        let (mut hints, start) = watching();
        let mut polls = 0;
        for second in 0..600 {
            let now = start + Duration::from_secs(second);
            for _ in 0..100 {
                hints.hint(job(1), now);
            }
            if hints.due(job(1)).is_some_and(|due| due <= now) {
                hints.polled(job(1), now);
                hints.seen(job(1), Seen::SameStatus);
                polls += 1;
            }
        }
        assert_eq!(polls, 10);
    }

    #[test]
    fn a_hint_that_told_something_does_not_delay_the_next_one() {
        let (mut hints, now) = watching();
        hints.hint(job(1), now);
        hints.polled(job(1), now);
        hints.seen(job(1), Seen::NewStatus);
        let later = now + Duration::from_secs(1);
        assert_eq!(hints.hint(job(1), later), Some(later));
    }

    #[test]
    fn hints_about_jobs_that_nobody_waits_for_leave_no_trace() {
        let (mut hints, now) = watching();
        for number in 2..100_000 {
            assert_eq!(hints.hint(job(number), now), None);
        }
        assert_eq!(hints.len(), 1);
        hints.unwatch(job(1));
        assert_eq!(hints.len(), 0);
    }

    #[test]
    fn hints_are_relied_on_after_some_ends_and_less_after_one_without() {
        let (mut hints, now) = watching();
        for _ in 0..15 {
            hints.hint(job(1), now);
            hints.polled(job(1), now);
            hints.seen(job(1), Seen::End);
        }
        assert!(hints.reliability().probability() > 0.9);
        hints.polled(job(1), now);
        hints.seen(job(1), Seen::End);
        assert!(hints.reliability().probability() < 0.5);
    }
}

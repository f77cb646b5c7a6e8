//! Statuses seen of a job while it was waited for, and run times of others like it. Pure: times are
//! given, never taken.

use std::time::Duration;

use creatify_api::JobStatus;

use crate::job::Progress;

/// Number of points of a job's progress that are kept: the last ones tell the most.
const POINTS: usize = 6;

/// Statuses seen of one job, as far as they tell when the job will end.
///
/// ```
/// use std::time::Duration;
/// use creatify::{JobStatus, Progress, wait::History};
///
/// let mut history = History::new();
/// history.record(Duration::from_secs(20), &JobStatus::InQueue, None);
/// history.record(Duration::from_secs(30), &JobStatus::Running, Progress::new(0.0));
/// history.record(Duration::from_secs(60), &JobStatus::Running, Progress::new(0.35));
/// history.record(Duration::from_secs(80), &JobStatus::Running, Progress::new(0.6));
/// let eta = history.forecast().eta().unwrap();
/// assert!((20..60).contains(&eta.remaining.as_secs()), "{eta:?}");
/// ```
#[derive(Debug, Clone, Default)]
pub struct History {
    pub(super) run_times: Option<RunTimeStats>,
    /// Time of the last poll. All times are seconds since the wait began.
    pub(super) now: f64,
    /// Last time at which it was not running.
    pub(super) not_running: f64,
    /// First time at which it was seen running.
    pub(super) running: Option<f64>,
    /// First time at which it was seen done, with its output missing.
    pub(super) done: Option<f64>,
    /// Points of its progress, with no more than two of the same progress in a row.
    pub(super) points: Vec<Point>,
    polls: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) at: f32,
    pub(super) progress: f32,
}

impl History {
    /// Returns the history of a job that was just submitted.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how long before the wait the job may have been submitted.
    #[must_use]
    pub fn submitted_before(mut self, age: Duration) -> Self {
        self.not_running = -age.as_secs_f64();
        self
    }

    /// Sets the run times of jobs like this one.
    #[must_use]
    pub fn with_run_times(mut self, run_times: RunTimeStats) -> Self {
        self.run_times = (run_times.count() > 0).then_some(run_times);
        self
    }

    /// Adds a status that did not show the goal's output, at a time since the wait began.
    ///
    /// `done` without the output counts as not begun until the job was seen running: a job that is
    /// to be rendered is still done from its preview.
    pub fn record(&mut self, at: Duration, status: &JobStatus, progress: Option<Progress>) {
        self.now = at.as_secs_f64().max(self.now);
        self.polls = self.polls.saturating_add(1);
        if *status != JobStatus::Done {
            self.done = None;
        }
        match status {
            JobStatus::Done if self.running.is_some() => drop(self.done.get_or_insert(self.now)),
            JobStatus::Pending | JobStatus::InQueue | JobStatus::Done => {
                self.not_running = self.now;
                self.running = None;
                self.points.clear();
            }
            // A status that is not known may well mean that it is worked on.
            _ => {
                self.running.get_or_insert(self.now);
                if let Some(progress) = progress {
                    self.add_point(Point {
                        at: self.now as f32,
                        progress: progress.fraction() as f32,
                    });
                }
            }
        }
    }

    fn add_point(&mut self, point: Point) {
        if let [.., before, last] = self.points.as_mut_slice()
            && before.progress == point.progress
            && last.progress == point.progress
        {
            *last = point;
            return;
        }
        if self.points.len() == POINTS {
            self.points.remove(0);
        }
        self.points.push(point);
    }

    /// Returns the time from the beginning of the wait to the last poll.
    pub fn elapsed(&self) -> Duration {
        Duration::try_from_secs_f64(self.now).unwrap_or(Duration::MAX)
    }

    /// Returns the number of polls.
    pub fn poll_count(&self) -> u32 {
        self.polls
    }

    /// Returns whether it was running at the last poll.
    pub fn is_running(&self) -> bool {
        self.running.is_some() && self.done.is_none()
    }

    /// Returns how long its run took, if it is done at the next poll. Between two polls, the middle
    /// is as good as anything.
    pub(super) fn run_if_done(&self, at: Duration) -> Option<Duration> {
        let started = match self.running {
            Some(running) => (self.not_running + running) / 2.0,
            None => self.not_running,
        };
        let ended = (self.now + at.as_secs_f64()) / 2.0;
        // The start of a job that was submitted some time ago is a guess.
        (self.not_running >= 0.0).then(|| Duration::try_from_secs_f64(ended - started).ok())?
    }
}

/// Run times of earlier jobs of one kind, as a log-normal distribution: most near a median, some
/// several times as long.
///
/// A client learns them by itself from the jobs that it waits for, by template, operation and
/// model. Give them to [`Wait::expected_run_times`](super::Wait::expected_run_times) when they are
/// known from elsewhere.
///
/// ```
/// use std::time::Duration;
///
/// let run_times: creatify::wait::RunTimeStats =
///     [120, 150, 190].map(Duration::from_secs).into_iter().collect();
/// assert_eq!(run_times.count(), 3);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RunTimeStats {
    count: u32,
    /// Mean of the logarithms, and the sum of their squared distances from it (Welford).
    mean: f64,
    squares: f64,
}

/// Spread of the logarithms before many are known, and the number of run times it counts for.
const EXPECTED_SPREAD: f64 = 0.6;
const EXPECTATION_COUNTS: f64 = 4.0;

impl RunTimeStats {
    /// Adds one. A run time of zero tells nothing.
    pub fn add(&mut self, run_time: Duration) {
        if run_time.is_zero() {
            return;
        }
        let log = run_time.as_secs_f64().ln();
        self.count = self.count.saturating_add(1);
        let before = log - self.mean;
        self.mean += before / f64::from(self.count);
        self.squares += before * (log - self.mean);
    }

    /// Returns how many are known.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns mean and spread of the logarithm of the next one.
    pub(super) fn next(&self) -> (f64, f64) {
        let count = f64::from(self.count);
        let expected = EXPECTED_SPREAD * EXPECTED_SPREAD * EXPECTATION_COUNTS;
        let variance = (expected + self.squares) / (EXPECTATION_COUNTS + (count - 1.0).max(0.0));
        (self.mean, (variance * (1.0 + 1.0 / count.max(1.0))).sqrt())
    }
}

impl FromIterator<Duration> for RunTimeStats {
    fn from_iter<I: IntoIterator<Item = Duration>>(run_times: I) -> Self {
        run_times.into_iter().fold(Self::default(), |mut known, run_time| {
            known.add(run_time);
            known
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(history: &mut History, at: u64, status: &JobStatus, progress: f64) {
        history.record(Duration::from_secs(at), status, Progress::new(progress));
    }

    #[test]
    fn a_job_that_is_still_done_from_its_preview_has_not_begun() {
        let mut history = History::new();
        record(&mut history, 3, &JobStatus::Done, 1.0);
        assert!(!history.is_running() && history.done.is_none() && history.points.is_empty());
        record(&mut history, 9, &JobStatus::Running, 0.1);
        assert!(history.is_running());
        record(&mut history, 60, &JobStatus::Done, 1.0);
        record(&mut history, 63, &JobStatus::Done, 1.0);
        assert_eq!((history.is_running(), history.done), (false, Some(60.0)));
    }

    #[test]
    fn only_a_few_points_are_kept_however_long_progress_is_stuck() {
        let mut history = History::new();
        (0..1_000).for_each(|at| record(&mut history, at, &JobStatus::Running, 0.3));
        assert_eq!(history.points.iter().map(|point| point.at).collect::<Vec<_>>(), [0.0, 999.0]);
        (1_000..2_000)
            .for_each(|at| record(&mut history, at, &JobStatus::Running, at as f64 / 2_000.0));
        assert_eq!(history.points.len(), POINTS);
        assert_eq!(history.poll_count(), 2_000);
    }

    #[test]
    fn a_run_is_learned_from_the_middle_between_polls_and_only_when_its_start_was_seen() {
        let mut history = History::new();
        record(&mut history, 10, &JobStatus::InQueue, 0.0);
        record(&mut history, 20, &JobStatus::Running, 0.0);
        record(&mut history, 100, &JobStatus::Running, 0.8);
        assert_eq!(history.run_if_done(Duration::from_secs(110)), Some(Duration::from_secs(90)));
        let elsewhere = History::new().submitted_before(Duration::from_secs(60));
        assert_eq!(elsewhere.run_if_done(Duration::from_secs(110)), None);
    }

    #[test]
    fn few_durations_are_trusted_less_than_many_and_alike_ones_more_than_scattered_ones() {
        let spread = |run_times: &[u64]| {
            run_times.iter().map(|s| Duration::from_secs(*s)).collect::<RunTimeStats>().next().1
        };
        assert!(spread(&[150]) > spread(&[150, 150, 150]));
        assert!(spread(&[150; 20]) < 0.3);
        assert!(spread(&[20, 60, 150, 400, 1_000]) > spread(&[140, 145, 150, 155, 160]));
        let mut none = RunTimeStats::default();
        none.add(Duration::ZERO);
        assert_eq!(none.count(), 0);
    }
}

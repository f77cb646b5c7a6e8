//! What was seen of a job while it was waited for, and how long others like it took? Pure: times are given, never taken.

use std::time::Duration;

use creatify_api::JobStatus;

use super::outlook::Outlook;
use crate::job::Progress;

/// How many points of a job's progress are kept: the last ones tell the most.
const POINTS: usize = 6;

/// What was seen of one job, as far as it tells when the job will end.
///
/// ```
/// use std::time::Duration;
/// use creatify::{JobStatus, Progress, wait::History};
///
/// let mut history = History::new();
/// history.saw(Duration::from_secs(20), &JobStatus::InQueue, None);
/// history.saw(Duration::from_secs(30), &JobStatus::Running, Progress::new(0.0));
/// history.saw(Duration::from_secs(60), &JobStatus::Running, Progress::new(0.35));
/// history.saw(Duration::from_secs(80), &JobStatus::Running, Progress::new(0.6));
/// let eta = history.outlook().eta().unwrap();
/// assert!((20..60).contains(&eta.remaining.as_secs()), "{eta:?}");
/// ```
#[derive(Debug, Clone, Default)]
pub struct History {
    pub(super) earlier: Option<Durations>,
    /// When it was last looked at. All times are seconds since the wait began.
    pub(super) now: f64,
    /// It was not running then.
    pub(super) not_running: f64,
    /// It was running then, as first seen.
    pub(super) running: Option<f64>,
    /// It was done then, as first seen, and its output was missing.
    pub(super) done: Option<f64>,
    /// Moments of its run and what progress was shown, with no more than two of the same progress in a row.
    pub(super) told: Vec<Point>,
    looks: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) at: f32,
    pub(super) progress: f32,
}

impl History {
    /// Of a job that was just submitted.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of a job that may have been submitted so long before the wait began.
    #[must_use]
    pub fn submitted_before(mut self, age: Duration) -> Self {
        self.not_running = -age.as_secs_f64();
        self
    }

    /// Of a job of a kind whose durations are known.
    #[must_use]
    pub fn with_earlier(mut self, earlier: Durations) -> Self {
        self.earlier = (earlier.count() > 0).then_some(earlier);
        self
    }

    /// Adds a look at the job that did not show its goal's output, at a time since the wait began.
    ///
    /// `done` without the output counts as not begun until the job was seen running: a job that is to be rendered is still done from its
    /// preview.
    pub fn saw(&mut self, at: Duration, status: &JobStatus, progress: Option<Progress>) {
        self.now = at.as_secs_f64().max(self.now);
        self.looks = self.looks.saturating_add(1);
        if *status != JobStatus::Done {
            self.done = None;
        }
        match status {
            JobStatus::Done if self.running.is_some() => drop(self.done.get_or_insert(self.now)),
            JobStatus::Pending | JobStatus::InQueue | JobStatus::Done => {
                self.not_running = self.now;
                self.running = None;
                self.told.clear();
            }
            // A status that is not known may well mean that it is worked on.
            _ => {
                self.running.get_or_insert(self.now);
                if let Some(progress) = progress {
                    self.tell(Point { at: self.now as f32, progress: progress.fraction() as f32 });
                }
            }
        }
    }

    fn tell(&mut self, point: Point) {
        if let [.., before, last] = self.told.as_mut_slice()
            && before.progress == point.progress
            && last.progress == point.progress
        {
            *last = point;
            return;
        }
        if self.told.len() == POINTS {
            self.told.remove(0);
        }
        self.told.push(point);
    }

    /// How long it has been waited for, at the last look.
    pub fn waited(&self) -> Duration {
        Duration::try_from_secs_f64(self.now).unwrap_or(Duration::MAX)
    }

    /// How often it was looked at.
    pub fn looks(&self) -> u32 {
        self.looks
    }

    /// Whether it was running at the last look.
    pub fn is_running(&self) -> bool {
        self.running.is_some() && self.done.is_none()
    }

    /// When it will probably end.
    pub fn outlook(&self) -> Outlook {
        Outlook::of(self)
    }

    /// How long its run took, if it was done when it was looked at again. Between two looks, the middle is as good as anything.
    pub(super) fn run_if_done(&self, at: Duration) -> Option<Duration> {
        let started = match self.running {
            Some(running) => (self.not_running + running) / 2.0,
            None => self.not_running,
        };
        let ended = (self.now + at.as_secs_f64()) / 2.0;
        // Of a job that was submitted some time ago the start is a guess.
        (self.not_running >= 0.0).then(|| Duration::try_from_secs_f64(ended - started).ok())?
    }
}

/// How long earlier jobs of one kind ran, as a log-normal distribution: most near a median, some several times as long.
///
/// A client learns them by itself from the jobs that it waits for, by template, operation and model. Give them to
/// [`Wait::earlier`](super::Wait::earlier) when they are known from elsewhere.
///
/// ```
/// use std::time::Duration;
///
/// let durations: creatify::wait::Durations = [120, 150, 190].map(Duration::from_secs).into_iter().collect();
/// assert_eq!(durations.count(), 3);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Durations {
    count: u32,
    /// Of the logarithms: their mean, and the sum of their squared distances from it (Welford).
    mean: f64,
    squares: f64,
}

/// Spread of the logarithms to expect before many are known, and how many durations that expectation counts for.
const EXPECTED_SPREAD: f64 = 0.6;
const EXPECTATION_COUNTS: f64 = 4.0;

impl Durations {
    /// Adds one. A duration of zero tells nothing.
    pub fn add(&mut self, duration: Duration) {
        if duration.is_zero() {
            return;
        }
        let log = duration.as_secs_f64().ln();
        self.count = self.count.saturating_add(1);
        let before = log - self.mean;
        self.mean += before / f64::from(self.count);
        self.squares += before * (log - self.mean);
    }

    /// How many are known.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Mean and spread of the logarithm of the next one.
    pub(super) fn next(&self) -> (f64, f64) {
        let count = f64::from(self.count);
        let expected = EXPECTED_SPREAD * EXPECTED_SPREAD * EXPECTATION_COUNTS;
        let variance = (expected + self.squares) / (EXPECTATION_COUNTS + (count - 1.0).max(0.0));
        (self.mean, (variance * (1.0 + 1.0 / count.max(1.0))).sqrt())
    }
}

impl FromIterator<Duration> for Durations {
    fn from_iter<I: IntoIterator<Item = Duration>>(durations: I) -> Self {
        durations.into_iter().fold(Self::default(), |mut known, duration| {
            known.add(duration);
            known
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saw(history: &mut History, at: u64, status: &JobStatus, progress: f64) {
        history.saw(Duration::from_secs(at), status, Progress::new(progress));
    }

    #[test]
    fn a_job_that_is_still_done_from_its_preview_has_not_begun() {
        let mut history = History::new();
        saw(&mut history, 3, &JobStatus::Done, 1.0);
        assert!(!history.is_running() && history.done.is_none() && history.told.is_empty());
        saw(&mut history, 9, &JobStatus::Running, 0.1);
        assert!(history.is_running());
        saw(&mut history, 60, &JobStatus::Done, 1.0);
        saw(&mut history, 63, &JobStatus::Done, 1.0);
        assert_eq!((history.is_running(), history.done), (false, Some(60.0)));
    }

    #[test]
    fn only_a_few_points_are_kept_however_long_progress_is_stuck() {
        let mut history = History::new();
        (0..1_000).for_each(|at| saw(&mut history, at, &JobStatus::Running, 0.3));
        assert_eq!(history.told.iter().map(|point| point.at).collect::<Vec<_>>(), [0.0, 999.0]);
        (1_000..2_000)
            .for_each(|at| saw(&mut history, at, &JobStatus::Running, at as f64 / 2_000.0));
        assert_eq!(history.told.len(), POINTS);
        assert_eq!(history.looks(), 2_000);
    }

    #[test]
    fn a_run_is_learned_from_the_middle_between_looks_and_only_when_its_start_was_seen() {
        let mut history = History::new();
        saw(&mut history, 10, &JobStatus::InQueue, 0.0);
        saw(&mut history, 20, &JobStatus::Running, 0.0);
        saw(&mut history, 100, &JobStatus::Running, 0.8);
        assert_eq!(history.run_if_done(Duration::from_secs(110)), Some(Duration::from_secs(90)));
        let elsewhere = History::new().submitted_before(Duration::from_secs(60));
        assert_eq!(elsewhere.run_if_done(Duration::from_secs(110)), None);
    }

    #[test]
    fn few_durations_are_trusted_less_than_many_and_alike_ones_more_than_scattered_ones() {
        let spread = |durations: &[u64]| {
            durations.iter().map(|s| Duration::from_secs(*s)).collect::<Durations>().next().1
        };
        assert!(spread(&[150]) > spread(&[150, 150, 150]));
        assert!(spread(&[150; 20]) < 0.3);
        assert!(spread(&[20, 60, 150, 400, 1_000]) > spread(&[140, 145, 150, 155, 160]));
        let mut none = Durations::default();
        none.add(Duration::ZERO);
        assert_eq!(none.count(), 0);
    }
}

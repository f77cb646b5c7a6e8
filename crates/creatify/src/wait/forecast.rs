//! Forecast of a job's end: a distribution of the time that remains, from its progress, from
//! earlier jobs, or from nothing. Pure.
//!
//! Progress is taken to be some power of the share of the run that is over. The power, the
//! beginning of the run and its end are weighed together, by how well each combination explains
//! what was seen. Beside them stands the hypothesis that progress means nothing, as when it jumps
//! or is stuck; then only earlier run times count. Unknown values are taken to be most uncertain,
//! not to be average.

use std::{array, sync::LazyLock, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

use super::history::History;

/// Number of cells into which the remaining time is divided, each longer than the one before by the
/// same factor: a quarter of an hour need not be known to the second, the last seconds must be.
const CELLS: usize = 40;
const FIRST_CELL: f64 = 0.5;
const LAST_CELL: f64 = 3600.0;

/// A run of unknown length: 2.5 minutes, give or take a factor of three. Nothing documents it.
const UNKNOWN_RUN: (f64, f64) = (5.01, 1.2); // mean and spread of the logarithm of seconds
/// Probability that progress means nothing: before it has moved twice, and from then on.
const FIRST_DOUBT: f64 = 0.5;
const DOUBT: f64 = 0.1;
/// Powers tried: from fast at first and slow at last to the reverse.
const POWERS: [f64; 7] = [0.5, 0.63, 0.79, 1.0, 1.26, 1.59, 2.0];
/// Places in the gap between two polls at which the run may have begun.
const BEGINNINGS: [f64; 3] = [1.0 / 6.0, 0.5, 5.0 / 6.0];
/// Steps in which progress may be shown, from the coarsest; the first two only when several values
/// lie on them.
const STEPS: [f32; 4] = [0.25, 0.1, 0.05, 0.01];
/// Distance of progress from its step at which a combination is hardly believed any more.
const SLACK: f64 = 0.012;

/// Forecast of the end of a job, as of the last poll.
#[derive(Debug, Clone)]
pub struct CompletionForecast {
    chances: [f64; CELLS],
    /// Credence that progress tells the end, from 0 to 1.
    pub(super) progress_credence: f64,
    basis: Basis,
}

/// Estimated time until a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Eta {
    /// Median: as likely longer as shorter.
    pub remaining: Duration,
    /// Lower bound in nine cases of ten.
    pub at_least: Duration,
    /// Upper bound in nine cases of ten.
    pub at_most: Duration,
}

impl Eta {
    /// Returns the date and time at which it will probably end, for a poll made at `polled_at`.
    pub fn finish(&self, polled_at: DateTime<Utc>) -> DateTime<Utc> {
        TimeDelta::from_std(self.remaining)
            .ok()
            .and_then(|remaining| polled_at.checked_add_signed(remaining))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// Basis of a forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Basis {
    Nothing,
    EarlierJobs,
    Progress,
}

/// Beginnings of the cells, and the end of the last one.
static EDGES: LazyLock<[f64; CELLS + 1]> = LazyLock::new(|| {
    array::from_fn(|cell| match cell {
        0 => 0.0,
        cell => FIRST_CELL * (LAST_CELL / FIRST_CELL).powf((cell - 1) as f64 / (CELLS - 1) as f64),
    })
});

/// Returns the middle and width of each cell.
fn cells() -> impl Iterator<Item = (f64, f64)> {
    EDGES.windows(2).map(|edge| ((edge[0] + edge[1]) / 2.0, edge[1] - edge[0]))
}

impl History {
    /// Forecasts when the job will end.
    pub fn forecast(&self) -> CompletionForecast {
        CompletionForecast::of(self)
    }
}

impl CompletionForecast {
    pub(super) fn of(history: &History) -> Self {
        let (mean, spread) = history.run_times.map_or(UNKNOWN_RUN, |run_times| run_times.next());
        let density = |run: f64| {
            let off = (run.ln() - mean) / spread;
            (-0.5 * off * off).exp() / run
        };
        let basis = if history.run_times.is_some() { Basis::EarlierJobs } else { Basis::Nothing };
        let Some(running) = history.running else {
            // It must run before it ends.
            return Self::new(
                cells().map(|(remaining, width)| density(remaining) * width),
                0.0,
                basis,
            );
        };
        let beginnings =
            BEGINNINGS.map(|part| history.not_running + part * (running - history.not_running));
        let by_run_time = cells().map(|(remaining, width)| {
            beginnings.iter().map(|began| density(history.now + remaining - began)).sum::<f64>()
                * width
        });
        // Progress that has not moved yet tells nothing.
        if !history.points.iter().any(|point| point.progress > 0.0) {
            return Self::new(by_run_time, 0.0, basis);
        }
        let step = step(history);
        let explained: [f64; CELLS] = by_progress(history, &beginnings, f64::from(step), density);
        let doubt = if moves(history) > 0 { DOUBT } else { FIRST_DOUBT };
        let meaningless = doubt * if_meaningless(history, step);
        let by_run_time: [f64; CELLS] = collect(by_run_time.map(|chance| chance * meaningless));
        let by_progress = explained.iter().sum::<f64>() * (1.0 - doubt);
        let total = by_progress + by_run_time.iter().sum::<f64>();
        let believed = if total > 0.0 { by_progress / total } else { 0.0 };
        let chances = explained
            .iter()
            .zip(by_run_time)
            .map(|(explained, other)| explained * (1.0 - doubt) + other);
        Self::new(chances, believed, if believed > 0.5 { Basis::Progress } else { basis })
    }

    fn new(chances: impl Iterator<Item = f64>, progress_credence: f64, basis: Basis) -> Self {
        let mut chances = collect(chances);
        let total: f64 = chances.iter().sum();
        if total > 0.0 {
            chances.iter_mut().for_each(|chance| *chance /= total);
        } else {
            chances[CELLS - 1] = 1.0; // longer than anything that was thought of
        }
        Self { chances, progress_credence, basis }
    }

    /// Returns the time after which it has ended with this probability.
    fn quantile(&self, probability: f64) -> Duration {
        let mut ended = 0.0;
        for (cell, chance) in self.chances.iter().enumerate() {
            if ended + chance >= probability && *chance > 0.0 {
                let part = (probability - ended) / chance;
                return Duration::from_secs_f64(
                    EDGES[cell] + part * (EDGES[cell + 1] - EDGES[cell]),
                );
            }
            ended += chance;
        }
        Duration::from_secs_f64(LAST_CELL)
    }

    /// Returns the estimated end; `None` when nothing tells it.
    pub fn eta(&self) -> Option<Eta> {
        (self.basis != Basis::Nothing).then(|| Eta {
            remaining: self.quantile(0.5),
            at_least: self.quantile(0.1),
            at_most: self.quantile(0.9),
        })
    }

    /// Returns the delay until the next poll, in seconds, when a request is worth so many seconds
    /// of delay.
    ///
    /// With a chance `h` a second that the job ends, polls every `d` seconds cost `h·d/2` seconds
    /// of delay and `worth/d` of requests a second. That is least for `d = √(2·worth/h)`: so a poll
    /// is due when `√(h/2·worth)` has added up to one.
    pub(super) fn delay(&self, worth: f64) -> f64 {
        let (mut going, mut due) = (1.0, 0.0);
        for (cell, chance) in self.chances.iter().enumerate() {
            let width = EDGES[cell + 1] - EDGES[cell];
            let ends = chance / width / f64::max(going - chance / 2.0, 1e-9);
            let more = (ends / (2.0 * worth)).sqrt() * width;
            if due + more >= 1.0 {
                return EDGES[cell] + width * (1.0 - due) / more;
            }
            due += more;
            going -= chance;
            if going < 1e-6 {
                return EDGES[cell + 1];
            }
        }
        LAST_CELL
    }
}

fn collect(values: impl Iterator<Item = f64>) -> [f64; CELLS] {
    let mut cells = [0.0; CELLS];
    cells.iter_mut().zip(values).for_each(|(cell, value)| *cell = value);
    cells
}

/// Counts the changes of progress. The first step from 0 says little.
fn moves(history: &History) -> usize {
    history
        .points
        .windows(2)
        .filter(|pair| pair[0].progress > 0.0 && pair[0].progress != pair[1].progress)
        .count()
}

/// Returns the coarsest steps that all values lie on. Few values may lie on coarse ones by chance.
fn step(history: &History) -> f32 {
    let lies_on =
        |step: f32, value: f32| (value / step - (value / step).round()).abs() * step < 0.002;
    let fits = |step: &&f32| history.points.iter().all(|point| lies_on(**step, point.progress));
    let possible = if moves(history) >= 2 { &STEPS[..] } else { &STEPS[2..] };
    possible.iter().find(fits).copied().unwrap_or(STEPS[STEPS.len() - 1])
}

/// Returns how well each remaining time explains the progress, over all powers and beginnings.
fn by_progress(
    history: &History,
    beginnings: &[f64],
    step: f64,
    density: impl Fn(f64) -> f64,
) -> [f64; CELLS] {
    collect(cells().map(|(remaining, width)| {
        let believed = beginnings.iter().map(|began| {
            let run = history.now + remaining - began;
            let explained = explanation(history, *began, run, step);
            if explained > 0.0 { density(run) * explained } else { 0.0 }
        });
        believed.sum::<f64>() * width
    }))
}

/// Returns how well a beginning and a run explain the progress, from 0 to 1, on average over all
/// powers.
fn explanation(history: &History, began: f64, run: f64, step: f64) -> f64 {
    // The latest point first: it rules out the most.
    let points = history.points.iter().rev();
    let logs = points.map(|point| {
        (((f64::from(point.at) - began) / run).max(1e-9).ln(), f64::from(point.progress))
    });
    let logs: Vec<(f64, f64)> = logs.collect();
    let explained = POWERS.iter().map(|power| {
        let mut squares = 0.0;
        for (log, shown) in &logs {
            let progress = (power * log).exp();
            let off = (shown - progress).max(progress - shown - step).max(0.0) / SLACK;
            squares += off * off;
            if squares > 40.0 {
                return 0.0;
            }
        }
        (-0.5 * squares).exp()
    });
    explained.sum::<f64>() / POWERS.len() as f64
}

/// Returns how likely the points are when progress means nothing: it begins at 0 or anywhere,
/// stays, or goes anywhere.
fn if_meaningless(history: &History, step: f32) -> f64 {
    let anywhere = f64::from(step);
    let mut likely = 1.0;
    let mut before = None;
    for point in &history.points {
        likely *= match before {
            None if point.progress == 0.0 => 0.5,
            None => anywhere,
            Some(before) if before == point.progress => 1.0,
            Some(_) => 0.5 * anywhere,
        };
        before = Some(point.progress);
    }
    likely
}

#[cfg(test)]
mod tests {
    use creatify_api::JobStatus;
    use proptest::prelude::*;

    use super::{super::RunTimeStats, *};
    use crate::job::Progress;

    /// Returns a run that begins after 20 s and is polled every 10 s.
    fn running(shown: &[f64]) -> History {
        let mut history = History::new();
        history.record(Duration::from_secs(20), &JobStatus::InQueue, None);
        for (index, progress) in shown.iter().enumerate() {
            history.record(
                Duration::from_secs(30 + 10 * index as u64),
                &JobStatus::Running,
                Progress::new(*progress),
            );
        }
        history
    }

    fn assert_remaining(seconds: std::ops::Range<u64>, history: &History) {
        let eta = history.forecast().eta().unwrap();
        assert!(seconds.contains(&eta.remaining.as_secs()), "{eta:?}");
        assert!(eta.at_least < eta.remaining && eta.remaining < eta.at_most, "{eta:?}");
    }

    #[test]
    fn steady_progress_gives_the_end() {
        assert_remaining(45..75, &running(&[0.05, 0.15, 0.25, 0.35, 0.45])); // 1 % a second
    }

    #[test]
    fn progress_that_slows_down_or_speeds_up_gives_the_end() {
        let seconds = [5.0, 15.0, 25.0, 35.0, 45.0, 55.0, 65.0]; // of 100
        let shown =
            |power: f64| seconds.map(|at: f64| ((at / 100.0).powf(power) * 20.0).floor() / 20.0);
        assert_remaining(25..48, &running(&shown(0.6)));
        assert_remaining(25..48, &running(&shown(1.6)));
    }

    #[test]
    fn progress_that_jumps_back_or_is_stuck_is_not_believed() {
        for shown in [[0.7, 0.7, 0.7, 0.4, 0.4, 0.4].as_slice(), &[0.5; 12], &[0.0; 12]] {
            let forecast = running(shown).forecast();
            assert!(
                forecast.progress_credence < 0.5 && forecast.eta().is_none(),
                "{shown:?}: {}",
                forecast.progress_credence
            );
        }
    }

    #[test]
    fn without_progress_earlier_jobs_give_the_end_and_without_both_there_is_none() {
        let history = running(&[]);
        assert_eq!(history.forecast().eta(), None);
        let earlier: RunTimeStats =
            [90, 100, 110, 100].map(Duration::from_secs).into_iter().collect();
        let eta = history.with_run_times(earlier).forecast().eta().unwrap();
        assert!((80..120).contains(&eta.remaining.as_secs()), "{eta:?}");
    }

    fn any_poll() -> impl Strategy<Value = (f64, JobStatus, Option<Progress>)> {
        let status = prop_oneof![
            1 => Just(JobStatus::Pending),
            1 => Just(JobStatus::InQueue),
            4 => Just(JobStatus::Running),
            1 => Just(JobStatus::Done),
            1 => Just(JobStatus::Other("archived".to_owned())),
        ];
        (
            0.0..10_000.0f64,
            status,
            proptest::option::of((-1.0..2.0f64).prop_map(|value| Progress::new(value).unwrap())),
        )
    }

    proptest! {
        #[test]
        fn any_history_gives_a_distribution_and_a_delay(
            polls in proptest::collection::vec(any_poll(), 0..12),
            age in 0u64..100_000,
            worth in 0.001..10.0f64,
        ) {
            let mut history = History::new().submitted_before(Duration::from_secs(age));
            let mut now = 0.0;
            for (later, status, progress) in polls {
                now += later;
                history.record(Duration::from_secs_f64(now), &status, progress);
            }
            let forecast = history.forecast();
            prop_assert!((forecast.chances.iter().sum::<f64>() - 1.0).abs() < 1e-6);
            prop_assert!(forecast.chances.iter().all(|chance| (0.0..=1.0).contains(chance)));
            prop_assert!((0.0..=1.0).contains(&forecast.progress_credence));
            let delay = forecast.delay(worth);
            prop_assert!(delay > 0.0 && delay <= LAST_CELL, "{delay}");
            prop_assert!(forecast.delay(worth * 2.0) >= delay, "a dearer request is later");
        }
    }
}

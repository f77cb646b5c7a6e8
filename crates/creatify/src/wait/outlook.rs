//! When will a job end? A distribution of the time that remains, from its progress, from earlier jobs, or from nothing. Pure.
//!
//! Progress is believed to be some power of the share of the run that is over: which power, when the run began and when it will end are
//! weighed together, by how well each combination explains what was seen. Beside them stands the belief that progress means nothing, as
//! when it jumps or is stuck; then only earlier durations count. What is not known is taken to be most uncertain, not to be average.

use std::{array, sync::LazyLock, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

use super::history::History;

/// The time that remains is divided into cells, each longer than the one before by the same factor: a quarter of an hour need not be known
/// to the second, the last seconds must be.
const CELLS: usize = 40;
const FIRST_CELL: f64 = 0.5;
const LAST_CELL: f64 = 3600.0;

/// A run of unknown length: 2.5 minutes, give or take a factor of three. Nothing documents it; the sandbox is made alike.
const UNKNOWN_RUN: (f64, f64) = (5.01, 1.2); // mean and spread of the logarithm of seconds
/// How likely it is that progress means nothing: before it has moved twice, and from then on.
const FIRST_DOUBT: f64 = 0.5;
const DOUBT: f64 = 0.1;
/// Fast at first and slow at last, up to the reverse.
const POWERS: [f64; 7] = [0.5, 0.63, 0.79, 1.0, 1.26, 1.59, 2.0];
/// Where in the gap between two looks the run may have begun.
const BEGINNINGS: [f64; 3] = [1.0 / 6.0, 0.5, 5.0 / 6.0];
/// Steps in which progress may be shown, from the coarsest; the first two only when several values lie on them.
const STEPS: [f32; 4] = [0.25, 0.1, 0.05, 0.01];
/// How far progress may be beside its step before a combination is hardly believed any more.
const SLACK: f64 = 0.012;

/// When a job will probably end, as seen at the last look.
#[derive(Debug, Clone)]
pub struct Outlook {
    chances: [f64; CELLS],
    /// From 0 to 1: how far its progress is believed.
    pub(super) told: f64,
    basis: Basis,
}

/// When a job will probably end, in words for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Eta {
    /// As likely longer as shorter.
    pub remaining: Duration,
    /// In nine cases of ten longer than this.
    pub at_least: Duration,
    /// In nine cases of ten shorter than this.
    pub at_most: Duration,
}

impl Eta {
    /// The date and time at which it will probably end, if it was looked at then.
    pub fn finish(&self, looked_at: DateTime<Utc>) -> DateTime<Utc> {
        TimeDelta::from_std(self.remaining)
            .ok()
            .and_then(|remaining| looked_at.checked_add_signed(remaining))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// What an outlook rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Basis {
    Nothing,
    EarlierJobs,
    Progress,
}

/// Where the cells begin, and at last where they end.
static EDGES: LazyLock<[f64; CELLS + 1]> = LazyLock::new(|| {
    array::from_fn(|cell| match cell {
        0 => 0.0,
        cell => FIRST_CELL * (LAST_CELL / FIRST_CELL).powf((cell - 1) as f64 / (CELLS - 1) as f64),
    })
});

/// A cell's middle and width.
fn cells() -> impl Iterator<Item = (f64, f64)> {
    EDGES.windows(2).map(|edge| ((edge[0] + edge[1]) / 2.0, edge[1] - edge[0]))
}

impl Outlook {
    pub(super) fn of(history: &History) -> Self {
        let (mean, spread) = history.earlier.map_or(UNKNOWN_RUN, |earlier| earlier.next());
        let density = |run: f64| {
            let off = (run.ln() - mean) / spread;
            (-0.5 * off * off).exp() / run
        };
        let basis = if history.earlier.is_some() { Basis::EarlierJobs } else { Basis::Nothing };
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
        let by_duration = cells().map(|(remaining, width)| {
            beginnings.iter().map(|began| density(history.now + remaining - began)).sum::<f64>()
                * width
        });
        // Progress that has not moved yet tells nothing.
        if !history.told.iter().any(|point| point.progress > 0.0) {
            return Self::new(by_duration, 0.0, basis);
        }
        let step = step(history);
        let explained: [f64; CELLS] = by_progress(history, &beginnings, f64::from(step), density);
        let doubt = if moves(history) > 0 { DOUBT } else { FIRST_DOUBT };
        let meaningless = doubt * if_meaningless(history, step);
        let by_duration: [f64; CELLS] = collect(by_duration.map(|chance| chance * meaningless));
        let (told, untold): (f64, f64) =
            (explained.iter().sum::<f64>() * (1.0 - doubt), by_duration.iter().sum());
        let believed = if told + untold > 0.0 { told / (told + untold) } else { 0.0 };
        let chances =
            explained.iter().zip(by_duration).map(|(told, untold)| told * (1.0 - doubt) + untold);
        Self::new(chances, believed, if believed > 0.5 { Basis::Progress } else { basis })
    }

    fn new(chances: impl Iterator<Item = f64>, told: f64, basis: Basis) -> Self {
        let mut chances = collect(chances);
        let total: f64 = chances.iter().sum();
        if total > 0.0 {
            chances.iter_mut().for_each(|chance| *chance /= total);
        } else {
            chances[CELLS - 1] = 1.0; // longer than anything that was thought of
        }
        Self { chances, told, basis }
    }

    /// The time after which it has ended with this probability.
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

    /// When it will end, if there is more to say than that nobody knows.
    pub fn eta(&self) -> Option<Eta> {
        (self.basis != Basis::Nothing).then(|| Eta {
            remaining: self.quantile(0.5),
            at_least: self.quantile(0.1),
            at_most: self.quantile(0.9),
        })
    }

    /// The pause after which to look again, when a request is worth so many seconds of delay.
    ///
    /// With a chance `h` a second that the job ends, looks every `d` seconds cost `h·d/2` seconds of delay and `worth/d` of requests a
    /// second. That is least for `d = √(2·worth/h)`: so a look is due when `√(h/2·worth)` has added up to one.
    pub(super) fn pause(&self, worth: f64) -> f64 {
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

/// How often progress went from something to something else. The first step from 0 says little.
fn moves(history: &History) -> usize {
    history
        .told
        .windows(2)
        .filter(|pair| pair[0].progress > 0.0 && pair[0].progress != pair[1].progress)
        .count()
}

/// The coarsest steps that all values shown lie on. Few values may lie on coarse ones by chance.
fn step(history: &History) -> f32 {
    let lies_on =
        |step: f32, value: f32| (value / step - (value / step).round()).abs() * step < 0.002;
    let fits = |step: &&f32| history.told.iter().all(|point| lies_on(**step, point.progress));
    let possible = if moves(history) >= 2 { &STEPS[..] } else { &STEPS[2..] };
    possible.iter().find(fits).copied().unwrap_or(STEPS[STEPS.len() - 1])
}

/// How well each time that remains explains the progress shown, over all powers and beginnings.
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

/// From 0 to 1: how well a beginning and a run explain the progress shown, on average over all powers.
fn explanation(history: &History, began: f64, run: f64, step: f64) -> f64 {
    // The latest point first: it rules out the most.
    let points = history.told.iter().rev();
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

/// How likely what was shown is when progress means nothing: it begins at 0 or anywhere, stays, or goes anywhere.
fn if_meaningless(history: &History, step: f32) -> f64 {
    let anywhere = f64::from(step);
    let mut likely = 1.0;
    let mut before = None;
    for point in &history.told {
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

    use super::{super::Durations, *};
    use crate::job::Progress;

    /// A run that begins after 20 s, looked at every 10 s.
    fn running(shown: &[f64]) -> History {
        let mut history = History::new();
        history.saw(Duration::from_secs(20), &JobStatus::InQueue, None);
        for (index, progress) in shown.iter().enumerate() {
            history.saw(
                Duration::from_secs(30 + 10 * index as u64),
                &JobStatus::Running,
                Progress::new(*progress),
            );
        }
        history
    }

    fn about(seconds: std::ops::Range<u64>, history: &History) {
        let eta = history.outlook().eta().unwrap();
        assert!(seconds.contains(&eta.remaining.as_secs()), "{eta:?}");
        assert!(eta.at_least < eta.remaining && eta.remaining < eta.at_most, "{eta:?}");
    }

    #[test]
    fn steady_progress_tells_the_end() {
        about(45..75, &running(&[0.05, 0.15, 0.25, 0.35, 0.45])); // 1 % a second
    }

    #[test]
    fn progress_that_slows_down_or_speeds_up_tells_the_end_too() {
        let seconds = [5.0, 15.0, 25.0, 35.0, 45.0, 55.0, 65.0]; // of 100
        let shown =
            |power: f64| seconds.map(|at: f64| ((at / 100.0).powf(power) * 20.0).floor() / 20.0);
        about(25..48, &running(&shown(0.6)));
        about(25..48, &running(&shown(1.6)));
    }

    #[test]
    fn progress_that_jumps_back_or_is_stuck_is_not_believed() {
        for shown in [[0.7, 0.7, 0.7, 0.4, 0.4, 0.4].as_slice(), &[0.5; 12], &[0.0; 12]] {
            let outlook = running(shown).outlook();
            assert!(outlook.told < 0.5 && outlook.eta().is_none(), "{shown:?}: {}", outlook.told);
        }
    }

    #[test]
    fn without_progress_earlier_jobs_tell_the_end_and_without_both_nobody_does() {
        let history = running(&[]);
        assert_eq!(history.outlook().eta(), None);
        let earlier: Durations = [90, 100, 110, 100].map(Duration::from_secs).into_iter().collect();
        let eta = history.with_earlier(earlier).outlook().eta().unwrap();
        assert!((80..120).contains(&eta.remaining.as_secs()), "{eta:?}");
    }

    fn any_look() -> impl Strategy<Value = (f64, JobStatus, Option<Progress>)> {
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
        /// Whatever a service shows, an outlook is a distribution and a pause a time.
        #[test]
        fn no_history_breaks_it(looks in proptest::collection::vec(any_look(), 0..12), age in 0u64..100_000, worth in 0.001..10.0f64) {
            let mut history = History::new().submitted_before(Duration::from_secs(age));
            let mut now = 0.0;
            for (later, status, progress) in looks {
                now += later;
                history.saw(Duration::from_secs_f64(now), &status, progress);
            }
            let outlook = history.outlook();
            prop_assert!((outlook.chances.iter().sum::<f64>() - 1.0).abs() < 1e-6);
            prop_assert!(outlook.chances.iter().all(|chance| (0.0..=1.0).contains(chance)));
            prop_assert!((0.0..=1.0).contains(&outlook.told));
            let pause = outlook.pause(worth);
            prop_assert!(pause > 0.0 && pause <= LAST_CELL, "{pause}");
            prop_assert!(outlook.pause(worth * 2.0) >= pause, "a dearer request is made later");
        }
    }
}

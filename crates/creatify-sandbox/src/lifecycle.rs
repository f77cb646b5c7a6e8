//! Call timelines: the status changes and the progress of the work of one call.

use std::time::Duration;

use creatify_api::{JobStatus, credit_rates::BillableOperation};
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use rand_distr::StandardNormal;

/// Durations of the work, in sandbox time.
///
/// Queueing and rendering times are drawn from a log-normal distribution: most are near the median,
/// some are several times as long.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Timing {
    /// Time for which a new job is `pending`.
    pub pending: Duration,
    /// Time for which a job still shows its old state after a render was accepted: usually `done`,
    /// with its preview, without a video.
    pub render_lag: Duration,
    /// Median time in the queue.
    pub queue_median: Duration,
    /// Median running time of a preview.
    pub preview_median: Duration,
    /// Median running time of a video, by create or by render.
    pub video_median: Duration,
    /// Spread of the distribution (the standard deviation of the logarithm). With zero, every time
    /// is
    /// its median.
    pub sigma: f64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            pending: Duration::from_secs(1),
            render_lag: Duration::from_secs(1),
            queue_median: Duration::from_secs(15),
            preview_median: Duration::from_secs(40),
            video_median: Duration::from_secs(150),
            sigma: 0.6,
        }
    }
}

impl Timing {
    /// Draws a time around the median, in whole milliseconds, cut off at three sigma to keep tests
    /// from waiting for rare outliers.
    fn draw(&self, median: Duration, rng: &mut Xoshiro256PlusPlus) -> Duration {
        let normal: f64 = rng.sample(StandardNormal);
        let drawn = median.as_secs_f64() * (self.sigma * normal.clamp(-3.0, 3.0)).exp();
        Duration::from_millis((drawn * 1000.0).round() as u64) // saturates at Duration::MAX
    }
}

/// Values of the `progress` field while a job runs. The service documents no scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ProgressProfile {
    /// The finished share of the work, from 0 to 1 in steps of 0.05.
    #[default]
    Informative,
    /// 0 until the job is done.
    Stuck,
    /// A few large jumps, one of them backwards.
    Jumping,
    /// Always null.
    Absent,
}

impl ProgressProfile {
    /// Returns the progress to show for a finished share of the work, from 0 to 1.
    pub(crate) fn shown(self, share: f64) -> Option<f64> {
        let step = (share.clamp(0.0, 1.0) * 20.0).floor() / 20.0;
        match self {
            Self::Informative => Some(step),
            Self::Stuck => Some(if step < 1.0 { 0.0 } else { 1.0 }),
            Self::Jumping => Some(match step {
                step if step < 0.25 => 0.0,
                step if step < 0.5 => 0.7,
                step if step < 1.0 => 0.4,
                _ => 1.0,
            }),
            Self::Absent => None,
        }
    }
}

/// The outcome of a call's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The requested preview or video exists.
    Done,
    /// The work stops while it runs, for this reason.
    Failed(&'static str),
    /// The work never runs, for this reason.
    Rejected(&'static str),
}

/// The complete timeline of one accepted call, drawn when it is accepted. All times are sandbox
/// time
/// since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timeline {
    pub(crate) accepted: Duration,
    queued: Duration,
    started: Duration,
    pub(crate) ended: Duration,
    /// The running time of work that succeeds.
    full_run: Duration,
    pub(crate) outcome: Outcome,
}

/// The phase of a timeline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Phase {
    /// Accepted, not queued yet.
    Waiting,
    /// In the queue.
    Queued,
    /// Running, with the finished share of the work.
    Running { share: f64 },
    /// Over, with the finished share of the work.
    Over { share: f64 },
}

impl Timeline {
    /// Draws the times of a call.
    pub(crate) fn draw(
        timing: &Timing,
        operation: BillableOperation,
        outcome: Outcome,
        accepted: Duration,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Self {
        let (wait, median) = match operation {
            BillableOperation::Preview => (timing.pending, timing.preview_median),
            BillableOperation::Create => (timing.pending, timing.video_median),
            BillableOperation::Render => (timing.render_lag, timing.video_median),
        };
        let queue = timing.draw(timing.queue_median, rng);
        let full_run = timing.draw(median, rng);
        let run = match outcome {
            Outcome::Done => full_run,
            Outcome::Failed(_) => full_run.mul_f64(0.4),
            Outcome::Rejected(_) => Duration::ZERO,
        };
        let queued = accepted.saturating_add(wait);
        let started = queued.saturating_add(queue);
        Self { accepted, queued, started, ended: started.saturating_add(run), full_run, outcome }
    }

    /// Returns the phase at this moment.
    pub(crate) fn phase(&self, now: Duration) -> Phase {
        let share = match now.min(self.ended).checked_sub(self.started) {
            _ if now >= self.ended && self.outcome == Outcome::Done => 1.0,
            Some(ran) if !ran.is_zero() => ran.as_secs_f64() / self.full_run.as_secs_f64(),
            _ => 0.0,
        };
        match now {
            now if now >= self.ended => Phase::Over { share },
            now if now >= self.started => Phase::Running { share },
            now if now >= self.queued => Phase::Queued,
            _ => Phase::Waiting,
        }
    }

    /// Returns true when the work is over and succeeded.
    pub(crate) fn succeeded(&self, now: Duration) -> bool {
        now >= self.ended && self.outcome == Outcome::Done
    }

    /// Returns the times of the phase changes, in order and without duplicates.
    pub(crate) fn changes(&self) -> impl Iterator<Item = Duration> {
        let passed_at_once = [self.queued == self.started, self.started == self.ended, false];
        [self.queued, self.started, self.ended]
            .into_iter()
            .zip(passed_at_once)
            .filter(|(_, skip)| !skip)
            .map(|(at, _)| at)
    }

    /// Returns the time of the latest phase change.
    pub(crate) fn changed(&self, now: Duration) -> Duration {
        self.changes().filter(|at| *at <= now).last().unwrap_or(self.accepted)
    }

    /// Returns the status and the progress that a job shows for this timeline.
    pub(crate) fn status(
        &self,
        now: Duration,
        profile: ProgressProfile,
    ) -> (JobStatus, Option<f64>) {
        match self.phase(now) {
            Phase::Waiting => (JobStatus::Pending, profile.shown(0.0)),
            Phase::Queued => (JobStatus::InQueue, profile.shown(0.0)),
            Phase::Running { share } => (JobStatus::Running, profile.shown(share)),
            Phase::Over { share } => {
                let status = match self.outcome {
                    Outcome::Done => JobStatus::Done,
                    Outcome::Failed(_) => JobStatus::Failed,
                    Outcome::Rejected(_) => JobStatus::Rejected,
                };
                (status, profile.shown(share))
            }
        }
    }
}

/// Creates the random number generator of one call. It depends on the seed, the number of the job
/// and
/// the number of the call in that job, so that jobs do not influence each other.
pub(crate) fn rng(seed: u64, job: u64, call: u64) -> Xoshiro256PlusPlus {
    // The odd factors give neighbors different seeds; seed_from_u64 mixes them.
    Xoshiro256PlusPlus::seed_from_u64(
        seed ^ job.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ call.wrapping_mul(0xd1b5_4a32_d192_ed03),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(operation: BillableOperation, outcome: Outcome) -> Timeline {
        let timing = Timing { sigma: 0.0, ..Timing::default() };
        Timeline::draw(&timing, operation, outcome, Duration::from_secs(100), &mut rng(0, 0, 0))
    }

    fn changes(timeline: &Timeline) -> Vec<(u64, String)> {
        let times = [timeline.accepted].into_iter().chain(timeline.changes());
        times
            .map(|at| {
                (at.as_secs(), timeline.status(at, ProgressProfile::Informative).0.to_string())
            })
            .collect()
    }

    #[test]
    fn a_timeline_has_each_status_once_and_in_order() {
        let listed = |timeline| {
            changes(&timeline)
                .iter()
                .map(|(at, status)| format!("{at} {status}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        assert_eq!(
            listed(timeline(BillableOperation::Preview, Outcome::Done)),
            "100 pending, 101 in_queue, 116 running, 156 done"
        );
        assert_eq!(
            listed(timeline(BillableOperation::Create, Outcome::Failed("f"))),
            "100 pending, 101 in_queue, 116 running, 176 failed"
        );
        assert_eq!(
            listed(timeline(BillableOperation::Create, Outcome::Rejected("r"))),
            "100 pending, 101 in_queue, 116 rejected"
        );
    }

    #[test]
    fn progress_grows_in_steps_and_reaches_one_only_when_done() {
        let shown = |timeline: &Timeline, second| {
            timeline.status(Duration::from_secs(second), ProgressProfile::Informative).1
        };
        let done = timeline(BillableOperation::Preview, Outcome::Done);
        assert_eq!(
            [0, 115, 117, 118, 136, 155].map(|s| shown(&done, s)),
            [0.0, 0.0, 0.0, 0.05, 0.5, 0.95].map(Some)
        );
        assert_eq!(shown(&done, 999), Some(1.0));
        assert_eq!(
            shown(&timeline(BillableOperation::Preview, Outcome::Failed("f")), 999),
            Some(0.4)
        );
        assert_eq!(
            shown(&timeline(BillableOperation::Preview, Outcome::Rejected("r")), 999),
            Some(0.0)
        );
    }

    #[test]
    fn the_other_progress_profiles_show_less_or_jump() {
        let shown =
            |profile: ProgressProfile| [0.0, 0.3, 0.6, 1.0].map(|share| profile.shown(share));
        assert_eq!(shown(ProgressProfile::Stuck), [0.0, 0.0, 0.0, 1.0].map(Some));
        assert_eq!(shown(ProgressProfile::Jumping), [0.0, 0.7, 0.4, 1.0].map(Some));
        assert_eq!(shown(ProgressProfile::Absent), [None; 4]);
    }

    #[test]
    fn times_vary_around_the_median_and_repeat_for_the_same_seed() {
        let timing = Timing::default();
        let draw = |job| timing.draw(timing.video_median, &mut rng(7, job, 0));
        let mut times: Vec<_> = (0..1001).map(draw).collect();
        assert_eq!(times, (0..1001).map(draw).collect::<Vec<_>>());
        times.sort();
        assert!((130..170).contains(&times[500].as_secs()), "median {:?}", times[500]);
        assert!((60..80).contains(&times[100].as_secs()), "tenth {:?}", times[100]);
        assert!((290..360).contains(&times[900].as_secs()), "ninetieth {:?}", times[900]);
    }

    #[test]
    fn a_median_of_the_maximum_duration_never_ends() {
        let timing = Timing { video_median: Duration::MAX, ..Timing::default() };
        let timeline = Timeline::draw(
            &timing,
            BillableOperation::Create,
            Outcome::Done,
            Duration::ZERO,
            &mut rng(0, 0, 0),
        );
        assert!(matches!(
            timeline.phase(Duration::from_secs(1_000_000_000)),
            Phase::Running { .. }
        ));
    }

    #[test]
    fn work_with_zero_medians_is_over_at_once() {
        let zero = Duration::ZERO;
        let timing =
            Timing { pending: zero, queue_median: zero, preview_median: zero, ..Timing::default() };
        let timeline = Timeline::draw(
            &timing,
            BillableOperation::Preview,
            Outcome::Done,
            zero,
            &mut rng(0, 0, 0),
        );
        assert_eq!(timeline.phase(zero), Phase::Over { share: 1.0 });
    }
}

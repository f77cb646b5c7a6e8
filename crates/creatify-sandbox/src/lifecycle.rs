//! When does a call's work change its state, and how does it look in between?

use std::time::Duration;

use creatify_api::{JobStatus, credit_rates::Operation};
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use rand_distr::StandardNormal;

/// How long things take, in sandbox time.
///
/// Queueing and rendering times are drawn from a log-normal distribution: most are near the median, some take several times as long.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Timing {
    /// How long a new job stays `pending`.
    pub pending: Duration,
    /// How long a job that is rendered still looks as it did before: `done`, with its preview, without a video.
    pub render_lag: Duration,
    /// Median time in the queue.
    pub queue_median: Duration,
    /// Median time a preview runs.
    pub preview_median: Duration,
    /// Median time a video runs, by create or by render.
    pub video_median: Duration,
    /// Spread of the distribution (the standard deviation of the logarithm); zero makes every time its median.
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
    /// A time around the median, in whole milliseconds. Cut at three sigma: no test waits for a once-in-a-thousand outlier.
    fn draw(&self, median: Duration, rng: &mut Xoshiro256PlusPlus) -> Duration {
        let normal: f64 = rng.sample(StandardNormal);
        let drawn = median.as_secs_f64() * (self.sigma * normal.clamp(-3.0, 3.0)).exp();
        Duration::from_millis((drawn * 1000.0).round() as u64) // saturates: a median may be "never"
    }
}

/// What `progress` shows while a job runs. The service documents no scale and no promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ProgressProfile {
    /// The share of the work that is done, from 0 to 1 in steps of 0.05.
    #[default]
    Informative,
    /// 0 until the job is done.
    Stuck,
    /// A few large jumps, one of them backwards.
    Jumping,
    /// Null, always.
    Absent,
}

impl ProgressProfile {
    /// What is shown when this share of the work, from 0 to 1, is done.
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

/// How a call's work ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With what was asked for.
    Done,
    /// Part of the way through its run, for this reason.
    Failed(&'static str),
    /// Before it runs, for this reason.
    Rejected(&'static str),
}

/// The whole future of one accepted call, fixed when it is accepted. All times are sandbox time since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) accepted: Duration,
    queued: Duration,
    started: Duration,
    pub(crate) ended: Duration,
    /// What the run would take if it went through.
    full_run: Duration,
    pub(crate) ending: Ending,
}

/// Where a plan stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Phase {
    /// Accepted, not queued yet.
    Waiting,
    /// In the queue.
    Queued,
    /// Running; this share of the work is done.
    Running { share: f64 },
    /// Over; this share of the work was done.
    Over { share: f64 },
}

impl Plan {
    /// Draws the times of a call.
    pub(crate) fn draw(
        timing: &Timing,
        operation: Operation,
        ending: Ending,
        accepted: Duration,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Self {
        let (wait, median) = match operation {
            Operation::Preview => (timing.pending, timing.preview_median),
            Operation::Create => (timing.pending, timing.video_median),
            Operation::Render => (timing.render_lag, timing.video_median),
        };
        let queue = timing.draw(timing.queue_median, rng);
        let full_run = timing.draw(median, rng);
        let run = match ending {
            Ending::Done => full_run,
            Ending::Failed(_) => full_run.mul_f64(0.4),
            Ending::Rejected(_) => Duration::ZERO,
        };
        let queued = accepted.saturating_add(wait);
        let started = queued.saturating_add(queue);
        Self { accepted, queued, started, ended: started.saturating_add(run), full_run, ending }
    }

    /// Where it stands at this moment.
    pub(crate) fn phase(&self, now: Duration) -> Phase {
        let share = match now.min(self.ended).checked_sub(self.started) {
            _ if now >= self.ended && self.ending == Ending::Done => 1.0,
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

    /// Whether it is over and did what was asked.
    pub(crate) fn succeeded(&self, now: Duration) -> bool {
        now >= self.ended && self.ending == Ending::Done
    }

    /// The moments at which its phase changes, in order, each once.
    pub(crate) fn changes(&self) -> impl Iterator<Item = Duration> {
        let passed_at_once = [self.queued == self.started, self.started == self.ended, false];
        [self.queued, self.started, self.ended]
            .into_iter()
            .zip(passed_at_once)
            .filter(|(_, skip)| !skip)
            .map(|(at, _)| at)
    }

    /// When it last changed.
    pub(crate) fn changed(&self, now: Duration) -> Duration {
        self.changes().filter(|at| *at <= now).last().unwrap_or(self.accepted)
    }

    /// The status of a job whose work this is, and what progress shows.
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
                let status = match self.ending {
                    Ending::Done => JobStatus::Done,
                    Ending::Failed(_) => JobStatus::Failed,
                    Ending::Rejected(_) => JobStatus::Rejected,
                };
                (status, profile.shown(share))
            }
        }
    }
}

/// The chance behind one call. It depends on the seed, the job's number and the call's number in that job only, so that what happens to
/// one job never changes another.
pub(crate) fn rng(seed: u64, job: u64, call: u64) -> Xoshiro256PlusPlus {
    // Odd factors keep neighbors apart; seed_from_u64 mixes the rest.
    Xoshiro256PlusPlus::seed_from_u64(
        seed ^ job.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ call.wrapping_mul(0xd1b5_4a32_d192_ed03),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(operation: Operation, ending: Ending) -> Plan {
        let timing = Timing { sigma: 0.0, ..Timing::default() };
        Plan::draw(&timing, operation, ending, Duration::from_secs(100), &mut rng(0, 0, 0))
    }

    fn story(plan: &Plan) -> Vec<(u64, String)> {
        let times = [plan.accepted].into_iter().chain(plan.changes());
        times
            .map(|at| (at.as_secs(), plan.status(at, ProgressProfile::Informative).0.to_string()))
            .collect()
    }

    #[test]
    fn a_plan_goes_through_each_status_once_and_in_order() {
        let told = |plan| {
            story(&plan)
                .iter()
                .map(|(at, status)| format!("{at} {status}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        assert_eq!(
            told(plan(Operation::Preview, Ending::Done)),
            "100 pending, 101 in_queue, 116 running, 156 done"
        );
        assert_eq!(
            told(plan(Operation::Create, Ending::Failed("f"))),
            "100 pending, 101 in_queue, 116 running, 176 failed"
        );
        assert_eq!(
            told(plan(Operation::Create, Ending::Rejected("r"))),
            "100 pending, 101 in_queue, 116 rejected"
        );
    }

    #[test]
    fn progress_grows_in_steps_and_ends_at_one_only_when_done() {
        let shown = |plan: &Plan, second| {
            plan.status(Duration::from_secs(second), ProgressProfile::Informative).1
        };
        let done = plan(Operation::Preview, Ending::Done);
        assert_eq!(
            [0, 115, 117, 118, 136, 155].map(|s| shown(&done, s)),
            [0.0, 0.0, 0.0, 0.05, 0.5, 0.95].map(Some)
        );
        assert_eq!(shown(&done, 999), Some(1.0));
        assert_eq!(shown(&plan(Operation::Preview, Ending::Failed("f")), 999), Some(0.4));
        assert_eq!(shown(&plan(Operation::Preview, Ending::Rejected("r")), 999), Some(0.0));
    }

    #[test]
    fn the_other_progress_profiles_tell_less_or_lie() {
        let shown =
            |profile: ProgressProfile| [0.0, 0.3, 0.6, 1.0].map(|share| profile.shown(share));
        assert_eq!(shown(ProgressProfile::Stuck), [0.0, 0.0, 0.0, 1.0].map(Some));
        assert_eq!(shown(ProgressProfile::Jumping), [0.0, 0.7, 0.4, 1.0].map(Some));
        assert_eq!(shown(ProgressProfile::Absent), [None; 4]);
    }

    #[test]
    fn times_spread_around_the_median_and_are_the_same_for_the_same_seed() {
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
    fn a_median_may_be_as_long_as_never() {
        let timing = Timing { video_median: Duration::MAX, ..Timing::default() };
        let plan =
            Plan::draw(&timing, Operation::Create, Ending::Done, Duration::ZERO, &mut rng(0, 0, 0));
        assert!(matches!(plan.phase(Duration::from_secs(1_000_000_000)), Phase::Running { .. }));
    }

    #[test]
    fn nothing_takes_time_when_every_median_is_zero() {
        let zero = Duration::ZERO;
        let timing =
            Timing { pending: zero, queue_median: zero, preview_median: zero, ..Timing::default() };
        let plan = Plan::draw(&timing, Operation::Preview, Ending::Done, zero, &mut rng(0, 0, 0));
        assert_eq!(plan.phase(zero), Phase::Over { share: 1.0 });
    }
}

//! How do policies do on one job at a time? Simulated jobs, no HTTP, no clock: only what a policy
//! sees and when it looks.

use std::time::Duration;

use creatify::{
    JobStatus, Progress,
    wait::{
        ExponentialBackoff, FixedInterval, HintReliability, History, PollPolicy, PollState,
        RunTimeStats,
    },
};
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use rand_distr::{Distribution, LogNormal};

/// What `progress` shows while a job runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Steps of 5 %, faster at first or at last: a power from 0.6 to 1.6 of the share that is done.
    Informative,
    /// 0 until the end.
    Stuck,
    /// Large jumps, one of them backwards.
    Jumping,
    /// Nothing.
    Absent,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Informative, Self::Stuck, Self::Jumping, Self::Absent];

    fn shown(self, share: f64, power: f64) -> Option<Progress> {
        let fraction = match self {
            Self::Informative => (share.powf(power) * 20.0).floor() / 20.0,
            Self::Stuck => 0.0,
            Self::Jumping if share < 0.25 => 0.0,
            Self::Jumping if share < 0.5 => 0.7,
            Self::Jumping => 0.4,
            Self::Absent => return None,
        };
        Progress::new(fraction)
    }
}

/// A job whose future is fixed. Times are seconds since it was submitted.
#[derive(Debug, Clone, Copy)]
pub struct SimulatedJob {
    starts: f64,
    ends: f64,
    power: f64,
    profile: Profile,
}

const QUEUE_MEDIAN: f64 = 15.0;
const RENDER_MEDIAN: f64 = 150.0;
const SPREAD: f64 = 0.6;

/// Jobs with a log-normal queue and render, the same for the same seed.
pub fn jobs(count: usize, profile: Profile, seed: u64) -> Vec<SimulatedJob> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let log_normal = |median: f64| {
        LogNormal::new(median.ln(), SPREAD).expect("the spread is positive and finite")
    };
    let (queue, render) = (log_normal(QUEUE_MEDIAN), log_normal(RENDER_MEDIAN));
    let mut job = || {
        let starts = queue.sample(&mut rng);
        SimulatedJob {
            starts,
            ends: starts + render.sample(&mut rng),
            power: rng.random_range(0.6..1.6),
            profile,
        }
    };
    (0..count).map(|_| job()).collect()
}

/// How long earlier jobs ran.
pub fn earlier(jobs: &[SimulatedJob]) -> RunTimeStats {
    jobs.iter().map(|job| Duration::from_secs_f64(job.ends - job.starts)).collect()
}

/// What other clients do: their names and policies.
pub fn competitors() -> [(&'static str, Box<dyn PollPolicy>); 3] {
    let seconds = Duration::from_secs;
    [
        ("fixed 5 s (creatify-api-ts, most clients)", Box::new(FixedInterval(seconds(5)))),
        ("fixed 30 s (azure_core)", Box::new(FixedInterval(seconds(30)))),
        (
            "exponential 1 to 60 s, full jitter (google-cloud-lro)",
            Box::new(ExponentialBackoff { first: seconds(1), factor: 2.0, max: seconds(60) }),
        ),
    ]
}

/// What a policy came to over many jobs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// Looks a job.
    pub requests: f64,
    /// Seconds between a job being done and the look that sees it.
    pub median: f64,
    /// Their mean.
    pub mean: f64,
    /// Below it are 95 of 100.
    pub percentile_95: f64,
}

impl Figures {
    /// Of the delays of all jobs, in seconds, and of all requests that were made for them.
    pub fn of(mut delays: Vec<f64>, requests: usize) -> Self {
        delays.sort_by(f64::total_cmp);
        let count = delays.len().max(1);
        let at = |part: f64| {
            delays.get((part * (count - 1) as f64).round() as usize).copied().unwrap_or_default()
        };
        Self {
            requests: requests as f64 / count as f64,
            median: at(0.5),
            mean: delays.iter().sum::<f64>() / count as f64,
            percentile_95: at(0.95),
        }
    }

    /// Whether no figure is above the other's by more than this part of it.
    pub fn within(&self, other: &Self, part: f64) -> bool {
        let is = |own: f64, others: f64| own <= others * (1.0 + part);
        is(self.requests, other.requests)
            && is(self.median, other.median)
            && is(self.mean, other.mean)
            && is(self.percentile_95, other.percentile_95)
    }
}

/// Waits for every job by a policy. The submission's answer is no look.
pub fn wait_for(
    jobs: &[SimulatedJob],
    policy: &dyn PollPolicy,
    earlier: Option<RunTimeStats>,
) -> Figures {
    wait_with_hints(jobs, policy, earlier, 1.0)
}

/// Waits for every job by a policy, while hints about their ends arrive, except for this part of
/// them. Each arrives a moment after the end.
pub fn wait_with_hints(
    jobs: &[SimulatedJob],
    policy: &dyn PollPolicy,
    earlier: Option<RunTimeStats>,
    lost: f64,
) -> Figures {
    const HINT_DELAY: f64 = 0.2;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut hints = Xoshiro256PlusPlus::seed_from_u64(2);
    let (mut delays, mut requests) = (Vec::with_capacity(jobs.len()), 0);
    let mut reliability = HintReliability::default();
    for job in jobs {
        let hint = if hints.random_bool(lost) { f64::INFINITY } else { job.ends + HINT_DELAY };
        let mut history = History::new();
        if let Some(earlier) = earlier {
            history = history.with_run_times(earlier);
        }
        let mut now = 0.0;
        loop {
            let forecast = history.forecast();
            let mut state = PollState::new(&history, &forecast, rng.random());
            state.hint_reliability = reliability;
            now = (now + policy.next_delay(&state).as_secs_f64()).min(hint);
            requests += 1;
            if now >= job.ends {
                delays.push(now - job.ends);
                match now == hint {
                    true => reliability.record_hinted(),
                    false => reliability.record_missed(),
                }
                break;
            }
            let (status, progress) = if now < job.starts {
                (JobStatus::InQueue, job.profile.shown(0.0, 1.0))
            } else {
                (
                    JobStatus::Running,
                    job.profile.shown((now - job.starts) / (job.ends - job.starts), job.power),
                )
            };
            history.record(Duration::from_secs_f64(now), &status, progress);
        }
    }
    Figures::of(delays, requests)
}

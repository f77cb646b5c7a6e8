//! Benchmarks of forecasts and poll delays: `cargo bench -p creatify --bench waiting`.

use std::time::Duration;

use creatify::{
    JobStatus, Progress,
    wait::{Adaptive, History, PollPolicy, PollState},
};
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

/// Returns a history with as many points as are kept.
fn running() -> History {
    let mut history = History::new();
    history.record(Duration::from_secs(20), &JobStatus::InQueue, None);
    for poll in 1..=6u32 {
        let progress = Progress::new(f64::from(poll) * 0.15);
        history.record(
            Duration::from_secs(30 + 20 * u64::from(poll)),
            &JobStatus::Running,
            progress,
        );
    }
    history
}

#[divan::bench]
fn forecast_by_progress(bencher: Bencher<'_, '_>) {
    let history = running();
    bencher.bench(|| black_box(&history).forecast());
}

#[divan::bench]
fn forecast_without_progress(bencher: Bencher<'_, '_>) {
    let history = History::new();
    bencher.bench(|| black_box(&history).forecast());
}

#[divan::bench]
fn next_delay(bencher: Bencher<'_, '_>) {
    let history = running();
    let (forecast, policy) = (history.forecast(), Adaptive::default());
    bencher.bench(|| {
        policy.next_delay(&PollState::new(black_box(&history), black_box(&forecast), 0.5))
    });
}

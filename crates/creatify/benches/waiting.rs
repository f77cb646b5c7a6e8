//! How long does it take to decide when to look next? `cargo bench -p creatify --bench waiting`.

use std::time::Duration;

use creatify::{
    JobStatus, Progress,
    wait::{Adaptive, History, PollPolicy, PollState},
};
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

/// As many points as are kept.
fn running() -> History {
    let mut history = History::new();
    history.record(Duration::from_secs(20), &JobStatus::InQueue, None);
    for look in 1..=6u32 {
        let progress = Progress::new(f64::from(look) * 0.15);
        history.record(
            Duration::from_secs(30 + 20 * u64::from(look)),
            &JobStatus::Running,
            progress,
        );
    }
    history
}

#[divan::bench]
fn outlook_by_progress(bencher: Bencher<'_, '_>) {
    let history = running();
    bencher.bench(|| black_box(&history).forecast());
}

#[divan::bench]
fn outlook_by_nothing(bencher: Bencher<'_, '_>) {
    let history = History::new();
    bencher.bench(|| black_box(&history).forecast());
}

#[divan::bench]
fn pause(bencher: Bencher<'_, '_>) {
    let history = running();
    let (forecast, policy) = (history.forecast(), Adaptive::default());
    bencher.bench(|| {
        policy.next_delay(&PollState::new(black_box(&history), black_box(&forecast), 0.5))
    });
}

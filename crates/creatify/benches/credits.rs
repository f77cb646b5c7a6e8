//! Benchmarks of estimates: `cargo bench -p creatify --bench credits`.

#![allow(clippy::unwrap_used)] // a benchmark

use std::time::Duration;

use creatify::{
    ModelVersion,
    credits::{BillableOperation, RateCard},
};
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

#[divan::bench(args = BillableOperation::ALL)]
fn estimate(bencher: Bencher<'_, '_>, operation: &BillableOperation) {
    let card = RateCard::default();
    let duration = Duration::from_millis(45_001);
    bencher.bench(|| {
        black_box(&card).estimate(
            black_box(*operation),
            &ModelVersion::Standard,
            black_box(duration),
            3,
        )
    });
}

/// Estimates a price that is derived from two others, over a range.
#[divan::bench]
fn estimate_derived_range(bencher: Bencher<'_, '_>) {
    let card = RateCard::default();
    bencher.bench(|| {
        black_box(&card).estimate(
            BillableOperation::Render,
            &ModelVersion::AuroraV1,
            black_box(20..=45),
            3,
        )
    });
}

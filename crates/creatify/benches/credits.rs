//! Benchmarks of estimates and totals: `cargo bench -p creatify --bench credits`.

#![allow(clippy::unwrap_used)] // a benchmark

use std::{sync::Arc, time::Duration};

use creatify::{
    ModelVersion,
    credits::{
        BillableOperation, Ledger, RateCard,
        ledger::{Entry, EntryState, GroupBy, Summary},
    },
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

/// Reads a file and computes its totals.
#[divan::bench(sample_count = 10)]
fn ledger_of_100_000_lines(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.jsonl");
    let mut lines = Vec::new();
    for number in 0..50_000 {
        let mut entry = Entry::reserved(
            BillableOperation::ALL[number % 3],
            ModelVersion::Standard,
            Arc::from("blocks"),
        );
        entry.seconds = Some(Duration::from_secs(28).into());
        serde_json::to_writer(&mut lines, &entry).unwrap();
        lines.push(b'\n');
        entry.state = EntryState::Charged;
        entry.charged = Some(5.into());
        serde_json::to_writer(&mut lines, &entry).unwrap();
        lines.push(b'\n');
    }
    std::fs::write(&path, lines).unwrap();
    let ledger = Ledger::in_file(&path);
    bencher.bench_local(|| {
        let contents = ledger.read().unwrap();
        assert_eq!(contents.entries.len(), 50_000);
        Summary::of(&contents.entries, GroupBy::Day).unwrap()
    });
}

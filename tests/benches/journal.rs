//! The time that a journal adds to a submission, and summaries of many entries.
//!
//! `cargo bench -p creatify-tests --bench journal` prints a table and checks its limits.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use creatify::{
    JobId,
    credits::{BillableOperation, CreditRange},
    journal::{
        Account, Begun, Budget, Change, Filter, GroupBy, Journal, MemoryJournal, NewEntry, Summary,
    },
};
use creatify_journal::SqliteJournal;
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

const MANY: usize = 100_000;
const RUNS: usize = 1001;
/// Limits of the design.
const MOST_ADDED: Duration = Duration::from_millis(3);
const MOST_GROWTH: f64 = 1.5;
const MOST_FOR_SUMMARY: Duration = Duration::from_millis(500);

fn account() -> Account {
    Account::new("https://api.example.com", "me")
}

/// Returns an entry with a request as large as usual.
fn new(key: &str) -> NewEntry {
    let mut new = NewEntry::new(account(), key.parse().unwrap(), BillableOperation::Create);
    let credits = serde_json::json!({ "min": 5, "max": 10 });
    new.estimate = Some(serde_json::from_value::<CreditRange>(credits).unwrap());
    new.label = Some("spring".to_owned());
    new.record.name = Some(key.to_owned());
    new.record.variables = Some(serde_json::json!({
        "headline": { "type": "text", "properties": { "content": "Summer sale ".repeat(10) } },
        "image": { "type": "image", "properties": { "url": "https://cdn.example.com/1.png" } },
    }));
    new
}

fn job() -> JobId {
    uuid::Uuid::from_u128(rand::random()).into()
}

/// Enters a submission and its acceptance, as `send()` does.
async fn submit(journal: &dyn Journal, key: &str) {
    let Begun::Started(entry) = journal.begin(new(key)).await.unwrap() else { panic!("{key}") };
    journal.change(entry.id, Change::Submitted { job: job() }).await.unwrap();
}

/// Returns the median time of a submission.
async fn median(journal: &dyn Journal) -> Duration {
    let mut times = Vec::new();
    for run in 0..RUNS {
        let key = format!("run {run} {}", rand::random::<u64>());
        let start = Instant::now();
        submit(journal, &key).await;
        times.push(start.elapsed());
    }
    times.sort();
    times[RUNS / 2]
}

/// Fills a journal with copies of one entry, much faster than by entering them.
async fn fill(path: &Path) {
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    let copies = format!(
        "INSERT INTO creatify_entries (id, account, operation, \"key\", attempt, label, state, \
         job_id, created_at, entry, record) \
         WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {MANY}) \
         SELECT 'id ' || n, account, operation, 'key ' || n, 1, label, 'settled', 'job ' || n, \
         created_at, replace(entry, '\"submitted\"', '\"settled\"'), NULL \
         FROM numbers, (SELECT * FROM creatify_entries LIMIT 1)"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(copies)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Returns the median time of a summary over all entries.
async fn summary(journal: &dyn Journal) -> Duration {
    let mut times = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        let entries = journal.entries(&account(), Filter::default()).await.unwrap();
        let summary = Summary::of(&entries, GroupBy::Day).unwrap();
        times.push(start.elapsed());
        assert!(summary.total.calls >= MANY as u64);
    }
    times.sort();
    times[2]
}

async fn with_budget(journal: &dyn Journal) {
    journal.set_budget(&account(), Budget::new("b", 1_000_000_000.into())).await.unwrap();
}

#[tokio::main]
async fn main() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let sqlite = SqliteJournal::open(&path).await.unwrap();
    let memory = MemoryJournal::default();
    with_budget(&sqlite).await;
    with_budget(&memory).await;

    let in_memory = median(&memory).await;
    let empty = median(&sqlite).await;
    fill(&path).await;
    let full = median(&sqlite).await;
    let summary_time = summary(&sqlite).await;
    for number in 0..MANY {
        submit(&memory, &format!("key {number}")).await;
    }
    let memory_full = median(&memory).await;

    let growth = full.as_secs_f64() / empty.as_secs_f64();
    println!("begin and submitted, median of {RUNS}   empty   {MANY} entries");
    println!("memory   {in_memory:?}   {memory_full:?}");
    println!("SQLite   {empty:?}   {full:?}   ratio {growth:.2}");
    println!("summary of {MANY} entries in SQLite   {summary_time:?}");
    assert!(full.saturating_sub(memory_full) < MOST_ADDED, "a submission takes too long");
    assert!(growth < MOST_GROWTH, "a submission takes longer with more entries");
    assert!(summary_time < MOST_FOR_SUMMARY, "a summary takes too long");
}

//! Kills at random moments, while one request in five fails.

use std::{collections::HashMap, time::Duration};

use creatify::{
    OperationId,
    journal::{EntryState, Filter},
};
use creatify_sandbox::{Fault, Faults, Rule, Sandbox};
use creatify_tests::kills::{Outcome, Settings, Strategy, client, open};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    program::{Program, settings},
    stores::Store,
};

/// Returns the number of jobs with a name.
pub fn jobs_named(sandbox: &Sandbox, name: &str) -> usize {
    sandbox.jobs().iter().filter(|job| job.name.as_deref() == Some(name)).count()
}

/// Returns the state of each key's latest entry.
pub async fn entry_states(settings: &Settings) -> HashMap<String, EntryState> {
    let client = client(settings, Some(open(&settings.store).await));
    let entries = client.entries(Filter::default()).await.unwrap();
    entries.into_iter().map(|entry| (entry.key.to_string(), entry.state)).collect()
}

/// Numbers of keys by what became of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub kills: usize,
    /// Keys with one job, known to the strategy.
    pub made: usize,
    /// Keys of which a person has to decide.
    pub unknown: usize,
    /// Keys with more than one job.
    pub paid_twice: usize,
    /// Keys with a job that the strategy does not know.
    pub lost: usize,
    /// Keys that were reported as made, and have no job.
    pub invented: usize,
}

fn faults(seed: u64) -> Faults {
    let create =
        |fault, share| Rule::new(fault).on(OperationId::CreateCustomTemplateJob).probability(share);
    Faults::new(seed)
        .with(create(Fault::DropBefore, 0.05))
        .with(create(Fault::DropAfter, 0.05))
        .with(create(Fault::ErrorBefore(429), 0.05))
        .with(create(Fault::ErrorAfter(502), 0.05))
}

/// Kills the program at random moments until it has been killed this often, then lets it end.
pub async fn kill_at_random(strategy: Strategy, store: &str, kills: usize, seed: u64) -> Tally {
    let builder = Sandbox::builder().speed(1.0).credits(1_000_000).faults(faults(seed));
    let sandbox = builder.start().await.unwrap();
    let mut random = StdRng::seed_from_u64(seed);
    // A few keys for each kill, so that most kills come while something is sent.
    let keys: Vec<_> = (0..kills * 3).map(|number| format!("key-{number}")).collect();
    let mut own = Settings { strategy, concurrency: 8, ..settings(&sandbox, store, keys.clone()) };
    own.timeout_ms = 300;
    for _ in 0..kills {
        let program = Program::start(&own);
        tokio::time::sleep(Duration::from_millis(random.random_range(5..250))).await;
        program.kill().await;
    }
    sandbox.set_faults(Faults::default());
    // Long enough for the last leases to expire.
    own.timeout_ms = 6_000;
    own.concurrency = 64;
    let outcomes = Program::start(&own).outcomes().await;
    tally(&own, &sandbox, &outcomes, kills).await
}

async fn tally(
    settings: &Settings,
    sandbox: &Sandbox,
    outcomes: &[Outcome],
    kills: usize,
) -> Tally {
    let known: HashMap<String, EntryState> = match settings.strategy {
        Strategy::Journal => entry_states(settings).await,
        Strategy::Loop | Strategy::StateFile => HashMap::new(),
    };
    let state = std::fs::read_to_string(&settings.store).unwrap_or_default();
    let mut tally = Tally { kills, ..Tally::default() };
    for key in &settings.keys {
        let outcome = outcomes.iter().find(|outcome| outcome.key == *key);
        let is_known = match settings.strategy {
            Strategy::Journal => {
                matches!(known.get(key), Some(EntryState::Submitted | EntryState::Settled))
            }
            Strategy::Loop => outcome.is_some_and(|outcome| outcome.result == "sent"),
            Strategy::StateFile => state.lines().any(|line| line == key),
        };
        match (jobs_named(sandbox, key), is_known) {
            (0, true) => tally.invented += 1,
            (0, false) => tally.unknown += 1,
            (1, true) => tally.made += 1,
            (1, false) => tally.lost += 1,
            _ => tally.paid_twice += 1,
        }
        if settings.strategy == Strategy::Journal {
            assert!(outcome.is_some(), "{key} has no outcome");
            let is_open = matches!(known.get(key), Some(EntryState::Sending) | None);
            assert!(!is_open, "{key} is {:?} at the end", known.get(key));
        }
    }
    tally
}

fn assert_safe(tally: &Tally) {
    assert_eq!((tally.paid_twice, tally.lost, tally.invented), (0, 0, 0), "{tally:?}");
}

/// Returns the number of kills of the long tests.
fn many() -> usize {
    std::env::var("KILLS").map_or(200, |kills| kills.parse().unwrap())
}

#[tokio::test]
#[ignore = "a minute or more; run by CI"]
async fn nothing_is_paid_twice_and_nothing_is_lost_by_hundreds_of_kills() {
    let store = Store::sqlite();
    let tally = kill_at_random(Strategy::Journal, &store.location, many(), 2).await;
    println!("SQLite: {tally:?}");
    assert_safe(&tally);
}

#[tokio::test]
#[ignore = "a minute or more; run by CI"]
async fn nothing_is_paid_twice_and_nothing_is_lost_by_hundreds_of_kills_in_postgres() {
    let Some(store) = Store::postgres() else { return };
    let tally = kill_at_random(Strategy::Journal, &store.location, many(), 3).await;
    println!("PostgreSQL: {tally:?}");
    assert_safe(&tally);
}

/// Shows that the harness finds what it looks for.
#[tokio::test]
#[ignore = "a minute or more; run by CI"]
async fn simple_strategies_pay_twice() {
    for strategy in [Strategy::Loop, Strategy::StateFile] {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state").display().to_string();
        let tally = kill_at_random(strategy, &state, many(), 2).await;
        println!("{strategy:?}: {tally:?}");
        assert!(tally.paid_twice > 0, "{tally:?}");
    }
}

#[tokio::test]
async fn nothing_is_paid_twice_and_nothing_is_lost_whenever_it_is_killed() {
    let store = Store::sqlite();
    assert_safe(&kill_at_random(Strategy::Journal, &store.location, 12, 1).await);
}

//! Many processes at once, with one key or one budget.

use creatify::OperationId;
use creatify_sandbox::Sandbox;
use creatify_tests::kills::{Outcome, Settings};
use futures_util::future::join_all;

use crate::{
    program::{Program, settings},
    stores::Store,
};

const PROCESSES: usize = 64;
/// Credits of a video of 30 s.
const COST: u32 = 5;

async fn run_all(own: impl Iterator<Item = Settings>) -> Vec<Outcome> {
    let programs: Vec<_> = own.map(|own| Program::start(&own).outcomes()).collect();
    join_all(programs).await.into_iter().flatten().collect()
}

fn count(outcomes: &[Outcome], result: &str) -> usize {
    outcomes.iter().filter(|outcome| outcome.result == result).count()
}

async fn race(store: &Store) {
    let sandbox = Sandbox::builder().speed(1.0).start().await.unwrap();
    let one = settings(&sandbox, &store.location, vec!["one".to_owned()]);
    let one = Settings { timeout_ms: 60_000, ..one };
    let outcomes = run_all((0..PROCESSES).map(|_| one.clone())).await;
    let (sent, replayed) = (count(&outcomes, "sent"), count(&outcomes, "replayed"));
    assert_eq!((sent, replayed), (1, PROCESSES - 1), "{outcomes:?}");
    assert_eq!(sandbox.request_count(OperationId::CreateCustomTemplateJob), 1);
}

async fn spend(store: &Store) {
    let sandbox = Sandbox::builder().speed(1.0).start().await.unwrap();
    let own = (0..10).map(|process| {
        let keys = (0..5).map(|number| format!("{process}/{number}")).collect();
        let own = settings(&sandbox, &store.location, keys);
        Settings { budget: Some(12 * COST + COST - 1), timeout_ms: 60_000, concurrency: 5, ..own }
    });
    let outcomes = run_all(own).await;
    let (sent, refused) = (count(&outcomes, "sent"), count(&outcomes, "over_budget"));
    assert_eq!((sent, refused), (12, 38), "{outcomes:?}");
    assert_eq!(sandbox.job_count(), 12);
}

#[tokio::test]
async fn many_processes_with_one_key_send_it_once() {
    race(&Store::sqlite()).await;
}

#[tokio::test]
async fn ten_processes_never_spend_more_than_their_budget() {
    spend(&Store::sqlite()).await;
}

#[tokio::test]
#[ignore = "slow; run by CI"]
async fn many_processes_share_a_key_and_a_budget_in_postgres() {
    let Some(store) = Store::postgres() else { return };
    race(&store).await;
    let Some(store) = Store::postgres() else { return };
    spend(&store).await;
}

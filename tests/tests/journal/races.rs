//! Races of tasks and handles, and calls that are cancelled.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use creatify::{
    credits::Credits,
    journal::{Begun, Budget, Changed, Entry, EntryState, Filter, JobEnd, Journal},
};
use futures_util::future::join_all;

use crate::{
    account, applied, costing, job, only_budget, only_entry, place::Place, settled, started,
    submitted,
};

pub async fn one_of_64_tasks_starts_a_key(place: Place) {
    let journals = place.open_apart().await;
    for round in 0..4 {
        let key = format!("k{round}");
        let tasks = (0..64).map(|task| {
            let (journal, key) = (journals[task % journals.len()].clone(), key.clone());
            tokio::spawn(async move { journal.begin(costing(&key, 1)).await.unwrap() })
        });
        let mut ids = Vec::new();
        let mut starts = 0;
        for begun in join_all(tasks).await {
            match begun.unwrap() {
                Begun::Started(entry) => {
                    starts += 1;
                    ids.push(entry.id);
                }
                Begun::Known(entry) => ids.push(entry.id),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(starts, 1);
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
}

pub async fn a_change_happens_once(place: Place) {
    let journals = place.open_apart().await;
    journals[0].set_budget(&account(), Budget::new("b", 9.into())).await.unwrap();
    let entry = started(journals[0].begin(costing("k", 5)).await.unwrap());
    applied(journals[0].change(entry.id, submitted(job())).await.unwrap());
    let tasks = (0..64).map(|task| {
        let journal = journals[task % journals.len()].clone();
        tokio::spawn(async move {
            let charged = 1 + u32::try_from(task).unwrap() % 5;
            journal.change(entry.id, settled(JobEnd::Done, charged)).await.unwrap()
        })
    });
    let changes: Vec<_> = join_all(tasks).await.into_iter().map(Result::unwrap).collect();
    let applied = changes.iter().filter(|change| matches!(change, Changed::Applied(_)));
    assert_eq!(applied.count(), 1);
    let entry = only_entry(&*journals[1]).await;
    let budget = only_budget(&*journals[2]).await;
    assert_eq!((budget.reserved, Some(budget.spent)), (Credits::ZERO, entry.charged));
}

pub async fn a_call_that_is_cancelled_leaves_nothing_half_done(place: Place) {
    let journal = place.open().await;
    journal.set_budget(&account(), Budget::new("b", 1_000_000.into())).await.unwrap();
    // At every step, nothing else being under way.
    for steps in 1..80 {
        let key = format!("after {steps} steps");
        polled(steps, journal.begin(costing(&key, 1))).await;
        let entry = started_or_known(journal.begin(costing(&key, 1)).await.unwrap());
        polled(steps, journal.change(entry.id, submitted(job()))).await;
        polled(steps, journal.change(entry.id, settled(JobEnd::Done, 1))).await;
        is_counted(&*journal).await;
    }
    // At any moment, under load.
    let tasks = (0..40_u64).map(|task| {
        let journal = journal.clone();
        tokio::spawn(async move {
            for call in 0..10 {
                let key = format!("k{task}/{call}");
                let limit = Duration::from_micros(rand::random_range(0..8_000));
                let begun = tokio::time::timeout(limit, journal.begin(costing(&key, 1))).await;
                if let Ok(Ok(Begun::Started(entry))) = begun {
                    let limit = Duration::from_micros(rand::random_range(0..8_000));
                    let change = journal.change(entry.id, submitted(job()));
                    let change = tokio::time::timeout(limit, change).await;
                    assert!(!matches!(change, Ok(Err(_))), "{change:?}");
                }
            }
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
    started(journal.begin(costing("after", 1)).await.unwrap());
    started(place.open().await.begin(costing("after, apart", 1)).await.unwrap());
    is_counted(&*journal).await;
}

/// Polls a future so many times at most, and then drops it.
async fn polled<T>(times: usize, future: impl Future<Output = T>) {
    let mut future = pin!(future);
    let mut left = times;
    poll_fn(|context| {
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Pending if left > 0 => Poll::Pending,
            _ => Poll::Ready(()),
        }
    })
    .await;
}

fn started_or_known(begun: Begun) -> Entry {
    match begun {
        Begun::Started(entry) | Begun::Known(entry) => *entry,
        other => panic!("{other:?}"),
    }
}

/// Checks that each entry is counted, and that each count has an entry.
async fn is_counted(journal: &dyn Journal) {
    // A commit whose caller has gone may be under way; a write waits for its end.
    let known = only_budget(journal).await.budget;
    journal.ensure_budget(&account(), known).await.unwrap();
    let entries = journal.entries(&account(), Filter::default()).await.unwrap();
    let count = |states: &[EntryState]| {
        let entries = entries.iter().filter(|entry| states.contains(&entry.state));
        Credits::from(u32::try_from(entries.count()).unwrap())
    };
    let budget = only_budget(journal).await;
    let open = count(&[EntryState::Sending, EntryState::Submitted]);
    assert_eq!((budget.reserved, budget.spent), (open, count(&[EntryState::Settled])));
}

//! Budgets: limits that hold for all tasks and processes of a journal.

use std::sync::Arc;

use creatify::{
    credits::Credits,
    journal::{Begun, Budget, Entry, Filter, JobEnd, Journal, Period},
};
use futures_util::future::join_all;

use crate::{
    NewEntryExt as _, account, applied, costing, job, new, only_budget, place::Place, released,
    settled, started, submitted, unknown,
};

pub async fn a_budget_lets_in_exactly_what_fits(place: Place) {
    let journal = place.open().await;
    let handles = std::array::from_fn(|_| journal.clone());
    let started = start_1000(&place, handles).await;
    assert_eq!(started.len(), 200);
}

pub async fn a_budget_holds_for_handles_opened_apart(place: Place) {
    let started = start_1000(&place, place.open_apart().await).await;
    assert_eq!(started.len(), 200);
}

/// Starts as many of 1,000 keys of 1 credit as a budget of 200 credits lets in.
async fn start_1000(place: &Place, journals: [Arc<dyn Journal>; 4]) -> Vec<Entry> {
    let journal = place.open().await;
    journal.set_budget(&account(), Budget::new("b", 200.into())).await.unwrap();
    let tasks = (0..1000).map(|key| {
        let journal = journals[key % journals.len()].clone();
        tokio::spawn(async move { journal.begin(costing(&format!("k{key}"), 1)).await.unwrap() })
    });
    let mut entries = Vec::new();
    for begun in join_all(tasks).await {
        match begun.unwrap() {
            Begun::Started(entry) => entries.push(*entry),
            Begun::OverBudget(over) => {
                assert_eq!((over.asked, over.budget.available()), (1.into(), Credits::ZERO));
            }
            other => panic!("{other:?}"),
        }
    }
    let budget = only_budget(&*journal).await;
    assert_eq!((budget.reserved, budget.spent), (200.into(), Credits::ZERO));
    let stored = journal.entries(&account(), Filter::default()).await.unwrap();
    assert_eq!(stored.len(), entries.len());
    entries
}

pub async fn credits_are_reserved_then_spent_or_given_back(place: Place) {
    let journal = place.open().await;
    let budget = Budget::new("b", 20.into()).per(Period::Month);
    journal.set_budget(&account(), budget).await.unwrap();
    let usage = async || {
        let budget = only_budget(&*journal).await;
        (budget.reserved.to_string(), budget.spent.to_string())
    };
    let is = |reserved: &str, spent: &str| (reserved.to_owned(), spent.to_owned());

    let one = started(journal.begin(costing("one", 5)).await.unwrap());
    let fraction = new("two").estimate("0.1".parse().unwrap());
    let two = started(journal.begin(fraction).await.unwrap());
    assert_eq!(usage().await, is("5.1", "0"));
    applied(journal.change(one.id, submitted(job())).await.unwrap());
    assert_eq!(usage().await, is("5.1", "0"));
    applied(journal.change(one.id, settled(JobEnd::Done, 4)).await.unwrap());
    assert_eq!(usage().await, is("0.1", "4"));
    applied(journal.change(two.id, unknown()).await.unwrap());
    assert_eq!(usage().await, is("0.1", "4")); // it may have been charged
    applied(journal.change(two.id, released()).await.unwrap());
    assert_eq!(usage().await, is("0", "4"));
    applied(journal.change(two.id, submitted(job())).await.unwrap()); // it was, after all
    assert_eq!(usage().await, is("0.1", "4"));
    applied(journal.change(two.id, settled(JobEnd::Failed, 0)).await.unwrap());
    assert_eq!(usage().await, is("0", "4"));

    let refused = place.open().await.begin(costing("three", 17)).await.unwrap();
    let Begun::OverBudget(over) = refused else { panic!("{refused:?}") };
    assert_eq!((over.asked, over.budget.available()), (17.into(), 16.into()));
    started(journal.begin(costing("three", 16)).await.unwrap());
}

pub async fn a_label_limits_a_budget(place: Place) {
    let journal = place.open().await;
    let budget = Budget::new("spring", 5.into()).label("spring");
    journal.set_budget(&account(), budget).await.unwrap();
    started(journal.begin(costing("unlabelled", 50)).await.unwrap());
    started(journal.begin(costing("autumn", 50).labelled("autumn")).await.unwrap());
    let spring = started(journal.begin(costing("one", 3).labelled("spring")).await.unwrap());
    assert_eq!(only_budget(&*journal).await.reserved, 3.into());
    let refused = journal.begin(costing("two", 3).labelled("spring")).await.unwrap();
    assert!(matches!(refused, Begun::OverBudget(_)), "{refused:?}");
    applied(journal.change(spring.id, released()).await.unwrap());
    started(journal.begin(costing("two", 3).labelled("spring")).await.unwrap());
}

pub async fn a_budget_that_is_set_again_counts_what_is_there(place: Place) {
    let journal = place.open().await;
    let one = started(journal.begin(costing("one", 5).labelled("spring")).await.unwrap());
    applied(journal.change(one.id, submitted(job())).await.unwrap());
    applied(journal.change(one.id, settled(JobEnd::Done, 4)).await.unwrap());
    started(journal.begin(costing("two", 7)).await.unwrap());

    let daily = Budget::new("b", 100.into()).per(Period::Day);
    let state = journal.set_budget(&account(), daily.clone()).await.unwrap();
    assert_eq!((state.reserved, state.spent), (7.into(), 4.into()));
    let state = journal.set_budget(&account(), daily.label("spring")).await.unwrap();
    assert_eq!((state.reserved, state.spent), (Credits::ZERO, 4.into()));
    assert_eq!(only_budget(&*journal).await, state);
    // Without a period it counts from the time at which it was set first.
    let once = Budget::new("b", 3.into());
    let state = place.open().await.set_budget(&account(), once).await.unwrap();
    assert_eq!((state.reserved, state.spent), (Credits::ZERO, Credits::ZERO));
    started(journal.begin(costing("three", 3)).await.unwrap());
    let refused = journal.begin(costing("four", 1)).await.unwrap();
    assert!(matches!(refused, Begun::OverBudget(_)), "{refused:?}");
}

pub async fn the_first_setting_of_a_budget_stays(place: Place) {
    let journal = place.open().await;
    let tasks = (1..=16_u32).map(|limit| {
        let journal = journal.clone();
        tokio::spawn(async move {
            journal.ensure_budget(&account(), Budget::new("b", limit.into())).await.unwrap()
        })
    });
    let limits: Vec<_> =
        join_all(tasks).await.into_iter().map(|state| state.unwrap().budget.limit).collect();
    let limit = only_budget(&*journal).await.budget.limit;
    assert_eq!(limits, [limit; 16]);
    let set = journal.set_budget(&account(), Budget::new("b", 99.into())).await.unwrap();
    assert_eq!(set.budget.limit, 99.into());
    let state = journal.ensure_budget(&account(), Budget::new("b", 1.into())).await.unwrap();
    assert_eq!(state, set);
}

pub async fn a_cost_must_be_known_where_a_budget_is(place: Place) {
    let journal = place.open().await;
    started(journal.begin(new("before")).await.unwrap());
    journal.set_budget(&account(), Budget::new("b", 5.into())).await.unwrap();
    let refused = journal.begin(new("after")).await.unwrap();
    assert!(matches!(refused, Begun::EstimateNeeded(_)), "{refused:?}");
}

pub async fn every_budget_in_scope_must_have_the_credits(place: Place) {
    let journal = place.open().await;
    for (name, limit) in [("small", 2), ("large", 50), ("medium", 5)] {
        journal.set_budget(&account(), Budget::new(name, limit.into())).await.unwrap();
    }
    let budgets = async || {
        let budgets = journal.budgets(&account()).await.unwrap();
        let shown = budgets.iter().map(|one| format!("{} {}", one.budget.name, one.reserved));
        shown.collect::<Vec<_>>()
    };
    let refused = journal.begin(costing("k", 3)).await.unwrap();
    assert!(matches!(&refused, Begun::OverBudget(over) if over.budget.budget.name == "small"));
    assert_eq!(budgets().await, ["large 0", "medium 0", "small 0"]); // none of them counted it
    started(journal.begin(costing("k", 2)).await.unwrap());
    assert_eq!(budgets().await, ["large 2", "medium 2", "small 2"]);
}

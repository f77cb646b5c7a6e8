//! Accounts: several share one journal and never mix.

use creatify::{
    credits::Credits,
    journal::{Account, Begun, Budget, Filter},
};

use crate::{NewEntryExt as _, account, applied, costing, job, place::Place, started, submitted};

pub async fn accounts_never_mix(place: Place) {
    let journal = place.open().await;
    let other = Account::new("https://api.example.com", "another");
    let of = |account: &Account, request: &str| {
        let mut new = costing("k", 5).labelled("spring").request(request);
        new.account = account.clone();
        new
    };
    journal.set_budget(&account(), Budget::new("b", 5.into())).await.unwrap();
    let own = started(journal.begin(of(&account(), "one")).await.unwrap());
    // The same key and label, another request: neither known nor refused, nor within the budget.
    let others = started(journal.begin(of(&other, "another")).await.unwrap());
    assert_ne!(own.id, others.id);

    let job = job();
    applied(journal.change(own.id, submitted(job)).await.unwrap());
    applied(journal.change(others.id, submitted(job)).await.unwrap());
    let filters = [
        Filter::default(),
        Filter::default().jobs([job]),
        Filter::default().key("k".parse().unwrap()),
        Filter::default().label("spring"),
        Filter::default().prefix("k"),
        Filter::default().prefix(&job.to_string()[..8]),
        Filter::default().open().latest(5),
    ];
    for filter in filters {
        for (account, id) in [(&account(), own.id), (&other, others.id)] {
            let entries = journal.entries(account, filter.clone()).await.unwrap();
            assert_eq!(
                entries.iter().map(|entry| entry.id).collect::<Vec<_>>(),
                [id],
                "{filter:?}"
            );
        }
    }
    assert!(journal.budgets(&other).await.unwrap().is_empty());
    journal.set_budget(&other, Budget::new("b", 7.into())).await.unwrap();
    let budgets = journal.budgets(&account()).await.unwrap();
    assert_eq!((budgets[0].budget.limit, budgets[0].reserved), (5.into(), 5.into()));
    let budgets = journal.budgets(&other).await.unwrap();
    assert_eq!((budgets[0].budget.limit, budgets[0].reserved), (7.into(), Credits::ZERO));

    let mut refused = of(&account(), "more");
    refused.key = "more".parse().unwrap();
    assert!(matches!(journal.begin(refused).await.unwrap(), Begun::OverBudget(_)));
}

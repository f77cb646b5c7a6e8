//! Leases: a process that dies while it sends leaves an entry of unknown outcome.

use std::time::Duration;

use creatify::journal::{EntryState, Filter, OwnerId};

use crate::{MINUTE, account, applied, known, new, only_entry, place::Place, started, submitted};

const SHORT: Duration = Duration::from_millis(50);

pub async fn an_expired_lease_makes_an_entry_unknown(place: Place) {
    let journal = place.open().await;
    let mut request = new("k");
    request.lease = SHORT;
    let owner = request.owner;
    let entry = started(journal.begin(request).await.unwrap());
    started(journal.begin(new("alive")).await.unwrap());
    tokio::time::sleep(2 * SHORT).await;

    let with = async |states: &[EntryState]| {
        let filter = Filter::default().states(states);
        let entries = journal.entries(&account(), filter).await.unwrap();
        entries.into_iter().map(|entry| entry.key.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(with(&[EntryState::Unknown]).await, ["k"]);
    assert_eq!(with(&[EntryState::Sending]).await, ["alive"]);
    assert_eq!(with(&[EntryState::Sending, EntryState::Unknown]).await, ["k", "alive"]);
    assert_eq!(with(&[EntryState::Submitted]).await, [""; 0]);
    let latest = Filter::default().states([EntryState::Unknown]).latest(1);
    assert_eq!(journal.entries(&account(), latest).await.unwrap()[0].id, entry.id);
    assert_eq!(journal.find(entry.id).await.unwrap().unwrap().0.state, EntryState::Unknown);

    // It is given up for good once another call has seen it so.
    let given_up = known(place.open().await.begin(new("k")).await.unwrap());
    assert_eq!((given_up.id, given_up.state), (entry.id, EntryState::Unknown));
    assert!(given_up.error.unwrap().contains("ended before"));
    assert_eq!(journal.renew(entry.id, owner, MINUTE).await.unwrap(), None);
    // The answer may still arrive.
    applied(journal.change(entry.id, submitted(crate::job())).await.unwrap());
}

pub async fn only_the_owner_renews_a_lease(place: Place) {
    let journal = place.open().await;
    let mut request = new("k");
    request.lease = MINUTE;
    let owner = request.owner;
    let entry = started(journal.begin(request).await.unwrap());
    assert_eq!(journal.renew(entry.id, OwnerId::random(), 9 * MINUTE).await.unwrap(), None);
    assert_eq!(only_entry(&*journal).await, entry);

    let lease = place.open().await.renew(entry.id, owner, 2 * MINUTE).await.unwrap().unwrap();
    assert!(lease.until > entry.lease.unwrap().until);
    let renewed = only_entry(&*journal).await;
    assert_eq!((renewed.lease, renewed.state), (Some(lease), EntryState::Sending));

    applied(journal.change(entry.id, submitted(crate::job())).await.unwrap());
    assert_eq!(journal.renew(entry.id, owner, MINUTE).await.unwrap(), None);
}

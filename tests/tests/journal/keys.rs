//! Keys: at most one call each, and what later calls learn.

use creatify::{
    credits::BillableOperation,
    journal::{Begun, EntryId, EntryState, Filter, JobEnd, NewEntry, OwnerId, Repetition},
};

use crate::{
    MINUTE, NewEntryExt as _, account, applied, costing, job, known, new, only_entry, place::Place,
    released, settled, started, submitted, unchanged, unknown,
};

pub async fn a_key_is_entered_once(place: Place) {
    let journal = place.open().await;
    let first = started(journal.begin(new("k")).await.unwrap());
    assert_eq!((first.state, first.attempt), (EntryState::Sending, 1));
    let again = known(journal.begin(new("k")).await.unwrap());
    assert_eq!((again.id, again.state), (first.id, EntryState::Sending));

    let job = job();
    applied(journal.change(first.id, submitted(job)).await.unwrap());
    let again = known(place.open().await.begin(new("k")).await.unwrap());
    assert_eq!((again.state, again.job_id), (EntryState::Submitted, Some(job)));

    applied(journal.change(first.id, settled(JobEnd::Done, 4)).await.unwrap());
    let again = known(place.open().await.begin(new("k")).await.unwrap());
    assert_eq!((again.state, again.end), (EntryState::Settled, Some(JobEnd::Done)));
    assert_eq!(again.charged, Some(4.into()));
    assert_eq!(only_entry(&*journal).await, again);
}

pub async fn a_key_of_another_request_is_refused(place: Place) {
    let journal = place.open().await;
    let first = started(journal.begin(new("k").request("one")).await.unwrap());
    for change in [submitted(job()), settled(JobEnd::Failed, 0)] {
        let begun = journal.begin(new("k").request("another")).await.unwrap();
        assert!(matches!(begun, Begun::KeyReused(entry) if entry.id == first.id));
        applied(journal.change(first.id, change).await.unwrap());
    }
    let begun = journal.begin(new("k").request("another")).await.unwrap();
    assert!(matches!(begun, Begun::KeyReused(entry) if entry.has_failed()));
}

pub async fn a_released_key_starts_a_new_attempt(place: Place) {
    let journal = place.open().await;
    for attempt in 1..=3 {
        // What was released may also be corrected.
        let request = format!("attempt {attempt}");
        let entry = started(journal.begin(new("k").request(&request)).await.unwrap());
        assert_eq!(entry.attempt, attempt);
        let entry = applied(journal.change(entry.id, released()).await.unwrap());
        assert_eq!((entry.state, entry.error.as_deref()), (EntryState::Released, Some("refused")));
    }
    let entries = journal.entries(&account(), Filter::default()).await.unwrap();
    let attempts: Vec<_> = entries.iter().map(|entry| entry.attempt).collect();
    assert_eq!(attempts, [1, 2, 3]);
}

pub async fn a_failed_job_is_repeated_on_the_explicit_word_only(place: Place) {
    let journal = place.open().await;
    let first = started(journal.begin(new("k")).await.unwrap());
    applied(journal.change(first.id, submitted(job())).await.unwrap());
    applied(journal.change(first.id, settled(JobEnd::Failed, 0)).await.unwrap());
    assert_eq!(known(journal.begin(new("k")).await.unwrap()).id, first.id);

    let again = || {
        let mut again = new("k");
        again.repetition = Repetition::AfterFailure;
        again
    };
    let second = started(journal.begin(again()).await.unwrap());
    assert_eq!(second.attempt, 2);
    // The word is for a job that failed, not for one that is under way.
    assert_eq!(known(journal.begin(again()).await.unwrap()).id, second.id);
    assert_eq!(known(journal.begin(new("k")).await.unwrap()).id, second.id);
}

pub async fn an_acceptance_counts_even_after_a_release(place: Place) {
    let journal = place.open().await;
    let entry = started(journal.begin(costing("k", 5)).await.unwrap());
    applied(journal.change(entry.id, released()).await.unwrap());
    let job = job();
    let entry = applied(journal.change(entry.id, submitted(job)).await.unwrap());
    assert_eq!((entry.state, entry.job_id), (EntryState::Submitted, Some(job)));
    assert_eq!(known(journal.begin(costing("k", 5)).await.unwrap()), entry);
}

pub async fn unknown_never_replaces_submitted(place: Place) {
    let journal = place.open().await;
    let entry = started(journal.begin(new("k")).await.unwrap());
    let entry = applied(journal.change(entry.id, submitted(job())).await.unwrap());
    for change in [unknown(), released(), submitted(job())] {
        assert_eq!(unchanged(journal.change(entry.id, change).await.unwrap()), entry);
    }
    assert_eq!(only_entry(&*journal).await, entry);
    let entry = applied(journal.change(entry.id, settled(JobEnd::Done, 1)).await.unwrap());
    for change in [unknown(), released(), submitted(job()), settled(JobEnd::Done, 2)] {
        assert_eq!(unchanged(journal.change(entry.id, change).await.unwrap()), entry);
    }
}

pub async fn keys_of_operations_are_apart(place: Place) {
    let journal = place.open().await;
    use BillableOperation::{Create, Preview, Render};
    for operation in [Create, Preview, Render] {
        let mut new = NewEntry::new(account(), "k".parse().unwrap(), operation);
        new.job_id = (operation == Render).then(job);
        started(journal.begin(new).await.unwrap());
    }
}

pub async fn a_request_is_kept_while_it_may_be_looked_for(place: Place) {
    let journal = place.open().await;
    let mut request = new("k");
    request.record.name = Some("k".to_owned());
    let record = request.record.clone();
    let entry = started(journal.begin(request).await.unwrap());
    let (found, kept) = place.open().await.find(entry.id).await.unwrap().unwrap();
    assert_eq!((found, kept.as_ref()), (entry.clone(), Some(&record)));

    // The times between which it was sent are known once it was given up.
    let mut late = record.clone();
    (late.marker, late.timeout) = (Some("m".to_owned()), MINUTE);
    let change = creatify::journal::Change::Unknown {
        reason: "no answer".to_owned(),
        record: Some(Box::new(late.clone())),
    };
    applied(journal.change(entry.id, change).await.unwrap());
    assert_eq!(journal.find(entry.id).await.unwrap().unwrap().1, Some(late.clone()));
    applied(journal.change(entry.id, submitted(job())).await.unwrap());
    assert_eq!(journal.find(entry.id).await.unwrap().unwrap().1, Some(late));

    applied(journal.change(entry.id, settled(JobEnd::Done, 1)).await.unwrap());
    let (found, kept) = journal.find(entry.id).await.unwrap().unwrap();
    assert_eq!((found.state, kept), (EntryState::Settled, None));

    // The answer may still come after it was declared not accepted.
    let entry = started(journal.begin(new("late")).await.unwrap());
    applied(journal.change(entry.id, released()).await.unwrap());
    applied(journal.change(entry.id, submitted(job())).await.unwrap());
    assert!(journal.find(entry.id).await.unwrap().unwrap().1.is_some());
}

pub async fn an_entry_that_is_missing_is_said_to_be(place: Place) {
    let journal = place.open().await;
    let id = EntryId::random();
    assert!(journal.find(id).await.unwrap().is_none());
    let changed = journal.change(id, released()).await.unwrap();
    assert!(matches!(changed, creatify::journal::Changed::Missing), "{changed:?}");
    assert_eq!(journal.renew(id, OwnerId::random(), MINUTE).await.unwrap(), None);
    assert!(journal.entries(&account(), Filter::default()).await.unwrap().is_empty());
    assert!(journal.budgets(&account()).await.unwrap().is_empty());
}

pub async fn every_text_comes_back_as_it_was(place: Place) {
    let journal = place.open().await;
    for key in ["a/b", "ä €😀", "' OR 1=1 --", "$1", "%_\\", "\u{202e}x"] {
        let mut request = new(key).labelled(&format!("label of {key}\n"));
        request.rate_card = key.into();
        request.estimate =
            Some(crate::credits("0.1".parse().unwrap(), "123456789.123".parse().unwrap()));
        let variables = serde_json::json!({ key: [key, 1.5, 1e100, null, "\u{0}"] });
        request.record.variables = Some(variables);
        let record = request.record.clone();
        let entry = started(journal.begin(request).await.unwrap());
        assert_eq!(entry.label.as_deref(), Some(&*format!("label of {key}\n")));
        let found = journal.find(entry.id).await.unwrap().unwrap();
        assert_eq!(found, (entry.clone(), Some(record)));
        let filter =
            Filter::default().key(key.parse().unwrap()).label(entry.label.clone().unwrap());
        assert_eq!(journal.entries(&account(), filter).await.unwrap(), [entry]);
    }
}

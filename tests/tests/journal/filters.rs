//! Filters: every journal admits what `Filter::admits` does.

use creatify::{
    JobId,
    journal::{Entry, EntryState, Filter, JobEnd},
};
use rand::{Rng, RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};

use crate::{
    NewEntryExt as _, account, applied, new, place::Place, released, settled, started, submitted,
    unknown,
};

const ENTRIES: usize = 120;
const FILTERS: usize = 400;

pub async fn a_filter_admits_the_same_everywhere(place: Place) {
    let journal = place.open().await;
    let seed = rand::random();
    eprintln!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let jobs: Vec<JobId> = (0..20).map(|_| uuid::Uuid::from_u128(random.random()).into()).collect();
    for number in 0..ENTRIES {
        let key = format!("{}/{number}", ["a", "ab", "ä", "%", "0"].choose(&mut random).unwrap());
        let mut new = new(&key);
        if random.random_bool(0.3) {
            new.lease = std::time::Duration::ZERO;
        }
        new.label = ["spring", "Spring", ""].choose(&mut random).map(|label| (*label).to_owned());
        new.label = new.label.filter(|label| !label.is_empty());
        let id = started(journal.begin(new).await.unwrap()).id;
        let job = *jobs.choose(&mut random).unwrap();
        let changes = match random.random_range(0..6) {
            0 => vec![released()],
            1 => vec![unknown()],
            2 => vec![submitted(job)],
            3 => vec![submitted(job), settled(JobEnd::Done, 1)],
            _ => vec![],
        };
        for change in changes {
            applied(journal.change(id, change).await.unwrap());
        }
    }
    let entries = journal.entries(&account(), Filter::default()).await.unwrap();
    assert_eq!(entries.len(), ENTRIES);
    let mut found = 0;
    for _ in 0..FILTERS {
        let filter = filter(&mut random, &entries, &jobs);
        let mut expected: Vec<_> =
            entries.iter().filter(|entry| filter.admits(entry)).cloned().collect();
        if let Some(latest) = filter.latest {
            expected.drain(..expected.len().saturating_sub(latest as usize));
        }
        found += expected.len();
        let selected = journal.entries(&account(), filter.clone()).await.unwrap();
        assert_eq!(ids(&selected), ids(&expected), "{filter:?}");
        assert_eq!(selected, expected);
    }
    assert!(found > FILTERS, "the filters admit next to nothing");
}

fn ids(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| entry.id.to_string()).collect()
}

fn filter(random: &mut impl Rng, entries: &[Entry], jobs: &[JobId]) -> Filter {
    let mut filter = Filter::default();
    let entry = entries.choose(random).unwrap();
    if random.random_bool(0.4) {
        let mut states = EntryState::ALL.to_vec();
        states.retain(|_| random.random_bool(0.5));
        filter = filter.states(states);
    }
    if random.random_bool(0.2) {
        let mut jobs = jobs.to_vec();
        jobs.retain(|_| random.random_bool(0.4));
        if random.random_bool(0.2) {
            jobs.extend((0..1500).map(|_| crate::job())); // more than one statement takes
        }
        filter = filter.jobs(jobs);
    }
    if random.random_bool(0.1) {
        filter = filter.key(entry.key.clone());
    }
    if random.random_bool(0.3) {
        let text = match entry.job_id {
            Some(job) if random.random_bool(0.5) => job.to_string(),
            _ => entry.key.to_string(),
        };
        let length = random.random_range(0..=text.chars().count().min(5));
        filter = filter.prefix(text.chars().take(length).collect::<String>());
    }
    if random.random_bool(0.2) {
        filter = filter.label(*["spring", "Spring", "none"].choose(random).unwrap());
    }
    if random.random_bool(0.3) {
        let by = chrono::TimeDelta::nanoseconds(random.random_range(-1500..1500));
        filter = filter.since(entry.created_at + by);
    }
    if random.random_bool(0.4) {
        filter = filter.latest(random.random_range(0..10));
    }
    filter
}

pub async fn the_latest_are_the_last_that_were_entered(place: Place) {
    let journal = place.open().await;
    for number in 0..12 {
        started(journal.begin(new(&format!("k{number}")).labelled("a")).await.unwrap());
    }
    let keys = async |filter: Filter| {
        let entries = journal.entries(&account(), filter).await.unwrap();
        entries.iter().map(|entry| entry.key.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(keys(Filter::default().latest(3)).await, ["k9", "k10", "k11"]);
    assert_eq!(keys(Filter::default().prefix("k1").latest(2)).await, ["k10", "k11"]);
    assert_eq!(keys(Filter::default().latest(0)).await, [""; 0]);
    assert_eq!(keys(Filter::default().latest(99)).await.len(), 12);
}

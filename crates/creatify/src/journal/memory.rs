//! A journal in memory, which ends with the process.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures_core::future::BoxFuture;

use super::{
    Account, Begun, Budget, BudgetState, Change, Changed, Entry, EntryId, EntryState,
    EntryWithRecord, Filter, FoundEntries, Journal, JournalError, Key, Lease, NewEntry, OwnerId,
    Planned, SubmissionRecord,
};
use crate::{
    credits::{BillableOperation, Credits},
    job::JobId,
    sync::lock,
};

/// A journal in memory: for tests and programs that submit a few jobs and end. It is shared by
/// putting it in an [`Arc`](std::sync::Arc).
#[derive(Default)]
pub struct MemoryJournal(Mutex<State>);

#[derive(Default)]
struct State {
    entries: Vec<Entry>,
    places: HashMap<EntryId, usize>,
    latest: HashMap<(Account, BillableOperation, Key), usize>,
    jobs: HashMap<JobId, Vec<usize>>,
    /// Requests of entries that are not settled. Others are not looked for.
    records: HashMap<EntryId, SubmissionRecord>,
    budgets: Vec<(Account, BudgetState)>,
    /// Reserved and spent credits, by account, name and start of the period.
    usage: HashMap<(Account, String, DateTime<Utc>), (Credits, Credits)>,
}

impl State {
    fn entry(&self, id: EntryId) -> Option<&Entry> {
        self.places.get(&id).map(|place| &self.entries[*place])
    }

    fn of_job(&self, job: JobId) -> impl Iterator<Item = &Entry> {
        self.jobs.get(&job).into_iter().flatten().map(|place| &self.entries[*place])
    }

    fn budgets_at(&self, account: &Account, at: DateTime<Utc>) -> Vec<BudgetState> {
        let own = self.budgets.iter().filter(|(of, _)| of == account);
        own.map(|(_, budget)| {
            let state = budget.in_period_of(at);
            let key = (account.clone(), state.budget.name.clone(), state.period_start);
            let (reserved, spent) = self.usage.get(&key).copied().unwrap_or_default();
            state.with_usage(reserved, spent)
        })
        .collect()
    }

    fn write<T>(&mut self, account: &Account, planned: Planned<T>) -> T {
        if let Some(entry) = planned.entry {
            self.put(entry);
        }
        for state in planned.budgets {
            self.count(account, &state);
        }
        planned.result
    }

    fn put(&mut self, entry: Entry) {
        let place = *self.places.entry(entry.id).or_insert(self.entries.len());
        if let Some(job) = entry.job_id {
            let places = self.jobs.entry(job).or_default();
            if !places.contains(&place) {
                places.push(place);
            }
        }
        if entry.state == EntryState::Settled {
            self.records.remove(&entry.id);
        }
        match self.entries.get_mut(place) {
            Some(known) => *known = entry,
            None => {
                let key = (entry.account.clone(), entry.operation, entry.key.clone());
                self.latest.insert(key, place);
                self.entries.push(entry);
            }
        }
    }

    fn count(&mut self, account: &Account, state: &BudgetState) {
        let key = (account.clone(), state.budget.name.clone(), state.period_start);
        self.usage.insert(key, (state.reserved, state.spent));
    }

    fn begin(&mut self, new: NewEntry) -> Begun {
        let now = Utc::now();
        let key = (new.account.clone(), new.operation, new.key.clone());
        let latest = self.latest.get(&key).map(|place| self.entries[*place].clone());
        let renders = match (new.operation, new.job_id) {
            (BillableOperation::Render, Some(job)) => self
                .of_job(job)
                .filter(|entry| entry.account == new.account)
                .filter(|entry| entry.operation == BillableOperation::Render)
                .cloned()
                .collect(),
            _ => Vec::new(),
        };
        let budgets = self.budgets_at(&new.account, now);
        let planned = new.plan(FoundEntries { now, latest, renders, budgets });
        if let Begun::Started(entry) = &planned.result {
            self.records.insert(entry.id, new.record.clone());
        }
        self.write(&new.account, planned)
    }

    fn change(&mut self, id: EntryId, change: &Change) -> Changed {
        let Some(entry) = self.entry(id).cloned() else { return Changed::Missing };
        let now = Utc::now();
        let budgets = self.budgets_at(&entry.account, entry.created_at);
        let planned = entry.plan(change, now, budgets);
        if let (Change::Unknown { record: Some(record), .. }, Changed::Applied(_)) =
            (change, &planned.result)
        {
            self.records.insert(id, (**record).clone());
        }
        self.write(&entry.account, planned)
    }

    fn select(&self, account: &Account, filter: &Filter) -> Vec<Entry> {
        let now = Utc::now();
        let select = |entry: &Entry| {
            let entry = (entry.account == *account).then(|| entry.clone().at(now))?;
            filter.admits(&entry).then_some(entry)
        };
        let mut found: Vec<_> = match &filter.jobs {
            Some(jobs) => {
                let mut places: Vec<_> =
                    jobs.iter().filter_map(|job| self.jobs.get(job)).flatten().collect();
                places.sort();
                places.dedup();
                places.into_iter().filter_map(|place| select(&self.entries[*place])).collect()
            }
            None => self.entries.iter().filter_map(select).collect(),
        };
        if let Some(latest) = filter.latest {
            found.drain(..found.len().saturating_sub(latest as usize));
        }
        found
    }

    fn set_budget(&mut self, account: &Account, budget: Budget) -> BudgetState {
        let now = Utc::now();
        let known = self
            .budgets
            .iter()
            .position(|(of, known)| of == account && known.budget.name == budget.name);
        let state = match known.map(|place| self.budgets.remove(place).1) {
            Some(known) => known.set(budget, now),
            None => BudgetState::new(budget, now),
        };
        let entries = self.entries.iter().filter(|entry| entry.account == *account);
        let state = state.recounted(entries);
        self.count(account, &state);
        self.budgets.push((account.clone(), state.clone()));
        self.budgets.sort_by(|(_, one), (_, other)| one.budget.name.cmp(&other.budget.name));
        state
    }
}

impl MemoryJournal {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

impl fmt::Debug for MemoryJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryJournal").finish_non_exhaustive()
    }
}

fn ready<T: Send + 'static>(value: T) -> BoxFuture<'static, Result<T, JournalError>> {
    Box::pin(std::future::ready(Ok(value)))
}

impl Journal for MemoryJournal {
    fn location(&self) -> String {
        "memory".to_owned()
    }

    fn begin(&self, new: NewEntry) -> BoxFuture<'_, Result<Begun, JournalError>> {
        ready(self.state().begin(new))
    }

    fn renew(
        &self,
        entry: EntryId,
        owner: OwnerId,
        duration: Duration,
    ) -> BoxFuture<'_, Result<Option<Lease>, JournalError>> {
        let mut state = self.state();
        let renewed =
            state.entry(entry).and_then(|entry| entry.renewed(owner, Utc::now(), duration));
        let lease = renewed.map(|(entry, lease)| {
            state.put(entry);
            lease
        });
        ready(lease)
    }

    fn change(
        &self,
        entry: EntryId,
        change: Change,
    ) -> BoxFuture<'_, Result<Changed, JournalError>> {
        ready(self.state().change(entry, &change))
    }

    fn entries(
        &self,
        account: &Account,
        filter: Filter,
    ) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
        ready(self.state().select(account, &filter))
    }

    fn find(&self, entry: EntryId) -> BoxFuture<'_, Result<Option<EntryWithRecord>, JournalError>> {
        let state = self.state();
        let found = state.entry(entry).cloned().map(|entry| entry.at(Utc::now()));
        ready(found.map(|found| (found, state.records.get(&entry).cloned())))
    }

    fn set_budget(
        &self,
        account: &Account,
        budget: Budget,
    ) -> BoxFuture<'_, Result<BudgetState, JournalError>> {
        ready(self.state().set_budget(account, budget))
    }

    fn ensure_budget(
        &self,
        account: &Account,
        budget: Budget,
    ) -> BoxFuture<'_, Result<BudgetState, JournalError>> {
        let mut state = self.state();
        let known = state.budgets_at(account, Utc::now());
        let known = known.into_iter().find(|known| known.budget.name == budget.name);
        ready(known.unwrap_or_else(|| state.set_budget(account, budget)))
    }

    fn budgets(&self, account: &Account) -> BoxFuture<'_, Result<Vec<BudgetState>, JournalError>> {
        ready(self.state().budgets_at(account, Utc::now()))
    }
}

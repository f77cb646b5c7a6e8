//! The journal of both databases: each of its methods is one transaction.

use chrono::{DateTime, Utc};
use creatify::journal::{Account, EntryId, JournalError};
use futures_core::future::BoxFuture;

use crate::connection::{Connection, StoreError};

/// The part of a journal that a transaction concerns.
#[cfg_attr(not(feature = "postgres"), allow(dead_code))] // a write in SQLite locks all of it
pub(crate) enum Scope {
    /// Nothing is written.
    Read,
    /// Entries and budgets of an account are written.
    Account(Account),
    /// An entry and the budgets of its account are written.
    Entry(EntryId),
}

/// A database with the tables of a journal.
pub(crate) trait Store: Send + Sync {
    /// Runs work in one transaction, beside which nothing else writes in its scope. It is given the
    /// time of the journal's clock.
    fn transact<T: Send + 'static>(
        &self,
        scope: Scope,
        work: impl for<'c> FnOnce(
            &'c mut dyn Connection,
            DateTime<Utc>,
        ) -> BoxFuture<'c, Result<T, StoreError>>
        + Send
        + 'static,
    ) -> BoxFuture<'_, Result<T, JournalError>>;
}

/// Implements [`Journal`](creatify::journal::Journal) for a [`Store`] with a method `place`. A
/// blanket implementation is not possible outside of the trait's crate.
macro_rules! journal {
    ($store:ty) => {
        impl ::creatify::journal::Journal for $store {
            fn location(&self) -> String {
                self.place()
            }

            fn begin(&self, new: NewEntry) -> BoxFuture<'_, Result<Begun, JournalError>> {
                self.transact(Scope::Account(new.account.clone()), |db, now| {
                    Box::pin(async move { transactions::begin(db, now, &new).await })
                })
            }

            fn renew(
                &self,
                entry: EntryId,
                owner: OwnerId,
                duration: Duration,
            ) -> BoxFuture<'_, Result<Option<Lease>, JournalError>> {
                self.transact(Scope::Entry(entry), move |db, now| {
                    Box::pin(transactions::renew(db, now, entry, owner, duration))
                })
            }

            fn change(
                &self,
                entry: EntryId,
                change: Change,
            ) -> BoxFuture<'_, Result<Changed, JournalError>> {
                self.transact(Scope::Entry(entry), move |db, now| {
                    Box::pin(async move { transactions::change(db, now, entry, &change).await })
                })
            }

            fn entries(
                &self,
                account: &Account,
                filter: Filter,
            ) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
                let account = account.clone();
                self.transact(Scope::Read, |db, now| {
                    Box::pin(async move { filter::select(db, &account, filter, now).await })
                })
            }

            fn find(
                &self,
                entry: EntryId,
            ) -> BoxFuture<'_, Result<Option<EntryWithRecord>, JournalError>> {
                self.transact(Scope::Read, move |db, now| {
                    Box::pin(async move {
                        let found = entries::by_id(db, entry).await?;
                        Ok(found.map(|(entry, record)| (entry.at(now), record)))
                    })
                })
            }

            fn set_budget(
                &self,
                account: &Account,
                budget: Budget,
            ) -> BoxFuture<'_, Result<BudgetState, JournalError>> {
                let account = account.clone();
                self.transact(Scope::Account(account.clone()), |db, now| {
                    Box::pin(
                        async move { transactions::set_budget(db, now, &account, budget).await },
                    )
                })
            }

            fn ensure_budget(
                &self,
                account: &Account,
                budget: Budget,
            ) -> BoxFuture<'_, Result<BudgetState, JournalError>> {
                let account = account.clone();
                self.transact(Scope::Account(account.clone()), |db, now| {
                    Box::pin(
                        async move { transactions::ensure_budget(db, now, &account, budget).await },
                    )
                })
            }

            fn budgets(
                &self,
                account: &Account,
            ) -> BoxFuture<'_, Result<Vec<BudgetState>, JournalError>> {
                let account = account.clone();
                self.transact(Scope::Read, |db, now| {
                    Box::pin(async move { budgets::at(db, &account, now).await })
                })
            }
        }
    };
}
pub(crate) use journal;

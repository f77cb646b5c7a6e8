//! The journal: the record of every billable call, from before it is sent until its job has ended.
//!
//! The service has no idempotency key. A journal gives submissions one: a call that has a
//! [key](crate::Create::key) is sent at most once by all programs that share the journal, before
//! and after crashes. Budgets are kept in the journal, so that they hold across processes.
//!
//! A client has a [`MemoryJournal`] unless
//! [`ClientBuilder::journal`](crate::ClientBuilder::journal) sets another one. The crate
//! `creatify-journal` has journals in SQLite files and in PostgreSQL.
//!
//! A store implements [`Journal`]. It reads what a change concerns, lets
//! [`NewEntry::plan`] or [`Entry::plan`] decide, and writes the result, all in one transaction.

mod budget;
mod entry;
mod filter;
mod key;
mod memory;
mod plan;
mod record;
mod summary;

use std::{fmt, time::Duration};

use futures_core::future::BoxFuture;

pub use budget::{Budget, BudgetState, OverBudget, Period};
pub use entry::{Entry, EntryId, EntryState, JobEnd, Lease, OwnerId};
pub use filter::Filter;
pub use key::{Account, InvalidKey, Key, RequestHash};
pub use memory::MemoryJournal;
pub use plan::{
    Begun, Change, Changed, ExistingRender, FoundEntries, NewEntry, Planned, Repetition,
};
pub(crate) use record::MACHINE_SKEW;
pub use record::{JobVersion, SubmissionRecord};
pub use summary::{GroupBy, GroupTotal, Summary, TooLarge};

use crate::error::BoxError;

/// A store of entries and budgets.
///
/// Every method is one transaction: it happens whole or not at all, and is durable when it returns.
/// Times are those of one clock that all processes of the journal share.
pub trait Journal: fmt::Debug + Send + Sync + 'static {
    /// Returns the place of the journal, for messages. It has no password.
    fn location(&self) -> String;

    /// Enters a call that is about to be sent, and reserves the most that it may cost in every
    /// budget in scope; or returns why it must not be sent.
    fn begin(&self, new: NewEntry) -> BoxFuture<'_, Result<Begun, JournalError>>;

    /// Extends the lease of an entry that is being sent. Returns `None` when this owner does not
    /// have it any more, so that nothing may be sent.
    fn renew(
        &self,
        entry: EntryId,
        owner: OwnerId,
        duration: Duration,
    ) -> BoxFuture<'_, Result<Option<Lease>, JournalError>>;

    /// Changes the state of an entry, and the budgets with it.
    fn change(
        &self,
        entry: EntryId,
        change: Change,
    ) -> BoxFuture<'_, Result<Changed, JournalError>>;

    /// Reads entries of an account, oldest first. One whose lease has expired while it was sent is
    /// shown as [`Unknown`](EntryState::Unknown).
    fn entries(
        &self,
        account: &Account,
        filter: Filter,
    ) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>>;

    /// Reads an entry with its request, which is needed to look for its job. The request of a
    /// settled entry may be absent.
    fn find(&self, entry: EntryId) -> BoxFuture<'_, Result<Option<EntryWithRecord>, JournalError>>;

    /// Creates a budget, or changes the one of this name. Entries of its period count towards it.
    fn set_budget(
        &self,
        account: &Account,
        budget: Budget,
    ) -> BoxFuture<'_, Result<BudgetState, JournalError>>;

    /// Creates a budget unless there is one of this name, and returns the one there is.
    fn ensure_budget(
        &self,
        account: &Account,
        budget: Budget,
    ) -> BoxFuture<'_, Result<BudgetState, JournalError>>;

    /// Reads the budgets of an account in their present periods, in the order of their names.
    fn budgets(&self, account: &Account) -> BoxFuture<'_, Result<Vec<BudgetState>, JournalError>>;
}

/// An entry, and its request if it was kept.
pub type EntryWithRecord = (Entry, Option<SubmissionRecord>);

/// Error of a journal that cannot be read or written. Its source tells the cause.
#[derive(Debug)]
pub struct JournalError {
    message: String,
    source: Option<BoxError>,
}

impl JournalError {
    /// Creates an error with a message of one line.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// Adds the cause.
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for JournalError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

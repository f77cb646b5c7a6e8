//! The journal of a run, which is opened when it is first needed.

mod account;
mod open;
mod place;

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use creatify::journal::{
    Account, Begun, Budget, BudgetState, Change, Changed, Entry, EntryId, EntryWithRecord, Filter,
    Journal, JournalError, Lease, MemoryJournal, NewEntry, OwnerId,
};
use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

use self::open::{OpenJournal, Origin, open_journal};
pub(crate) use self::{
    account::{AccountJournal, account},
    place::Place,
};
use crate::output::Output;

/// Use of the journal by a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// It is written. Without it, the command does nothing.
    Write,
    /// It is read. Without it, the command does nothing; one that does not exist is empty.
    Read,
    /// It helps, and the command goes on without it.
    Aside,
}

/// A journal that is opened on first use: some commands need none.
pub(crate) struct LazyJournal {
    place: Place,
    access: Access,
    output: Output,
    opened: OnceCell<Result<Arc<dyn Journal>, Failure>>,
    /// Takes its place when it cannot be opened and is not necessary.
    substitute: OnceLock<Arc<dyn Journal>>,
}

/// The messages of an error, from the error to its last cause.
struct Failure(Vec<String>);

impl LazyJournal {
    pub(crate) fn new(place: Place, access: Access, output: Output) -> Self {
        let (opened, substitute) = (OnceCell::new(), OnceLock::new());
        Self { place, access, output, opened, substitute }
    }

    pub(crate) fn access(&self) -> Access {
        self.access
    }

    /// Returns the journal. It fails each time after it has failed once.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Journal>, JournalError> {
        let opened = self.opened.get_or_init(|| self.open_now()).await;
        match opened {
            Ok(journal) => Ok(journal.clone()),
            Err(failure) => Err(failure.error()),
        }
    }

    fn open_now(&self) -> BoxFuture<'_, Result<Arc<dyn Journal>, Failure>> {
        Box::pin(async {
            match open_journal(&self.place, self.access).await {
                Ok(opened) => Ok(self.tell(opened)),
                Err(error) => Err(Failure::new(&error)),
            }
        })
    }

    /// Says where the journal is, if that is news.
    fn tell(&self, opened: OpenJournal) -> Arc<dyn Journal> {
        let place = &self.place;
        match (opened.origin, self.access) {
            (Origin::Created, _) => self.output.note(&format!(
                "every submission is entered in a journal, from now on in {place} (--journal names \
                 another)"
            )),
            (Origin::Absent, Access::Read) => {
                self.output.note(&format!("there is no journal yet in {place}"));
            }
            _ => {}
        }
        opened.journal
    }

    /// Returns the journal, or an empty one if the command can go on without it.
    async fn usable(&self) -> Result<Arc<dyn Journal>, JournalError> {
        match self.open().await {
            Err(error) if self.access == Access::Aside => {
                Ok(self.substitute.get_or_init(|| self.without_it(&error)).clone())
            }
            result => result,
        }
    }

    fn without_it(&self, error: &JournalError) -> Arc<dyn Journal> {
        self.output.line(&format!(
            "warning: the journal ({}) cannot be used, so what it knows is missing, and charges are \
             not entered",
            self.place
        ));
        for message in &Failure::new(error).0 {
            self.output.line(&format!("  because: {message}"));
        }
        Arc::new(MemoryJournal::default())
    }
}

impl Failure {
    fn new(error: &JournalError) -> Self {
        let mut messages = vec![error.to_string()];
        let mut cause = std::error::Error::source(error);
        while let Some(source) = cause {
            messages.push(source.to_string());
            cause = source.source();
        }
        Self(messages)
    }

    fn error(&self) -> JournalError {
        let mut messages = self.0.iter().rev();
        let last = JournalError::new(messages.next().cloned().unwrap_or_default());
        messages.fold(last, |cause, message| JournalError::new(message).because(cause))
    }
}

impl fmt::Debug for LazyJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyJournal").field("place", &self.location()).finish_non_exhaustive()
    }
}

impl Journal for LazyJournal {
    fn location(&self) -> String {
        self.place.to_string()
    }

    fn begin(&self, new: NewEntry) -> BoxFuture<'_, Result<Begun, JournalError>> {
        Box::pin(async move { self.usable().await?.begin(new).await })
    }

    fn renew(
        &self,
        entry: EntryId,
        owner: OwnerId,
        duration: Duration,
    ) -> BoxFuture<'_, Result<Option<Lease>, JournalError>> {
        Box::pin(async move { self.usable().await?.renew(entry, owner, duration).await })
    }

    fn change(
        &self,
        entry: EntryId,
        change: Change,
    ) -> BoxFuture<'_, Result<Changed, JournalError>> {
        Box::pin(async move { self.usable().await?.change(entry, change).await })
    }

    fn entries(
        &self,
        account: &Account,
        filter: Filter,
    ) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
        let account = account.clone();
        Box::pin(async move { self.usable().await?.entries(&account, filter).await })
    }

    fn find(&self, entry: EntryId) -> BoxFuture<'_, Result<Option<EntryWithRecord>, JournalError>> {
        Box::pin(async move { self.usable().await?.find(entry).await })
    }

    fn set_budget(
        &self,
        account: &Account,
        budget: Budget,
    ) -> BoxFuture<'_, Result<BudgetState, JournalError>> {
        let account = account.clone();
        Box::pin(async move { self.usable().await?.set_budget(&account, budget).await })
    }

    fn ensure_budget(
        &self,
        account: &Account,
        budget: Budget,
    ) -> BoxFuture<'_, Result<BudgetState, JournalError>> {
        let account = account.clone();
        Box::pin(async move { self.usable().await?.ensure_budget(&account, budget).await })
    }

    fn budgets(&self, account: &Account) -> BoxFuture<'_, Result<Vec<BudgetState>, JournalError>> {
        let account = account.clone();
        Box::pin(async move { self.usable().await?.budgets(&account).await })
    }
}

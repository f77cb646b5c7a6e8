//! A journal in PostgreSQL.

mod address;
mod error;
mod schema;
mod session;

use std::{fmt, sync::Arc, time::Duration};

use creatify::journal::{
    Account, Begun, Budget, BudgetState, Change, Changed, Entry, EntryId, EntryWithRecord, Filter,
    Journal, JournalError, Lease, NewEntry, OwnerId,
};
use futures_core::future::BoxFuture;
use tokio::time::timeout;

use self::{
    address::Address,
    session::{Session, Sessions},
};
use crate::{budgets, connection::StoreError, entries, filter, transactions};

/// Time for a transaction, with waiting for other tasks of this process and for a connection.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A journal in PostgreSQL, for any number of machines. Clones share their connections.
///
/// Times are those of the database, so the clocks of the machines may differ. When the database
/// cannot be reached, calls fail after at most 30 s; once it is back, they succeed again.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
///
/// use creatify::Client;
/// use creatify_journal::PostgresJournal;
///
/// let journal = PostgresJournal::connect(&std::env::var("DATABASE_URL")?).await?;
/// let client = Client::builder().journal(Arc::new(journal));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresJournal {
    location: Arc<str>,
    sessions: Sessions,
}

impl PostgresJournal {
    /// Connects to a database, and creates its tables if they are missing.
    ///
    /// The URL is `postgres://user:password@host:port/database`; `?sslmode=verify-full` checks the
    /// certificate of the server, and `?host=/run/postgresql` uses a Unix socket. No error shows
    /// the password.
    ///
    /// # Errors
    ///
    /// When the URL is wrong, the database cannot be reached within 30 s or refuses the user, or
    /// its tables are of a newer version.
    pub async fn connect(url: &str) -> Result<Self, JournalError> {
        let Address { options, location } = address::parse(url)?;
        let prepared = timeout(TIMEOUT, schema::prepare(&options)).await;
        prepared
            .unwrap_or(Err(StoreError::TimedOut(TIMEOUT)))
            .map_err(|error| error::of(&location, error))?;
        Ok(Self { location: location.into(), sessions: Sessions::new(options) })
    }

    /// Runs a transaction, and bounds its time. Its session is closed when that is over.
    fn bounded<'a, T: Send + 'a>(
        &'a self,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, JournalError>> {
        Box::pin(async move {
            let done = timeout(TIMEOUT, work).await;
            done.unwrap_or(Err(StoreError::TimedOut(TIMEOUT)))
                .map_err(|error| error::of(&self.location, error))
        })
    }

    /// Starts a transaction that changes an entry, or returns `None` if there is no such entry.
    async fn write_entry(&self, entry: EntryId) -> Result<Option<Session>, StoreError> {
        let mut session = self.sessions.start(session::WRITE).await?;
        let Some(account) = entries::account_of(session.db()?, entry).await? else {
            session.commit().await?;
            return Ok(None);
        };
        session.lock(&account).await?;
        Ok(Some(session))
    }

    /// Starts a transaction that changes an account.
    async fn write(&self, account: &Account) -> Result<Session, StoreError> {
        let mut session = self.sessions.start(session::WRITE).await?;
        session.lock(account.as_str()).await?;
        Ok(session)
    }
}

impl Journal for PostgresJournal {
    fn location(&self) -> String {
        self.location.to_string()
    }

    fn begin(&self, new: NewEntry) -> BoxFuture<'_, Result<Begun, JournalError>> {
        self.bounded(async move {
            let mut session = self.write(&new.account).await?;
            let now = session.now().await?;
            let begun = transactions::begin(session.db()?, now, &new).await?;
            session.commit().await?;
            Ok(begun)
        })
    }

    fn renew(
        &self,
        entry: EntryId,
        owner: OwnerId,
        duration: Duration,
    ) -> BoxFuture<'_, Result<Option<Lease>, JournalError>> {
        self.bounded(async move {
            let Some(mut session) = self.write_entry(entry).await? else { return Ok(None) };
            let now = session.now().await?;
            let lease = transactions::renew(session.db()?, now, entry, owner, duration).await?;
            session.commit().await?;
            Ok(lease)
        })
    }

    fn change(
        &self,
        entry: EntryId,
        change: Change,
    ) -> BoxFuture<'_, Result<Changed, JournalError>> {
        self.bounded(async move {
            let session = self.write_entry(entry).await?;
            let Some(mut session) = session else { return Ok(Changed::Missing) };
            let now = session.now().await?;
            let changed = transactions::change(session.db()?, now, entry, &change).await?;
            session.commit().await?;
            Ok(changed)
        })
    }

    fn entries(
        &self,
        account: &Account,
        filter: Filter,
    ) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
        let account = account.clone();
        self.bounded(async move {
            let mut session = self.sessions.start(session::READ).await?;
            let now = session.now().await?;
            let entries = filter::select(session.db()?, &account, filter, now).await?;
            session.commit().await?;
            Ok(entries)
        })
    }

    fn find(&self, entry: EntryId) -> BoxFuture<'_, Result<Option<EntryWithRecord>, JournalError>> {
        self.bounded(async move {
            let mut session = self.sessions.start(session::READ).await?;
            let now = session.now().await?;
            let found = entries::by_id(session.db()?, entry).await?;
            session.commit().await?;
            Ok(found.map(|(entry, record)| (entry.at(now), record)))
        })
    }

    fn set_budget(
        &self,
        account: &Account,
        budget: Budget,
    ) -> BoxFuture<'_, Result<BudgetState, JournalError>> {
        let account = account.clone();
        self.bounded(async move {
            let mut session = self.write(&account).await?;
            let now = session.now().await?;
            let state = transactions::set_budget(session.db()?, now, &account, budget).await?;
            session.commit().await?;
            Ok(state)
        })
    }

    fn ensure_budget(
        &self,
        account: &Account,
        budget: Budget,
    ) -> BoxFuture<'_, Result<BudgetState, JournalError>> {
        let account = account.clone();
        self.bounded(async move {
            let mut session = self.write(&account).await?;
            let now = session.now().await?;
            let state = transactions::ensure_budget(session.db()?, now, &account, budget).await?;
            session.commit().await?;
            Ok(state)
        })
    }

    fn budgets(&self, account: &Account) -> BoxFuture<'_, Result<Vec<BudgetState>, JournalError>> {
        let account = account.clone();
        self.bounded(async move {
            let mut session = self.sessions.start(session::READ).await?;
            let now = session.now().await?;
            let budgets = budgets::at(session.db()?, &account, now).await?;
            session.commit().await?;
            Ok(budgets)
        })
    }
}

impl fmt::Debug for PostgresJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresJournal").field(&self.location).finish()
    }
}

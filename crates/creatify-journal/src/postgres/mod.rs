//! A journal in PostgreSQL.

mod address;
mod error;
mod schema;
mod session;

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use creatify::journal::{
    Account, Begun, Budget, BudgetState, Change, Changed, Entry, EntryId, EntryWithRecord, Filter,
    JournalError, Lease, NewEntry, OwnerId,
};
use futures_core::future::BoxFuture;
use tokio::time::timeout;

use self::{
    address::Address,
    session::{Session, Sessions},
};
use crate::{
    budgets,
    connection::{Connection, StoreError},
    entries, filter,
    store::{Scope, Store, journal},
    transactions,
};

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

    fn place(&self) -> String {
        self.location.to_string()
    }

    async fn start(&self, scope: Scope) -> Result<Session, StoreError> {
        let begin = match scope {
            Scope::Read => session::READ,
            Scope::Account(_) | Scope::Entry(_) => session::WRITE,
        };
        let mut session = self.sessions.start(begin).await?;
        let account = match scope {
            Scope::Read => return Ok(session),
            Scope::Account(account) => Some(account.as_str().to_owned()),
            Scope::Entry(entry) => entries::account_of(session.db()?, entry).await?,
        };
        match account {
            Some(account) => session.lock(&account).await?,
            // There is no such entry. One that appears meanwhile is not changed without the lock.
            None => session.write_no_more().await?,
        }
        Ok(session)
    }
}

impl Store for PostgresJournal {
    /// Bounds the time of the transaction too. Its session is closed when that is over.
    fn transact<T: Send + 'static>(
        &self,
        scope: Scope,
        work: impl for<'c> FnOnce(
            &'c mut dyn Connection,
            DateTime<Utc>,
        ) -> BoxFuture<'c, Result<T, StoreError>>
        + Send
        + 'static,
    ) -> BoxFuture<'_, Result<T, JournalError>> {
        let transaction = async move {
            let mut session = self.start(scope).await?;
            let now = session.now().await?;
            let result = work(session.db()?, now).await?;
            session.commit().await?;
            Ok(result)
        };
        Box::pin(async move {
            let done = timeout(TIMEOUT, transaction).await;
            done.unwrap_or(Err(StoreError::TimedOut(TIMEOUT)))
                .map_err(|error| error::of(&self.location, error))
        })
    }
}

journal!(PostgresJournal);

impl fmt::Debug for PostgresJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresJournal").field(&self.location).finish()
    }
}

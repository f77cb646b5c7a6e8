//! A journal in a SQLite file.

mod error;
mod file;
mod schema;

use std::{fmt, path::Path, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use creatify::journal::{
    Account, Begun, Budget, BudgetState, Change, Changed, Entry, EntryId, EntryWithRecord, Filter,
    JournalError, Lease, NewEntry, OwnerId,
};
use futures_core::future::BoxFuture;
use sqlx::{
    ConnectOptions as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    budgets,
    connection::{Connection, StoreError},
    entries, filter,
    store::{Scope, Store, journal},
    time, transactions,
};

/// Time to wait for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Time to wait for other tasks of this process.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
/// Number of connections that read while one writes.
const READERS: u32 = 4;
/// Rows read ahead.
const ROW_BUFFER: usize = 256;

/// A journal in a SQLite file, for any number of processes on one machine. Clones share their
/// connections.
///
/// Every write is on the disk when it returns. The file must not be on a network drive.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
///
/// use creatify::Client;
/// use creatify_journal::SqliteJournal;
///
/// let journal = Arc::new(SqliteJournal::open("creatify.db").await?);
/// let client = Client::builder().journal(journal);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteJournal {
    path: Arc<Path>,
    /// One connection, since one write at a time is possible.
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteJournal {
    /// Opens the journal in a file, and creates it if there is none: the file for its owner alone
    /// (mode 0600), as are directories that are missing (mode 0700).
    ///
    /// # Errors
    ///
    /// When the file or its directory cannot be written, the file is damaged, belongs to another
    /// program, was written by a newer version, or is locked for more than 5 s.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, JournalError> {
        let path: Arc<Path> = file::prepare(path.as_ref().to_owned()).await?.into();
        let plain = SqliteConnectOptions::new()
            .filename(&path)
            .busy_timeout(BUSY_TIMEOUT)
            .row_buffer_size(ROW_BUFFER)
            .disable_statement_logging();
        let options =
            plain.clone().journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
        let pool = || {
            SqlitePoolOptions::new()
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .acquire_slow_threshold(ACQUIRE_TIMEOUT)
                .test_before_acquire(false) // a file does not go away as a server does
                .max_lifetime(None)
        };
        let prepared = schema::prepare(&plain.read_only(true), &options, BUSY_TIMEOUT).await;
        prepared.map_err(|error| error::of(&path, error))?;
        let writer = pool().max_connections(1).idle_timeout(None);
        let writer = writer.connect_lazy_with(options.clone());
        let readers = pool().max_connections(READERS);
        let readers = readers.connect_lazy_with(options.pragma("query_only", "1"));
        Ok(Self { path, writer, readers })
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }
}

impl Store for SqliteJournal {
    /// The transaction is undone when it is dropped.
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
        let (pool, begin) = match scope {
            Scope::Read => (&self.readers, "BEGIN"),
            Scope::Account(_) | Scope::Entry(_) => (&self.writer, "BEGIN IMMEDIATE"),
        };
        let transaction = async move {
            let mut transaction = pool.begin_with(begin).await?;
            let result = work(&mut *transaction, time::now()).await?;
            transaction.commit().await?;
            Ok(result)
        };
        Box::pin(async move {
            let done: Result<_, StoreError> = transaction.await;
            done.map_err(|error| error::of(&self.path, error))
        })
    }
}

journal!(SqliteJournal);

impl fmt::Debug for SqliteJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqliteJournal").field(&self.path).finish()
    }
}

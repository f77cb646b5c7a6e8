//! A journal in a SQLite file.

mod error;
mod file;
mod schema;

use std::{fmt, path::Path, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use creatify::journal::{
    Account, Begun, Budget, BudgetState, Change, Changed, Entry, EntryId, EntryWithRecord, Filter,
    Journal, JournalError, Lease, NewEntry, OwnerId,
};
use futures_core::future::BoxFuture;
use sqlx::{
    ConnectOptions as _, Connection as _, Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{budgets, connection::StoreError, entries, filter, time, transactions};

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

    /// Starts a transaction that writes. It is undone when it is dropped.
    async fn write(&self) -> Result<(Transaction<'static, Sqlite>, DateTime<Utc>), StoreError> {
        let transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        Ok((transaction, time::now()))
    }

    fn named<'a, T: Send + 'a>(
        &'a self,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, JournalError>> {
        Box::pin(async move { work.await.map_err(|error| error::of(&self.path, error)) })
    }
}

impl Journal for SqliteJournal {
    fn location(&self) -> String {
        self.path.display().to_string()
    }

    fn begin(&self, new: NewEntry) -> BoxFuture<'_, Result<Begun, JournalError>> {
        self.named(async move {
            let (mut transaction, now) = self.write().await?;
            let begun = transactions::begin(&mut *transaction, now, &new).await?;
            transaction.commit().await?;
            Ok(begun)
        })
    }

    fn renew(
        &self,
        entry: EntryId,
        owner: OwnerId,
        duration: Duration,
    ) -> BoxFuture<'_, Result<Option<Lease>, JournalError>> {
        self.named(async move {
            let (mut transaction, now) = self.write().await?;
            let lease = transactions::renew(&mut *transaction, now, entry, owner, duration).await?;
            transaction.commit().await?;
            Ok(lease)
        })
    }

    fn change(
        &self,
        entry: EntryId,
        change: Change,
    ) -> BoxFuture<'_, Result<Changed, JournalError>> {
        self.named(async move {
            let (mut transaction, now) = self.write().await?;
            let changed = transactions::change(&mut *transaction, now, entry, &change).await?;
            transaction.commit().await?;
            Ok(changed)
        })
    }

    fn entries(
        &self,
        account: &Account,
        filter: Filter,
    ) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
        let account = account.clone();
        self.named(async move {
            let mut reader = self.readers.acquire().await?;
            filter::select(&mut *reader, &account, filter, time::now()).await
        })
    }

    fn find(&self, entry: EntryId) -> BoxFuture<'_, Result<Option<EntryWithRecord>, JournalError>> {
        self.named(async move {
            let mut reader = self.readers.acquire().await?;
            let found = entries::by_id(&mut *reader, entry).await?;
            Ok(found.map(|(entry, record)| (entry.at(time::now()), record)))
        })
    }

    fn set_budget(
        &self,
        account: &Account,
        budget: Budget,
    ) -> BoxFuture<'_, Result<BudgetState, JournalError>> {
        let account = account.clone();
        self.named(async move {
            let (mut transaction, now) = self.write().await?;
            let state = transactions::set_budget(&mut *transaction, now, &account, budget).await?;
            transaction.commit().await?;
            Ok(state)
        })
    }

    fn ensure_budget(
        &self,
        account: &Account,
        budget: Budget,
    ) -> BoxFuture<'_, Result<BudgetState, JournalError>> {
        let account = account.clone();
        self.named(async move {
            let (mut transaction, now) = self.write().await?;
            let state =
                transactions::ensure_budget(&mut *transaction, now, &account, budget).await?;
            transaction.commit().await?;
            Ok(state)
        })
    }

    fn budgets(&self, account: &Account) -> BoxFuture<'_, Result<Vec<BudgetState>, JournalError>> {
        let account = account.clone();
        self.named(async move {
            let mut reader = self.readers.acquire().await?;
            let mut snapshot = reader.begin().await?;
            let budgets = budgets::at(&mut *snapshot, &account, time::now()).await?;
            snapshot.commit().await?;
            Ok(budgets)
        })
    }
}

impl fmt::Debug for SqliteJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqliteJournal").field(&self.path).finish()
    }
}

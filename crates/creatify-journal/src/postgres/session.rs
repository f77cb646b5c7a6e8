//! Sessions: connections with an open transaction.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use sqlx::{
    Executor as _, PgConnection, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
    raw_sql,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::connection::{Statement, StoreError, first};

/// Number of connections of a process. Writes of one account wait for one another anyhow.
const CONNECTIONS: u32 = 8;
/// Time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Limits that hold even if this process stops or its network fails, so that it blocks no other.
/// And a commit is on the disk when it returns, even where the server is set to be faster.
const SETTINGS: &str = "SET lock_timeout = '20s'; SET statement_timeout = '25s'; \
                        SET idle_in_transaction_session_timeout = '10s'; \
                        SELECT set_config('synchronous_commit', 'on', false) \
                        WHERE current_setting('synchronous_commit') = 'off'";

/// Starts a transaction that writes. Each statement sees what was committed before it, thus also
/// what was committed before the transaction got the lock.
pub(super) const WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
/// Starts a transaction that reads one state of the database.
pub(super) const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The connections of a journal.
#[derive(Clone)]
pub(super) struct Sessions {
    pool: PgPool,
    /// Tasks wait here for their turn, so that waiting does not count as connecting.
    turns: Arc<Semaphore>,
}

/// A connection with an open transaction. Unless it is committed, the connection is closed, which
/// undoes the transaction and leaves nothing half done for others.
pub(super) struct Session {
    /// Absent only once the session has ended.
    connection: Option<PoolConnection<Postgres>>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Sessions {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(CONNECT_TIMEOUT)
            .acquire_slow_threshold(CONNECT_TIMEOUT)
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(raw_sql(SETTINGS)).await.map(|_| ()) })
            })
            .connect_lazy_with(options);
        Self { pool, turns: Arc::new(Semaphore::new(CONNECTIONS as usize)) }
    }

    /// Starts a transaction.
    pub(super) async fn start(&self, begin: &'static str) -> Result<Session, StoreError> {
        let turn = self.turns.clone().acquire_owned().await.ok(); // it is never closed
        let connection = Some(self.pool.acquire().await?);
        let mut session = Session { connection, _turn: turn };
        session.execute(begin).await?;
        Ok(session)
    }
}

impl Session {
    /// Returns the connection.
    pub(super) fn db(&mut self) -> Result<&mut PgConnection, StoreError> {
        Ok(self.connection.as_deref_mut().ok_or(sqlx::Error::PoolClosed)?)
    }

    /// Waits for other transactions that write to an account, and keeps new ones out.
    pub(super) async fn lock(&mut self, account: &str) -> Result<(), StoreError> {
        let sql = "SELECT '' FROM pg_advisory_xact_lock(hashtextextended($1, 0))";
        let statement = Statement::new(sql).bind(format!("creatify-journal/{account}"));
        first(self.db()?, statement, |_| Ok(())).await?;
        Ok(())
    }

    /// Makes further writes of this transaction fail.
    pub(super) async fn write_no_more(&mut self) -> Result<(), StoreError> {
        self.execute("SET TRANSACTION READ ONLY").await
    }

    /// Returns the time of the database.
    pub(super) async fn now(&mut self) -> Result<DateTime<Utc>, StoreError> {
        let sql = "SELECT CAST(CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) \
                   AS TEXT)";
        let now = first(self.db()?, Statement::new(sql), |columns| {
            let text = columns.text(0)?;
            let time = text.parse().ok().and_then(DateTime::from_timestamp_micros);
            time.ok_or_else(|| StoreError::Row(format!("`{text}` is not a time")))
        });
        now.await?.ok_or_else(|| StoreError::Row("the database has no time".to_owned()))
    }

    /// Makes what was written durable.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        self.execute("COMMIT").await?;
        drop(self.connection.take()); // it goes back to the pool
        Ok(())
    }

    async fn execute(&mut self, sql: &'static str) -> Result<(), StoreError> {
        self.db()?.execute(raw_sql(sql)).await?;
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(connection.detach());
        }
    }
}

//! The tables of a SQLite journal.

use std::time::Duration;

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection, query_as, raw_sql,
    sqlite::SqliteConnectOptions,
};
use tokio::time::{Instant, sleep};

use super::error::is_busy;
use crate::{
    connection::StoreError,
    migrations::{self, Steps},
};

/// Steps from each version of the tables to the next.
const STEPS: Steps = &[include_str!("../../migrations/sqlite/1.sql")];
/// Marks the file of a journal: "crea" in ASCII.
const APPLICATION_ID: i64 = 0x6372_6561;
/// Pause before another attempt to open a file that others open too.
const PAUSE: Duration = Duration::from_millis(20);

/// Creates the tables, or brings them to the latest version.
pub(super) async fn prepare(
    plain: &SqliteConnectOptions,
    options: &SqliteConnectOptions,
    timeout: Duration,
) -> Result<(), StoreError> {
    let deadline = Instant::now() + timeout;
    loop {
        match prepare_once(plain, options).await {
            // Two that make a file a WAL database at once do not wait for one another.
            Err(error) if is_busy(&error) && Instant::now() < deadline => sleep(PAUSE).await,
            result => return result,
        }
    }
}

async fn prepare_once(
    plain: &SqliteConnectOptions,
    options: &SqliteConnectOptions,
) -> Result<(), StoreError> {
    // Nothing is written to a file of others or of a newer version, not even its journal mode.
    let mut connection = plain.connect().await?;
    pending(&mut connection).await?;
    connection.close().await?;
    let mut connection = options.connect().await?;
    if !pending(&mut connection).await?.is_empty() {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let steps = pending(&mut transaction).await?;
        for step in steps {
            raw_sql(*step).execute(&mut *transaction).await?;
        }
        if !steps.is_empty() {
            let version = migrations::version(STEPS);
            let marks = format!(
                "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {version}"
            );
            raw_sql(AssertSqlSafe(marks)).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
    }
    connection.close().await?;
    Ok(())
}

/// Returns the steps to the latest version of the tables. Tables of a newer version or of another
/// program are refused.
async fn pending(connection: &mut SqliteConnection) -> Result<Steps, StoreError> {
    // In one statement, since another process may be creating the tables.
    let marks = "SELECT (SELECT count(*) FROM sqlite_master), application_id, user_version \
                 FROM pragma_application_id, pragma_user_version";
    let (tables, application, found): (i64, i64, i64) =
        query_as(marks).fetch_one(&mut *connection).await?;
    if application != APPLICATION_ID && (application != 0 || tables > 0) {
        return Err(StoreError::OtherProgram);
    }
    migrations::pending(found, STEPS)
}

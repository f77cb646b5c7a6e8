//! The tables of a PostgreSQL journal.

use sqlx::{
    ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions, query,
    query_scalar, raw_sql,
};

use crate::{
    connection::StoreError,
    migrations::{self, Steps},
};

/// Steps from each version of the tables to the next.
const STEPS: Steps = &[include_str!("../../migrations/postgres/1.sql")];
/// Key of the advisory lock under which tables are changed: "creatify" in ASCII.
const LOCK: i64 = 0x6372_6561_7469_6679;

/// Creates the tables, or brings them to the latest version.
pub(super) async fn prepare(options: &PgConnectOptions) -> Result<(), StoreError> {
    let mut connection = options.connect().await?;
    // The usual case needs no right to create tables.
    if !pending(&mut connection).await?.is_empty() {
        let mut transaction =
            connection.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
        query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await?;
        let steps = pending(&mut transaction).await?;
        if !steps.is_empty() {
            query("CREATE TABLE IF NOT EXISTS creatify_schema (version BIGINT NOT NULL)")
                .execute(&mut *transaction)
                .await?;
            for step in steps {
                raw_sql(*step).execute(&mut *transaction).await?;
            }
            query("DELETE FROM creatify_schema").execute(&mut *transaction).await?;
            query("INSERT INTO creatify_schema (version) VALUES ($1)")
                .bind(migrations::version(STEPS))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
    }
    connection.close().await?;
    Ok(())
}

/// Returns the steps to the latest version of the tables. Tables of a newer version are refused.
async fn pending(connection: &mut PgConnection) -> Result<Steps, StoreError> {
    // From the catalog, since `to_regclass` may not see what was committed a moment ago.
    let sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE relname = 'creatify_schema' \
               AND pg_catalog.pg_table_is_visible(oid))";
    let is_there: bool = query_scalar(sql).fetch_one(&mut *connection).await?;
    let found = if is_there {
        let sql = "SELECT coalesce(max(version), 0) FROM creatify_schema";
        query_scalar(sql).fetch_one(connection).await?
    } else {
        0
    };
    migrations::pending(found, STEPS)
}

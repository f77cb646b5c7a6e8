//! Statements in the SQL that both databases share, and connections that run them.

use std::borrow::Cow;

use futures_core::future::BoxFuture;
use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Row as _};

/// Error of a store: of the database, or of what is stored in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A stored text is not what this version writes.
    #[error("a stored row cannot be read: {0}")]
    Row(String),
    /// The tables are those of a newer version.
    #[error("its tables are of version {found}, and this program knows version {known}")]
    NewerSchema { found: i64, known: i64 },
    /// The database belongs to another program.
    #[cfg(feature = "sqlite")]
    #[error("it has tables of another program")]
    OtherProgram,
    /// The database did not answer.
    #[cfg(feature = "postgres")]
    #[error("no answer within {0:?}")]
    TimedOut(std::time::Duration),
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Row(error.to_string())
    }
}

/// A value of a statement.
pub(crate) enum Value {
    Text(Option<String>),
    Integer(i64),
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

/// A statement with its values. All columns that it selects are texts.
pub(crate) struct Statement {
    sql: Cow<'static, str>,
    values: Vec<Value>,
}

impl Statement {
    /// Creates a statement. Its values are `$1`, `$2` and so on.
    pub(crate) fn new(sql: &'static str) -> Self {
        Self { sql: Cow::Borrowed(sql), values: Vec::new() }
    }

    /// Adds the next value.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds SQL.
    pub(crate) fn push(&mut self, sql: &'static str) {
        self.sql.to_mut().push_str(sql);
    }

    /// Adds the next value and its place.
    pub(crate) fn push_value(&mut self, value: impl Into<Value>) {
        self.values.push(value.into());
        let place = format!("${}", self.values.len());
        self.sql.to_mut().push_str(&place);
    }

    /// Adds values and their places, with commas between them.
    pub(crate) fn push_values<T: Into<Value>>(&mut self, values: impl IntoIterator<Item = T>) {
        for (place, value) in values.into_iter().enumerate() {
            if place > 0 {
                self.push(", ");
            }
            self.push_value(value);
        }
    }
}

/// The columns of a row.
pub(crate) struct Columns(Vec<Option<String>>);

impl Columns {
    /// Returns a column that is never null.
    pub(crate) fn text(&self, column: usize) -> Result<&str, StoreError> {
        let text = self.optional(column);
        text.ok_or_else(|| StoreError::Row(format!("column {column} is empty")))
    }

    /// Returns a column.
    pub(crate) fn optional(&self, column: usize) -> Option<&str> {
        self.0.get(column)?.as_deref()
    }
}

/// A function that takes each row.
pub(crate) type OnRow<'a> = &'a mut (dyn FnMut(Columns) -> Result<(), StoreError> + Send);

/// A connection to a database, in a transaction.
pub(crate) trait Connection: Send {
    /// Runs a statement that selects nothing.
    fn run(&mut self, statement: Statement) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Runs a statement, and hands over each row.
    fn each<'a>(
        &'a mut self,
        statement: Statement,
        on_row: OnRow<'a>,
    ) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// Returns all rows of a statement.
pub(crate) async fn all<T: Send>(
    db: &mut dyn Connection,
    statement: Statement,
    decode: impl Fn(Columns) -> Result<T, StoreError> + Send + Sync,
) -> Result<Vec<T>, StoreError> {
    let mut rows = Vec::new();
    let mut on_row = |columns| {
        rows.push(decode(columns)?);
        Ok(())
    };
    db.each(statement, &mut on_row).await?;
    Ok(rows)
}

/// Returns the first row of a statement, if there is one.
pub(crate) async fn first<T: Send>(
    db: &mut dyn Connection,
    statement: Statement,
    decode: impl Fn(Columns) -> Result<T, StoreError> + Send + Sync,
) -> Result<Option<T>, StoreError> {
    Ok(all(db, statement, decode).await?.into_iter().next())
}

macro_rules! connection {
    ($database:ty, $connection:ty) => {
        impl Connection for $connection {
            fn run(&mut self, statement: Statement) -> BoxFuture<'_, Result<(), StoreError>> {
                Box::pin(async move {
                    query::<$database>(statement).execute(&mut *self).await?;
                    Ok(())
                })
            }

            fn each<'a>(
                &'a mut self,
                statement: Statement,
                on_row: OnRow<'a>,
            ) -> BoxFuture<'a, Result<(), StoreError>> {
                Box::pin(async move {
                    let mut rows = query::<$database>(statement).fetch(&mut *self);
                    while let Some(row) = rows.try_next().await? {
                        let columns: Result<_, _> =
                            (0..row.len()).map(|column| row.try_get(column)).collect();
                        on_row(Columns(columns?))?;
                        tokio::task::consume_budget().await; // many rows take a while
                    }
                    Ok(())
                })
            }
        }
    };
}

#[cfg(feature = "sqlite")]
connection!(sqlx::Sqlite, sqlx::SqliteConnection);
#[cfg(feature = "postgres")]
connection!(sqlx::Postgres, sqlx::PgConnection);

fn query<DB: sqlx::Database + sqlx::database::HasStatementCache>(
    statement: Statement,
) -> sqlx::query::Query<'static, DB, DB::Arguments>
where
    Option<String>: sqlx::Type<DB> + for<'q> sqlx::Encode<'q, DB>,
    i64: sqlx::Type<DB> + for<'q> sqlx::Encode<'q, DB>,
{
    // The SQL is that of this crate: values from outside are bound.
    let is_fixed = matches!(statement.sql, Cow::Borrowed(_));
    let mut query = sqlx::query(AssertSqlSafe(statement.sql)).persistent(is_fixed);
    for value in statement.values {
        query = match value {
            Value::Text(text) => query.bind(text),
            Value::Integer(number) => query.bind(number),
        };
    }
    query
}

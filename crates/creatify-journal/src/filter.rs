//! Filters of entries in SQL.

use std::{mem, sync::Arc};

use chrono::{DateTime, Utc};
use creatify::journal::{Account, Entry, EntryState, Filter};
use tokio::task::spawn_blocking;

use crate::{
    connection::{Columns, Connection, Statement, StoreError},
    entries::decode,
    time::micros,
};

/// Largest number of jobs in a statement. More are looked for among all entries.
const MAX_JOBS: usize = 1000;
/// Number of rows that are decoded together.
const ROWS_AT_ONCE: usize = 500;

/// Reads the entries that a filter admits, oldest first, as they are at a time.
pub(crate) async fn select(
    db: &mut dyn Connection,
    account: &Account,
    filter: Filter,
    now: DateTime<Utc>,
) -> Result<Vec<Entry>, StoreError> {
    let statement = statement(account, &filter);
    let filter = Arc::new(filter);
    let mut decoding = Vec::new();
    let mut rows = Vec::new();
    let mut on_row = |columns| {
        rows.push(columns);
        if rows.len() == ROWS_AT_ONCE {
            // Beside reading, and not in an asynchronous task: many rows take a while.
            let (rows, filter) = (mem::take(&mut rows), filter.clone());
            decoding.push(spawn_blocking(move || admitted(&rows, &filter, now)));
        }
        Ok(())
    };
    db.each(statement, &mut on_row).await?;
    let mut entries = Vec::new();
    for decoded in decoding {
        let decoded = decoded.await.map_err(|error| StoreError::Row(error.to_string()))?;
        entries.append(&mut decoded?);
    }
    entries.append(&mut admitted(&rows, &filter, now)?);
    if let Some(latest) = filter.latest {
        entries.truncate(usize::try_from(latest).unwrap_or(usize::MAX));
        entries.reverse();
    }
    Ok(entries)
}

fn admitted(
    rows: &[Columns],
    filter: &Filter,
    now: DateTime<Utc>,
) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let entry = decode(row)?.at(now);
        if filter.admits(&entry) {
            entries.push(entry);
        }
    }
    Ok(entries)
}

/// Returns the statement for a filter. It selects too much rather than too little, latest first if
/// only the latest are asked for.
fn statement(account: &Account, filter: &Filter) -> Statement {
    let sql = "SELECT entry FROM creatify_entries WHERE account = $1";
    let mut statement = Statement::new(sql).bind(account.as_str());
    let mut is_exact = true;
    if let Some(states) = &filter.states {
        let has = |state| states.contains(&state);
        let mut stored: Vec<_> = states.iter().map(|state| state.as_str()).collect();
        // One whose lease has expired is unknown, and is stored as being sent.
        if has(EntryState::Unknown) && !has(EntryState::Sending) {
            stored.push(EntryState::Sending.as_str());
        }
        is_exact = has(EntryState::Unknown) == has(EntryState::Sending);
        if stored.is_empty() {
            statement.push(" AND 1 = 0");
        } else {
            statement.push(" AND state IN (");
            statement.push_values(stored);
            statement.push(")");
        }
    }
    match &filter.jobs {
        Some(jobs) if jobs.is_empty() => statement.push(" AND 1 = 0"),
        Some(jobs) if jobs.len() <= MAX_JOBS => {
            statement.push(" AND job_id IN (");
            statement.push_values(jobs.iter().map(ToString::to_string));
            statement.push(")");
        }
        Some(_) => is_exact = false,
        None => {}
    }
    if let Some(key) = &filter.key {
        statement.push(" AND \"key\" = ");
        statement.push_value(key.as_str());
    }
    if let Some(prefix) = &filter.prefix {
        let length = i64::try_from(prefix.chars().count()).unwrap_or(i64::MAX);
        for (before, column) in [(" AND (substr(", "\"key\""), (" OR substr(", "job_id")] {
            statement.push(before);
            statement.push(column);
            statement.push(", 1, CAST(");
            statement.push_value(length);
            statement.push(" AS INTEGER)) = ");
            statement.push_value(prefix.as_str());
        }
        statement.push(")");
    }
    if let Some(label) = &filter.label {
        statement.push(" AND label = ");
        statement.push_value(label.as_str());
    }
    if let Some(since) = filter.since {
        statement.push(" AND created_at >= ");
        statement.push_value(micros(since));
    }
    match filter.latest {
        None => statement.push(" ORDER BY seq"),
        Some(_) => statement.push(" ORDER BY seq DESC"),
    }
    if let Some(latest) = filter.latest.filter(|_| is_exact) {
        statement.push(" LIMIT ");
        statement.push_value(i64::from(latest));
    }
    statement
}

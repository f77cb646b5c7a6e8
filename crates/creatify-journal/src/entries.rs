//! Rows of entries.

use creatify::{
    JobId,
    credits::BillableOperation,
    journal::{
        Account, BudgetState, Entry, EntryId, EntryState, EntryWithRecord, Key, SubmissionRecord,
    },
};

use crate::{
    connection::{Columns, Connection, Statement, StoreError, all, first},
    time::micros,
};

/// Reads the account of an entry.
#[cfg(feature = "postgres")]
pub(crate) async fn account_of(
    db: &mut dyn Connection,
    id: EntryId,
) -> Result<Option<String>, StoreError> {
    let sql = "SELECT account FROM creatify_entries WHERE id = $1";
    let statement = Statement::new(sql).bind(id.to_string());
    first(db, statement, |columns| Ok(columns.text(0)?.to_owned())).await
}

/// Reads an entry and its request.
pub(crate) async fn by_id(
    db: &mut dyn Connection,
    id: EntryId,
) -> Result<Option<EntryWithRecord>, StoreError> {
    let sql = "SELECT entry, record FROM creatify_entries WHERE id = $1";
    first(db, Statement::new(sql).bind(id.to_string()), |columns| {
        let record = columns.optional(1).map(serde_json::from_str).transpose()?;
        Ok((decode(&columns)?, record))
    })
    .await
}

/// Reads the latest attempt with a key.
pub(crate) async fn latest(
    db: &mut dyn Connection,
    account: &Account,
    operation: BillableOperation,
    key: &Key,
) -> Result<Option<Entry>, StoreError> {
    let sql = "SELECT entry FROM creatify_entries \
               WHERE account = $1 AND operation = $2 AND \"key\" = $3 \
               ORDER BY attempt DESC LIMIT 1";
    let statement =
        Statement::new(sql).bind(account.as_str()).bind(operation.to_string()).bind(key.as_str());
    first(db, statement, |columns| decode(&columns)).await
}

/// Reads the renders of a job, oldest first.
pub(crate) async fn renders(
    db: &mut dyn Connection,
    account: &Account,
    job: JobId,
) -> Result<Vec<Entry>, StoreError> {
    let sql = "SELECT entry FROM creatify_entries \
               WHERE account = $1 AND job_id = $2 AND operation = $3 ORDER BY seq";
    let statement = Statement::new(sql)
        .bind(account.as_str())
        .bind(job.to_string())
        .bind(BillableOperation::Render.to_string());
    all(db, statement, |columns| decode(&columns)).await
}

/// Reads the entries that a budget may cover.
pub(crate) async fn of_budget(
    db: &mut dyn Connection,
    account: &Account,
    budget: &BudgetState,
) -> Result<Vec<Entry>, StoreError> {
    let sql = "SELECT entry FROM creatify_entries WHERE account = $1 AND created_at >= $2";
    let mut statement =
        Statement::new(sql).bind(account.as_str()).bind(micros(budget.period_start));
    if let Some(label) = &budget.budget.label {
        statement.push(" AND label = ");
        statement.push_value(label.as_str());
    }
    all(db, statement, |columns| decode(&columns)).await
}

/// Adds an entry.
pub(crate) async fn insert(
    db: &mut dyn Connection,
    entry: &Entry,
    record: &SubmissionRecord,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO creatify_entries \
               (id, account, operation, \"key\", attempt, label, state, job_id, created_at, \
               entry, record) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let statement = Statement::new(sql)
        .bind(entry.id.to_string())
        .bind(entry.account.as_str())
        .bind(entry.operation.to_string())
        .bind(entry.key.as_str())
        .bind(i64::from(entry.attempt))
        .bind(entry.label.clone())
        .bind(entry.state.as_str())
        .bind(entry.job_id.map(|job| job.to_string()))
        .bind(micros(entry.created_at))
        .bind(serde_json::to_string(entry)?)
        .bind(serde_json::to_string(record)?);
    db.run(statement).await
}

/// Replaces an entry, and its request if there is a new one. The request of a settled entry is
/// dropped; that of a released one may be needed once more, if its answer comes late.
pub(crate) async fn update(
    db: &mut dyn Connection,
    entry: &Entry,
    record: Option<&SubmissionRecord>,
) -> Result<(), StoreError> {
    let values = |sql| {
        Ok::<_, StoreError>(
            Statement::new(sql)
                .bind(entry.id.to_string())
                .bind(entry.state.as_str())
                .bind(entry.job_id.map(|job| job.to_string()))
                .bind(serde_json::to_string(entry)?),
        )
    };
    let statement = match record {
        _ if entry.state == EntryState::Settled => values(
            "UPDATE creatify_entries SET state = $2, job_id = $3, entry = $4, record = NULL \
             WHERE id = $1",
        )?,
        Some(record) => values(
            "UPDATE creatify_entries SET state = $2, job_id = $3, entry = $4, record = $5 \
             WHERE id = $1",
        )?
        .bind(serde_json::to_string(record)?),
        None => {
            values("UPDATE creatify_entries SET state = $2, job_id = $3, entry = $4 WHERE id = $1")?
        }
    };
    db.run(statement).await
}

/// Decodes the first column.
pub(crate) fn decode(columns: &Columns) -> Result<Entry, StoreError> {
    Ok(serde_json::from_str(columns.text(0)?)?)
}

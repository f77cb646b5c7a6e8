//! The transactions of a journal: reading what a change concerns, deciding, writing. Each runs in
//! one transaction that nothing else writes beside.

use std::time::Duration;

use chrono::{DateTime, Utc};
use creatify::{
    credits::BillableOperation,
    journal::{
        Account, Begun, Budget, BudgetState, Change, Changed, EntryId, FoundEntries, Lease,
        NewEntry, OwnerId,
    },
};

use crate::{
    budgets,
    connection::{Connection, StoreError},
    entries,
};

pub(crate) async fn begin(
    db: &mut dyn Connection,
    now: DateTime<Utc>,
    new: &NewEntry,
) -> Result<Begun, StoreError> {
    let latest = entries::latest(db, &new.account, new.operation, &new.key).await?;
    let renders = match (new.operation, new.job_id) {
        (BillableOperation::Render, Some(job)) => entries::renders(db, &new.account, job).await?,
        _ => Vec::new(),
    };
    let budgets = budgets::at(db, &new.account, now).await?;
    let planned = new.plan(FoundEntries { now, latest, renders, budgets });
    if let Some(entry) = &planned.entry {
        match &planned.result {
            Begun::Started(_) => entries::insert(db, entry, &new.record).await?,
            _ => entries::update(db, entry, None).await?,
        }
    }
    for state in &planned.budgets {
        budgets::count(db, &new.account, state).await?;
    }
    Ok(planned.result)
}

pub(crate) async fn renew(
    db: &mut dyn Connection,
    now: DateTime<Utc>,
    id: EntryId,
    owner: OwnerId,
    duration: Duration,
) -> Result<Option<Lease>, StoreError> {
    let Some((entry, _)) = entries::by_id(db, id).await? else { return Ok(None) };
    let Some((entry, lease)) = entry.renewed(owner, now, duration) else { return Ok(None) };
    entries::update(db, &entry, None).await?;
    Ok(Some(lease))
}

pub(crate) async fn change(
    db: &mut dyn Connection,
    now: DateTime<Utc>,
    id: EntryId,
    change: &Change,
) -> Result<Changed, StoreError> {
    let Some((entry, _)) = entries::by_id(db, id).await? else { return Ok(Changed::Missing) };
    let budgets = budgets::at(db, &entry.account, entry.created_at).await?;
    let planned = entry.plan(change, now, budgets);
    if let Some(entry) = &planned.entry {
        let record = match change {
            Change::Unknown { record, .. } => record.as_deref(),
            _ => None,
        };
        entries::update(db, entry, record).await?;
    }
    for state in &planned.budgets {
        budgets::count(db, &entry.account, state).await?;
    }
    Ok(planned.result)
}

pub(crate) async fn set_budget(
    db: &mut dyn Connection,
    now: DateTime<Utc>,
    account: &Account,
    budget: Budget,
) -> Result<BudgetState, StoreError> {
    let known = budgets::at(db, account, now).await?;
    let known = known.into_iter().find(|known| known.budget.name == budget.name);
    set(db, now, account, known, budget).await
}

pub(crate) async fn ensure_budget(
    db: &mut dyn Connection,
    now: DateTime<Utc>,
    account: &Account,
    budget: Budget,
) -> Result<BudgetState, StoreError> {
    let known = budgets::at(db, account, now).await?;
    match known.into_iter().find(|known| known.budget.name == budget.name) {
        Some(known) => Ok(known),
        None => set(db, now, account, None, budget).await,
    }
}

async fn set(
    db: &mut dyn Connection,
    now: DateTime<Utc>,
    account: &Account,
    known: Option<BudgetState>,
    budget: Budget,
) -> Result<BudgetState, StoreError> {
    let state = match known {
        Some(known) => known.set(budget, now),
        None => BudgetState::new(budget, now),
    };
    let entries = entries::of_budget(db, account, &state).await?;
    let state = state.recounted(&entries);
    budgets::put(db, account, &state).await?;
    Ok(state)
}

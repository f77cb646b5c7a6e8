//! Rows of budgets and their usage.

use chrono::{DateTime, Utc};
use creatify::{
    credits::Credits,
    journal::{Account, BudgetState},
};

use crate::{
    connection::{Connection, Statement, StoreError, all, first},
    time::micros,
};

/// Reads the budgets of an account in the period of a time, in the order of their names.
pub(crate) async fn at(
    db: &mut dyn Connection,
    account: &Account,
    time: DateTime<Utc>,
) -> Result<Vec<BudgetState>, StoreError> {
    let sql = "SELECT state FROM creatify_budgets WHERE account = $1";
    let mut budgets = all(db, Statement::new(sql).bind(account.as_str()), |columns| {
        Ok(serde_json::from_str::<BudgetState>(columns.text(0)?)?)
    })
    .await?;
    budgets.sort_by(|one, other| one.budget.name.cmp(&other.budget.name));
    let mut states = Vec::with_capacity(budgets.len());
    for budget in budgets {
        let state = budget.in_period_of(time);
        let (reserved, spent) = usage(db, account, &state).await?;
        states.push(state.with_usage(reserved, spent));
    }
    Ok(states)
}

async fn usage(
    db: &mut dyn Connection,
    account: &Account,
    state: &BudgetState,
) -> Result<(Credits, Credits), StoreError> {
    let sql = "SELECT reserved, spent FROM creatify_budget_usage \
               WHERE account = $1 AND name = $2 AND period_start = $3";
    let statement = Statement::new(sql)
        .bind(account.as_str())
        .bind(state.budget.name.as_str())
        .bind(micros(state.period_start));
    let usage = first(db, statement, |columns| {
        let amount = |column| {
            let text = columns.text(column)?;
            text.parse().map_err(|_| StoreError::Row(format!("`{text}` is not an amount")))
        };
        Ok((amount(0)?, amount(1)?))
    });
    Ok(usage.await?.unwrap_or_default())
}

/// Creates or replaces a budget.
pub(crate) async fn put(
    db: &mut dyn Connection,
    account: &Account,
    state: &BudgetState,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO creatify_budgets (account, name, state) VALUES ($1, $2, $3) \
               ON CONFLICT (account, name) DO UPDATE SET state = excluded.state";
    let statement = Statement::new(sql)
        .bind(account.as_str())
        .bind(state.budget.name.as_str())
        .bind(serde_json::to_string(state)?);
    db.run(statement).await?;
    count(db, account, state).await
}

/// Writes what is reserved and spent in a period.
pub(crate) async fn count(
    db: &mut dyn Connection,
    account: &Account,
    state: &BudgetState,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO creatify_budget_usage (account, name, period_start, reserved, spent) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account, name, period_start) \
               DO UPDATE SET reserved = excluded.reserved, spent = excluded.spent";
    let statement = Statement::new(sql)
        .bind(account.as_str())
        .bind(state.budget.name.as_str())
        .bind(micros(state.period_start))
        .bind(state.reserved.to_string())
        .bind(state.spent.to_string());
    db.run(statement).await
}

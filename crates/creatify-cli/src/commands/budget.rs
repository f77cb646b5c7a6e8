//! `budget`: spending limits of the journal, and what is left of them.

use chrono::{DateTime, Utc};
use creatify::{
    credits::Credits,
    journal::{Budget, BudgetState, Period},
};
use serde::Serialize;

use crate::{
    args::{self, BudgetSetting, SetBudget},
    error::CliError,
    output::{ResultText, layout, visible},
    session::Session,
};

#[derive(Serialize)]
struct Element {
    name: String,
    limit: Credits,
    period: Period,
    label: Option<String>,
    reserved: Credits,
    spent: Credits,
    available: Credits,
    period_start: DateTime<Utc>,
}

pub(crate) async fn budget(session: &Session, options: &args::Budget) -> Result<(), CliError> {
    let journal = session.journal().await?;
    if let Some(BudgetSetting::Set(SetBudget { name, credits, per, label })) = &options.set {
        let mut budget = Budget::new(name, *credits);
        if let Some(period) = per {
            budget = budget.per((*period).into());
        }
        if let Some(label) = label {
            budget = budget.label(label);
        }
        journal.set_budget(budget).await?;
    }
    let budgets = journal.budgets().await?;
    if budgets.is_empty() {
        session.output.note("there is no budget; set one with: creatify budget set NAME CREDITS");
    }
    let elements: Vec<_> = budgets.into_iter().map(element).collect();
    session.output.show(&elements, || ResultText {
        full: if elements.is_empty() { String::new() } else { table(&elements) },
        short: elements
            .iter()
            .map(|budget| visible(&budget.name).into_owned())
            .collect::<Vec<_>>()
            .join("\n"),
    })
}

fn element(state: BudgetState) -> Element {
    let available = state.available();
    let BudgetState { budget, reserved, spent, period_start, .. } = state;
    let Budget { name, limit, period, label, .. } = budget;
    Element { name, limit, period, label, reserved, spent, available, period_start }
}

fn table(budgets: &[Element]) -> String {
    let row = |budget: &Element| {
        vec![
            budget.name.clone(),
            budget.limit.to_string(),
            match budget.period {
                Period::Once => "once".to_owned(),
                period => format!("a {period}"),
            },
            budget.label.clone().unwrap_or_else(|| "(all)".to_owned()),
            budget.spent.to_string(),
            budget.reserved.to_string(),
            budget.available.to_string(),
        ]
    };
    let header = ["NAME", "LIMIT", "PERIOD", "LABEL", "SPENT", "RESERVED", "AVAILABLE"];
    layout::table(&header, &budgets.iter().map(row).collect::<Vec<_>>())
}

//! Command-line arguments, and where each value comes from.

mod command;
mod global;
mod journal;
mod listen;
mod parser;
mod submission;
mod timeouts;
mod values;

pub(crate) use command::{Command, DEMO_FILE, Download, Estimate, Sandbox};
pub(crate) use global::{Global, OutputFormat};
pub(crate) use journal::{
    Budget, BudgetSetting, Grouping, Jobs, Ledger, Reconcile, ReconcileBy, SetBudget,
};
pub(crate) use listen::Listen;
pub(crate) use parser::{Source, command, parse};
pub(crate) use submission::{Render, Submission, Template, Variables};
pub(crate) use values::{JobArg, Pair};

//! `cargo xtask spec`: openapi.yaml as a product of its own.

pub mod diff;
mod document;
mod drift;
pub mod lint;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Task {
    Diff(diff::Options),
    Drift(drift::Options),
    /// Check openapi.yaml by the rules of this repository (spec/rules.yaml) and of Redocly
    Lint(lint::Options),
}

pub fn run(task: &Task) -> Result<ExitCode> {
    match task {
        Task::Diff(options) => diff::run(options),
        Task::Drift(options) => return drift::run(options), // it has an exit code for what it found
        Task::Lint(options) => lint::run(options),
    }?;
    Ok(ExitCode::SUCCESS)
}

//! `cargo xtask spec`: checks, comparisons and documentation of openapi.yaml.

pub mod diff;
pub mod docs;
mod document;
mod drift;
pub mod lint;
pub mod prism;
pub mod schemathesis;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Task {
    Diff(diff::Options),
    Drift(drift::Options),
    /// Check openapi.yaml with the rules of spec/rules.yaml and of Redocly
    Lint(lint::Options),
    /// Build the reference, target/docs/reference.html, and check it in a browser
    Docs,
    /// Send the sandbox generated requests, valid and invalid, with schemathesis
    Schemathesis(schemathesis::Options),
    /// Run the command against Prism, as a mock service and as a proxy before the sandbox
    Prism,
}

pub fn run(task: &Task) -> Result<ExitCode> {
    match task {
        Task::Diff(options) => diff::run(options),
        Task::Drift(options) => return drift::run(options), // has exit codes of its own
        Task::Lint(options) => lint::run(options),
        Task::Docs => docs::run(),
        Task::Prism => prism::run(),
        Task::Schemathesis(options) => schemathesis::run(options),
    }?;
    Ok(ExitCode::SUCCESS)
}

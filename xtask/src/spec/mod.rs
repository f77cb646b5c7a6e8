//! `cargo xtask spec`: openapi.yaml as a product of its own.

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
    /// Check openapi.yaml by the rules of this repository (spec/rules.yaml) and of Redocly
    Lint(lint::Options),
    /// Build the reference as one page, target/docs/reference.html, and look at it in a browser
    Docs,
    /// Send the sandbox what openapi.yaml allows and forbids, with schemathesis
    Schemathesis(schemathesis::Options),
    /// Let Prism, which knows openapi.yaml alone, stand for the service, and between the command and the sandbox
    Prism,
}

pub fn run(task: &Task) -> Result<ExitCode> {
    match task {
        Task::Diff(options) => diff::run(options),
        Task::Drift(options) => return drift::run(options), // it has an exit code for what it found
        Task::Lint(options) => lint::run(options),
        Task::Docs => docs::run(),
        Task::Prism => prism::run(),
        Task::Schemathesis(options) => schemathesis::run(options),
    }?;
    Ok(ExitCode::SUCCESS)
}

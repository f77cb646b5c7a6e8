//! `cargo xtask spec`: openapi.yaml as a product of its own.

pub mod docs;
pub mod fuzz;
pub mod lint;
pub mod prism;

use anyhow::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Task {
    /// Check openapi.yaml by the rules of this repository (spec/rules.yaml) and of Redocly
    Lint(lint::Options),
    /// Build the reference as one page, target/docs/reference.html, and look at it in a browser
    Docs,
    /// Send the sandbox what openapi.yaml allows and forbids, with schemathesis
    Fuzz(fuzz::Options),
    /// Let Prism, which knows openapi.yaml alone, stand for the service, and between the command and the sandbox
    Prism,
}

pub fn run(task: &Task) -> Result<()> {
    match task {
        Task::Lint(options) => lint::run(options),
        Task::Docs => docs::run(),
        Task::Prism => prism::run(),
        Task::Fuzz(options) => fuzz::run(options),
    }
}

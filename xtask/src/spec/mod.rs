//! `cargo xtask spec`: openapi.yaml as a product of its own.

pub mod lint;

use anyhow::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Task {
    /// Check openapi.yaml by the rules of this repository (spec/rules.yaml) and of Redocly
    Lint(lint::Options),
}

pub fn run(task: &Task) -> Result<()> {
    match task {
        Task::Lint(options) => lint::run(options),
    }
}

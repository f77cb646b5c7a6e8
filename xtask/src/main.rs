//! Maintenance of this repository. `cargo xtask --help` lists the tasks.

mod bench;
mod ci;
mod regen;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Maintenance of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measure requests, delay, memory and work, beside what other clients do
    Bench(bench::Options),
    /// Run what CI runs, step by step
    Ci(ci::Options),
    /// Show what a change of openapi.yaml does to the generated surface
    Regen(regen::Options),
}

fn main() -> ExitCode {
    let result = match Args::parse().task {
        Task::Bench(options) => bench::run(&options),
        Task::Ci(options) => ci::run(&options),
        Task::Regen(options) => regen::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! Maintenance of this repository. `cargo xtask --help` lists the tasks.

mod ci;
mod fuzz;
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
    /// Run what CI runs, step by step
    Ci(ci::Options),
    /// Look for inputs that break a promise, with the fuzz targets
    Fuzz(fuzz::Options),
    /// Show what a change of openapi.yaml does to the generated surface
    Regen(regen::Options),
}

fn main() -> ExitCode {
    let result = match Args::parse().task {
        Task::Ci(options) => ci::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
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

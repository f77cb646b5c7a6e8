//! Maintenance of this repository. `cargo xtask --help` lists the tasks.

mod ci;
mod interop;
mod regen;
mod sandbox;
mod spec;
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
    /// Show what a change of openapi.yaml does to the generated surface
    Regen(regen::Options),
    /// Generate, check and run the clients of other languages
    Interop(interop::Options),
    /// Look after openapi.yaml as a product of its own
    #[command(subcommand)]
    Spec(spec::Task),
}

fn main() -> ExitCode {
    let result = match Args::parse().task {
        Task::Ci(options) => ci::run(&options),
        Task::Regen(options) => regen::run(&options),
        Task::Interop(options) => interop::run(&options),
        Task::Spec(task) => spec::run(&task),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

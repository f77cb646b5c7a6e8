//! Maintenance tasks of this repository. `cargo xtask --help` lists them.

mod bench;
mod ci;
mod fuzz;
mod interop;
mod prepared;
mod process;
mod regen;
mod sandbox;
mod spec;
mod surface;
mod tools;
mod words;
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
    /// Measure requests, delay, memory and CPU time, beside other ways to wait
    Bench(bench::Options),
    /// Run the checks of CI, step by step
    Ci(ci::Options),
    /// Run the fuzz targets
    Fuzz(fuzz::Options),
    /// Show the effect of a change of openapi.yaml on the generated surface
    Regen(regen::Options),
    /// Generate, check and run the clients of other languages
    Interop(interop::Options),
    /// Check, compare and document openapi.yaml
    #[command(subcommand)]
    Spec(spec::Task),
}

fn main() -> ExitCode {
    let result = match Args::parse().task {
        Task::Bench(options) => bench::run(&options).map(|()| ExitCode::SUCCESS),
        Task::Ci(options) => ci::run(&options).map(|()| ExitCode::SUCCESS),
        Task::Fuzz(options) => fuzz::run(&options).map(|()| ExitCode::SUCCESS),
        Task::Regen(options) => regen::run(&options).map(|()| ExitCode::SUCCESS),
        Task::Interop(options) => interop::run(&options).map(|()| ExitCode::SUCCESS),
        Task::Spec(task) => spec::run(&task),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

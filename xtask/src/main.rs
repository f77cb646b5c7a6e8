//! Maintenance of this repository. `cargo xtask --help` lists the tasks.

mod bench;
mod ci;
mod fuzz;
mod interop;
mod prepared;
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
    /// Measure requests, delay, memory and work, beside what other clients do
    Bench(bench::Options),
    /// Run what CI runs, step by step
    Ci(ci::Options),
    /// Look for inputs that break a promise, with the fuzz targets
    Fuzz(fuzz::Options),
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

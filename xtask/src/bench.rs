//! `cargo xtask bench`: requests, delay, memory and CPU time of waiting, as a table and a plot.

use std::{
    collections::BTreeSet,
    fs,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::Args;

use crate::{
    process::{quiet, stdout},
    workspace::{cargo, root},
};

#[derive(Args)]
pub struct Options {
    /// Copy the report to docs/
    #[arg(long)]
    update: bool,
}

const FOLDER: &str = "target/bench";
const FILES: [&str; 2] = ["waiting.md", "waiting.svg"];

pub fn run(options: &Options) -> Result<()> {
    let folder = root().join(FOLDER);
    let mut bench =
        cargo(&["bench", "--quiet", "-p", "creatify-tests", "--bench", "waiting", "--", "report"]);
    bench.arg(&folder);
    quiet(bench)?;
    let measured =
        fs::read_to_string(folder.join("waiting.md")).context("the benchmark left no report")?;
    let report = format!("{}\n{measured}\n{}", head()?, build()?);
    fs::write(folder.join("waiting.md"), &report)?;
    println!("{report}\n{FOLDER}/waiting.svg has the plot");
    if options.update {
        for file in FILES {
            fs::copy(folder.join(file), root().join("docs").join(file))?;
        }
    }
    Ok(())
}

/// Returns the title, with date and machine.
fn head() -> Result<String> {
    let mut date = Command::new("date");
    date.args(["-u", "+%Y-%m-%d"]);
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split(':').nth(1))
        .unwrap_or("unknown")
        .trim();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(format!(
        "# Waiting: requests, delay and memory\n\nMeasured on {} by `cargo xtask bench --update`, on {cores} cores ({processor}),\n{}, optimized.\n",
        stdout(date)?.trim(),
        stdout(cargo(&["--version"]))?.trim()
    ))
}

/// Measures a cold build of a crate that depends on `creatify` alone, and counts its dependencies.
fn build() -> Result<String> {
    let folder = tempfile::tempdir()?;
    let creatify = root().join("crates/creatify");
    fs::create_dir(folder.path().join("src"))?;
    fs::write(
        folder.path().join("src/main.rs"),
        "fn main() {\n    println!(\"{}\", creatify::DEFAULT_BASE_URL);\n}\n",
    )?;
    fs::write(
        folder.path().join("Cargo.toml"),
        format!(
            "[package]\nname = \"user\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\ncreatify = {{ path = {creatify:?} }}\n\n[workspace]\n"
        ),
    )?;
    fs::copy(root().join("Cargo.lock"), folder.path().join("Cargo.lock"))?;
    let of_user = |arguments: &[&str]| {
        let mut command = cargo(arguments);
        command.current_dir(folder.path()).env("CARGO_TARGET_DIR", folder.path().join("target"));
        command
    };
    quiet(of_user(&["fetch", "--quiet"]))?;
    let tree = ["tree", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--no-dedupe"];
    let tree = stdout(of_user(&tree))?;
    let crates: BTreeSet<_> = tree.lines().collect();
    let began = Instant::now();
    quiet(of_user(&["build", "--quiet"]))?;
    let took: Duration = began.elapsed();
    Ok(format!(
        "## Build\n\nA cold development build of a crate that depends on `creatify` alone takes {:.0} s\nand compiles {} crates besides its own.\n",
        took.as_secs_f64(),
        crates.len().saturating_sub(1)
    ))
}

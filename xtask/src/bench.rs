//! `cargo xtask bench`: how few requests, how little delay, memory and work? Everything side by side, in one run, as a table and a plot.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::{
    ci::{output, quiet},
    workspace::{cargo, root},
};

#[derive(Args)]
pub struct Options {
    /// Take the report over into docs/
    #[arg(long)]
    update: bool,
}

const FOLDER: &str = "target/bench";
const FILES: [&str; 2] = ["waiting.md", "waiting.svg"];

pub fn run(options: &Options) -> Result<()> {
    let folder = root().join(FOLDER);
    let mut bench =
        cargo(&["bench", "--quiet", "-p", "creatify-tests", "--bench", "waiting", "--", "report"]);
    quiet({
        bench.arg(&folder);
        bench
    })?;
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

/// When and on what it was run.
fn head() -> Result<String> {
    let said = |mut command: Command| {
        Ok::<_, anyhow::Error>(
            String::from_utf8_lossy(&output(&mut command)?.stdout).trim().to_owned(),
        )
    };
    let date = said({
        let mut date = Command::new("date");
        date.args(["-u", "+%Y-%m-%d"]);
        date
    })?;
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split(':').nth(1))
        .unwrap_or("unknown")
        .trim();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(format!(
        "# How well it waits\n\nMeasured on {date} by `cargo xtask bench --update`, on {cores} cores ({processor}), {}, optimized.\n",
        said(cargo(&["--version"]))?
    ))
}

/// A cold build of a crate that depends on `creatify` alone, and how much it brings.
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
    let tree = output(&mut of_user(&[
        "tree", "--edges", "normal", "--prefix", "none", "--format", "{p}",
    ]))?;
    ensure!(tree.status.success(), "cargo tree failed");
    let mut crates: Vec<_> = String::from_utf8_lossy(&tree.stdout)
        .lines()
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        .collect();
    crates.sort_unstable();
    crates.dedup();
    let began = Instant::now();
    quiet(of_user(&["build", "--quiet"]))?;
    let took: Duration = began.elapsed();
    Ok(format!(
        "## Build\n\nA cold development build of a crate that depends on `creatify` alone takes {:.0} s; it brings {} crates, itself not counted.\n",
        took.as_secs_f64(),
        crates.len().saturating_sub(1)
    ))
}

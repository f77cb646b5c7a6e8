//! `cargo xtask fuzz`: the fuzz targets of `fuzz/`, each from its seeds.
//!
//! The stable toolchain is enough: rustc has the coverage flags, and the sanitizers, which are not
//! stable, look for errors in unsafe code, which these crates forbid.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::{
    process::{output, quiet},
    tools,
    workspace::{cargo, root},
};

#[derive(Args)]
pub struct Options {
    /// Run only these targets
    targets: Vec<String>,
    /// Seconds for each target
    #[arg(long, default_value_t = 600)]
    seconds: u32,
}

/// Long enough for every seed and some thousand variations.
const SECONDS_IN_CI: u32 = 5;
/// Seconds after which an input counts as a failure.
const SLOWEST_SECONDS: u32 = 20;

pub fn run(options: &Options) -> Result<()> {
    let known = targets()?;
    for target in &options.targets {
        ensure!(
            known.contains(target),
            "there is no target `{target}`; there are {}",
            known.join(", ")
        );
    }
    build()?;
    for target in
        known.iter().filter(|target| options.targets.is_empty() || options.targets.contains(target))
    {
        println!("{target:14} {}", fuzz(target, options.seconds)?);
    }
    Ok(())
}

/// Runs every target briefly.
pub fn smoke() -> Result<()> {
    quiet(cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))?;
    build()?;
    targets()?.iter().try_for_each(|target| fuzz(target, SECONDS_IN_CI).map(|_| ()))
}

/// Lists the targets: one for each folder of seeds.
fn targets() -> Result<Vec<String>> {
    let mut targets = Vec::new();
    for folder in fs::read_dir(root().join("fuzz/seeds"))? {
        targets.push(folder?.file_name().to_string_lossy().into_owned());
    }
    targets.sort();
    Ok(targets)
}

fn build() -> Result<()> {
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    tools::version(
        &compiler.to_string_lossy(),
        "--version",
        "libFuzzer needs a C++ compiler: install g++ or clang++, or set CXX",
    )?;
    quiet(cargo_fuzz("build")?)
}

/// Runs one target and returns the number of inputs and the coverage.
fn fuzz(target: &str, seconds: u32) -> Result<String> {
    let folder = |name: &str| -> Result<PathBuf> {
        let folder = root().join("target/fuzz").join(name).join(target);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    };
    let (found, corpus) = (folder("found")?, folder("corpus")?);
    let mut run = cargo_fuzz("run")?;
    run.arg(target).arg(corpus).arg(root().join("fuzz/seeds").join(target)).arg("--");
    run.arg(format!("-max_total_time={seconds}")).arg(format!("-timeout={SLOWEST_SECONDS}"));
    run.arg(format!("-artifact_prefix={}/", found.display()));
    let output = output(&mut run)?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{target} failed; the input is in {}\n{text}", found.display());
    }
    let done = text.lines().rev().find_map(|line| line.split_once("DONE"));
    let (runs, rest) = done.with_context(|| format!("{target} did not finish\n{text}"))?;
    let coverage = rest.split_whitespace().skip_while(|word| *word != "cov:").nth(1).unwrap_or("?");
    Ok(format!("{} inputs, coverage {coverage}", runs.trim().trim_start_matches('#')))
}

fn cargo_fuzz(command_name: &str) -> Result<Command> {
    let mut command = Command::new(tools::cargo_fuzz()?);
    command
        .args(["fuzz", command_name, "--sanitizer", "none", "--target-dir"])
        .arg(root().join("target/fuzz"))
        .current_dir(root());
    Ok(command)
}

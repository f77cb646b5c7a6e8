//! `cargo xtask fuzz`: does any input break a promise? Runs the targets of `fuzz/`, each from its seeds.
//!
//! Nothing but the stable toolchain is needed: coverage comes from flags of stable rustc, and the sanitizers, which are not stable, look for
//! mistakes in unsafe code, of which these crates have none.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::{
    ci::quiet,
    tools,
    workspace::{cargo, root, typed},
};

#[derive(Args)]
pub struct Options {
    /// Only these targets
    targets: Vec<String>,
    /// How long to run each
    #[arg(long, default_value_t = 600)]
    seconds: u32,
}

/// Enough to try every seed and some thousand inputs around it.
const SECONDS_IN_CI: u32 = 5;
/// An input that takes longer is a finding.
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

/// Every target for a moment.
pub fn smoke() -> Result<()> {
    quiet(cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))?;
    build()?;
    targets()?.iter().try_for_each(|target| fuzz(target, SECONDS_IN_CI).map(|_| ()))
}

/// One for each folder of seeds.
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
    let there = Command::new(&compiler)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    ensure!(
        there.is_ok_and(|status| status.success()),
        "libFuzzer is built with a C++ compiler: install g++ or clang++, or set CXX"
    );
    quiet(cargo_fuzz("build")?)
}

/// Runs one target; what it came to in libFuzzer's words.
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
    let output = run.output().with_context(|| format!("`{}` cannot be run", typed(&run)))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{target} found something; the input is in {}\n{text}", found.display());
    }
    let done = text.lines().rev().find_map(|line| line.split_once("DONE"));
    let (runs, rest) = done.with_context(|| format!("{target} did not run to its end\n{text}"))?;
    let coverage = rest.split_whitespace().skip_while(|word| *word != "cov:").nth(1).unwrap_or("?");
    Ok(format!("{} inputs, coverage {coverage}", runs.trim().trim_start_matches('#')))
}

fn cargo_fuzz(what: &str) -> Result<Command> {
    let mut command = Command::new(tools::cargo_fuzz()?);
    command
        .args(["fuzz", what, "--sanitizer", "none", "--target-dir"])
        .arg(root().join("target/fuzz"))
        .current_dir(root());
    Ok(command)
}

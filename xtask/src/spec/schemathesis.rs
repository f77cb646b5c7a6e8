//! `cargo xtask spec schemathesis`: generated requests to the sandbox, checked by openapi.yaml.

use std::fs;

use anyhow::Result;
use clap::Args;

use crate::{process::quiet, sandbox::Sandbox, tools, workspace::root};

#[derive(Args)]
pub struct Options {
    /// Number of examples for each operation
    #[arg(long, default_value_t = EXAMPLES)]
    examples: u32,
    /// Seed of the generator
    #[arg(long, default_value_t = SEED)]
    seed: u64,
}

const EXAMPLES: u32 = 100;
const SEED: u64 = 1;

pub fn run(options: &Options) -> Result<()> {
    fuzz(options)?;
    println!("the sandbox follows openapi.yaml");
    Ok(())
}

/// Runs the default number of examples, for CI.
pub fn check() -> Result<()> {
    fuzz(&Options { examples: EXAMPLES, seed: SEED })
}

fn fuzz(options: &Options) -> Result<()> {
    // Fast and with many credits, so that few requests end at an unfinished job or an empty
    // account.
    let sandbox = Sandbox::start(&["--speed", "100000", "--credits", "1000000"])?;
    let notes = root().join("target/schemathesis"); // keeps its findings
    fs::create_dir_all(&notes)?;
    let mut schemathesis = tools::python("schemathesis")?;
    schemathesis
        .current_dir(notes)
        .env("PYTHONPATH", root().join("spec"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    schemathesis
        .arg("--config-file")
        .arg(root().join("spec/schemathesis.toml"))
        .args(["run", "--no-color"]);
    schemathesis.arg(root().join("openapi.yaml")).args(["--url", sandbox.url()]);
    for (header, variable) in [("X-API-ID", "CREATIFY_API_ID"), ("X-API-KEY", "CREATIFY_API_KEY")] {
        schemathesis.arg("--header").arg(format!("{header}: {}", sandbox.variable(variable)));
    }
    schemathesis.arg("--max-examples").arg(options.examples.to_string());
    schemathesis.arg("--seed").arg(options.seed.to_string());
    quiet(schemathesis)
}

//! `cargo xtask spec schemathesis`: does the sandbox do what openapi.yaml says, also with requests that nobody would think of?

use std::fs;

use anyhow::Result;
use clap::Args;

use crate::{ci::quiet, sandbox::Sandbox, tools, workspace::root};

#[derive(Args)]
pub struct Options {
    /// Examples for each operation
    #[arg(long, default_value_t = EXAMPLES)]
    examples: u32,
    /// The same seed makes the same requests
    #[arg(long, default_value_t = SEED)]
    seed: u64,
}

const EXAMPLES: u32 = 100;
const SEED: u64 = 1;

pub fn run(options: &Options) -> Result<()> {
    fuzz(options)?;
    println!("the sandbox keeps to openapi.yaml");
    Ok(())
}

/// What CI runs.
pub fn check() -> Result<()> {
    fuzz(&Options { examples: EXAMPLES, seed: SEED })
}

fn fuzz(options: &Options) -> Result<()> {
    // Fast and rich, so that requests get further than to a job that is not ready, or to an empty account.
    let sandbox = Sandbox::start(&["--speed", "100000", "--credits", "1000000"])?;
    let notes = root().join("target/schemathesis"); // it writes down what it found
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

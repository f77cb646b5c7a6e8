//! `cargo xtask interop`: the clients of `clients/` in other languages, generated from
//! `openapi.yaml`, type-checked and run against the sandbox.

mod go;
mod program;
mod python;
mod typescript;

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::{
    process::stdout,
    sandbox::Sandbox,
    tools,
    workspace::{root, tracked},
};

#[derive(Args)]
pub struct Options {
    /// Only these languages
    languages: Vec<Language>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    Typescript,
    Python,
    Go,
}

pub fn run(options: &Options) -> Result<()> {
    let wanted =
        |language: &&Language| options.languages.is_empty() || options.languages.contains(language);
    let started = Instant::now();
    for language in Language::value_variants().iter().filter(wanted) {
        if *language == Language::Go && tools::version("go", "version", "").is_err() {
            println!(
                "skipped  go: install Go 1.19 or newer to run it (Debian: apt-get install golang-go)"
            );
            continue;
        }
        prove(*language).with_context(|| format!("{language:?}"))?;
    }
    println!("total {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// Runs the languages of CI.
pub fn check() -> Result<()> {
    prove(Language::Typescript)?;
    prove(Language::Python)
}

/// Files that all programs share.
const SHARED: [&str; 2] = ["clients/credit-rates.json", "clients/estimates.json"];
/// A template of the sandbox and of the examples in openapi.yaml.
const TEMPLATE: &str = "3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10";

/// Lines that each program must print.
const PRINTED: [&str; 5] = [
    "status archived", // an unknown status does not end the wait
    "status done",
    "preview http",
    "refused with 401: Invalid API credentials.",
    "refused with 400: template_id: ",
];

fn prove(language: Language) -> Result<()> {
    let began = Instant::now();
    let folder = fresh(language)?;
    let mut programs = match language {
        Language::Typescript => typescript::build(&folder)?,
        Language::Python => python::build(&folder)?,
        Language::Go => go::build(&folder)?,
    };
    let built = began.elapsed();

    programs.check_estimates.args(SHARED.map(|file| root().join(file)));
    let estimates = stdout(programs.check_estimates)?;
    ensure!(estimates.contains("estimates are equal"), "{estimates}");

    let sandbox = Sandbox::start(&["--speed", "400", "--faults", "clients/faults.yaml"])?;
    programs.preview.arg(TEMPLATE).arg(root().join(SHARED[0]));
    sandbox.configure(&mut programs.preview);
    let printed = stdout(programs.preview)?;
    for line in PRINTED {
        ensure!(printed.contains(line), "not printed: {line}\n{printed}");
    }
    let ran = began.elapsed() - built;
    println!(
        "ok  {:10} built in {}, ran in {}; {}",
        format!("{language:?}").to_lowercase(),
        seconds(built),
        seconds(ran),
        estimates.trim()
    );
    Ok(())
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// Copies the tracked files of a client, to generate and build there.
fn fresh(language: Language) -> Result<PathBuf> {
    let source = format!("clients/{}", format!("{language:?}").to_lowercase());
    let folder = root().join("target/interop").join(&source);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    for file in tracked(&source)? {
        let target = root().join("target/interop").join(&file);
        fs::create_dir_all(target.parent().unwrap_or(&folder))?;
        fs::copy(root().join(file), target)?;
    }
    Ok(folder)
}

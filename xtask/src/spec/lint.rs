//! `cargo xtask spec lint`: the rules of openapi.yaml, by Spectral and Redocly.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Deserialize;

use crate::{process::quiet, tools, workspace::root};

#[derive(Args)]
pub struct Options {
    /// Check that each rule of spec/rules.yaml finds its breakages in spec/breakages.yaml
    #[arg(long)]
    self_test: bool,
}

pub fn run(options: &Options) -> Result<()> {
    if options.self_test {
        self_test()?;
        println!("each rule finds its breakages, and no others");
    } else {
        lint()?;
        println!("openapi.yaml follows every rule");
    }
    Ok(())
}

/// Runs both, for CI.
pub fn check() -> Result<()> {
    lint()?;
    self_test()
}

/// Fails on any problem, down to hints.
fn lint() -> Result<()> {
    let mut spectral = tools::node("spectral")?;
    spectral.args(
        "lint --quiet --fail-severity hint --ruleset spec/rules.yaml openapi.yaml".split(' '),
    );
    quiet(spectral)?;
    let mut redocly = tools::node("redocly")?;
    redocly.args(["lint", "--format", "stylish", "--config", "spec/redocly.yaml", "openapi.yaml"]);
    quiet(redocly)
}

/// A text of openapi.yaml, and a replacement that breaks a rule.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Breakage {
    rule: String,
    replace: String,
    with: String,
}

#[derive(Deserialize)]
struct Rules {
    rules: BTreeMap<String, serde_json::Value>,
}

/// A problem that a breakage may cause besides.
const UNUSED: &str = "oas3-unused-component";

/// A problem that Spectral reports.
#[derive(Deserialize)]
struct Problem {
    code: String,
    source: String,
}

/// Breaks copies of openapi.yaml and runs Spectral on all of them.
fn self_test() -> Result<()> {
    let openapi = fs::read_to_string(root().join("openapi.yaml"))?;
    let breakages: Vec<Breakage> = read("spec/breakages.yaml")?;
    let copies = tempfile::tempdir()?;
    let mut expected = BTreeMap::new();
    for (number, Breakage { rule, replace, with }) in breakages.iter().enumerate() {
        ensure!(
            openapi.matches(replace.as_str()).count() == 1,
            "breakage of {rule}: this text must occur exactly once:\n{replace}"
        );
        let name = format!("{number:02}.yaml");
        fs::write(copies.path().join(&name), openapi.replace(replace.as_str(), with))?;
        expected.insert(name, BTreeSet::from([rule.clone()]));
    }

    let mut spectral = tools::node("spectral")?;
    spectral.args(["lint", "--quiet", "--format", "json", "--ruleset", "spec/rules.yaml"]);
    spectral.args(expected.keys().map(|name| copies.path().join(name)));
    let output = spectral.output()?;
    let problems: Vec<Problem> = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("Spectral failed: {}", String::from_utf8_lossy(&output.stderr)))?;
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for Problem { code, source } in problems.into_iter().filter(|problem| problem.code != UNUSED) {
        let name = Path::new(&source)
            .file_name()
            .context("a problem is in a file")?
            .to_string_lossy()
            .into_owned();
        found.entry(name).or_default().insert(code);
    }
    for (number, breakage) in breakages.iter().enumerate() {
        let name = format!("{number:02}.yaml");
        ensure!(
            expected.get(&name) == found.get(&name),
            "breakage of {}: found {:?}\n{}",
            breakage.rule,
            found.get(&name),
            breakage.replace
        );
    }

    // Our own rules have a definition, others only a severity.
    let rules: Rules = read("spec/rules.yaml")?;
    let ours = rules.rules.iter().filter(|(_, definition)| definition.is_object());
    let unseen: Vec<_> = ours
        .map(|(name, _)| name)
        .filter(|name| !breakages.iter().any(|breakage| breakage.rule == **name))
        .collect();
    ensure!(unseen.is_empty(), "no breakage for: {unseen:?}");
    Ok(())
}

fn read<T: serde::de::DeserializeOwned>(file: &str) -> Result<T> {
    let text = fs::read_to_string(root().join(file)).context(file.to_owned())?;
    serde_saphyr::from_str(&text).context(file.to_owned())
}

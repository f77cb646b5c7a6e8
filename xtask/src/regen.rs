//! `cargo xtask regen`: what does a change of `openapi.yaml` do to the generated surface? Type by type, before it is accepted.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use similar::TextDiff;

use crate::workspace::{cargo, root};

#[derive(Args)]
pub struct Options {
    /// Take the changes over into the snapshots, after review
    #[arg(long)]
    accept: bool,
    /// Prove on a copy of the workspace that an added field and enum value change exactly their snapshots
    #[arg(long, conflicts_with = "accept")]
    self_test: bool,
}

const SNAPSHOTS: &str = "tests/snapshots";

/// What a change does to one snapshot.
#[derive(Debug)]
enum Change {
    New(String),
    Changed(String),
    Gone,
}

pub fn run(options: &Options) -> Result<()> {
    if options.self_test {
        self_test()?;
        println!("an added field and enum value change exactly their snapshots");
        return Ok(());
    }
    let changes = changes(&root(), None)?;
    if changes.is_empty() {
        println!("the generated surface is unchanged");
        return Ok(());
    }
    for (name, change) in &changes {
        match change {
            Change::New(diff) => println!("new      {name}\n{diff}"),
            Change::Gone => println!("gone     {name}"),
            Change::Changed(diff) => println!("changed  {name}\n{diff}"),
        }
    }
    if !options.accept {
        bail!("{} snapshots would change; after review: cargo xtask regen --accept", changes.len());
    }
    for (name, change) in &changes {
        let snapshot = root().join(SNAPSHOTS).join(name);
        match change {
            Change::Gone => fs::remove_file(&snapshot)?,
            Change::New(_) | Change::Changed(_) => {
                fs::write(&snapshot, reviewed(&pending(&snapshot))?)?;
                fs::remove_file(pending(&snapshot))?;
            }
        }
    }
    println!("{} snapshots updated", changes.len());
    Ok(())
}

/// Builds and compares, and leaves what would change beside the snapshots.
fn changes(root: &Path, target: Option<&Path>) -> Result<Vec<(String, Change)>> {
    let folder = root.join(SNAPSHOTS);
    for file in files(&folder)?.into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "new")) {
        fs::remove_file(file)?;
    }
    let mut test = cargo(&["test", "--quiet", "-p", "creatify-tests", "--test", "generated_types", "--no-fail-fast"]);
    test.current_dir(root).env("INSTA_UPDATE", "new").env("INSTA_FORCE_PASS", "0").env("INSTA_WORKSPACE_ROOT", root);
    if let Some(target) = target {
        test.env("CARGO_TARGET_DIR", target);
    }
    let output = test.output().context("cargo test cannot be run")?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !said.contains("test result:") {
        bail!("{}\nthe workspace does not compile with the changed surface", String::from_utf8_lossy(&output.stderr));
    }
    let mut changes = Vec::new();
    for file in files(&folder)? {
        let name = |file: &Path| file.strip_prefix(&folder).unwrap_or(file).display().to_string();
        if file.extension().is_some_and(|extension| extension == "new") {
            let snapshot = file.with_extension("");
            let after = reviewed(&file)?;
            let change = match fs::read_to_string(&snapshot) {
                Ok(before) => Change::Changed(diff(&before, &after)),
                Err(_) => Change::New(diff("", &after)),
            };
            changes.push((name(&snapshot), change));
        } else if said.contains(&format!("{} is of a type that is gone", name(&file))) {
            changes.push((name(&file), Change::Gone));
        }
    }
    ensure!(output.status.success() || !changes.is_empty(), "{said}\nthe tests of the generated surface failed");
    Ok(changes)
}

fn pending(snapshot: &Path) -> PathBuf {
    let mut name = snapshot.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// A pending snapshot as it is kept: without the line of the assertion, which changes with every edit of the tests.
fn reviewed(pending: &Path) -> Result<String> {
    let text = fs::read_to_string(pending)?;
    let lines = text.split_inclusive('\n').enumerate();
    Ok(lines.filter(|(number, line)| *number > 4 || !line.starts_with("assertion_line:")).map(|(_, line)| line).collect())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { files.extend(self::files(&path)?) } else { files.push(path) }
    }
    files.sort();
    Ok(files)
}

fn diff(before: &str, after: &str) -> String {
    TextDiff::from_lines(before, after).unified_diff().context_radius(2).to_string()
}

/// Adds an optional field and an enum value in a copy of the workspace: the build must pick both up, and exactly the snapshots that they
/// touch must change.
pub fn self_test() -> Result<()> {
    let copy = tempfile::tempdir()?;
    let listed =
        Command::new("git").args(["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(root()).output()?;
    ensure!(listed.status.success(), "git ls-files failed");
    for file in String::from_utf8(listed.stdout)?.lines() {
        let (from, to) = (root().join(file), copy.path().join(file));
        let Ok(kind) = from.symlink_metadata() else { continue };
        fs::create_dir_all(to.parent().context("a file has a folder")?)?;
        if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&from)?, &to)?;
        } else {
            fs::copy(&from, &to)?;
        }
    }
    let spec = copy.path().join("openapi.yaml");
    let text = fs::read_to_string(&spec)?;
    let field = "        media_job:\n";
    ensure!(text.matches(field).count() == 1, "the place for the new field is not unique");
    let mut text = text.replace(
        field,
        &format!("        thumbnail_url:\n          type: string\n          nullable: true\n          description: A picture.\n          x-provenance: inferred\n{field}"),
    );
    let component = text.find("\n    JobStatus:\n").context("there is no component JobStatus")?;
    let end = text[component..].find("enum: [").and_then(|list| Some(list + text[component + list..].find(']')?));
    text.insert_str(component + end.context("JobStatus has no list of values")?, ", cancelled");
    fs::write(&spec, text)?;

    let changed = changes(copy.path(), Some(&root().join("target/regen-self-test")))?;
    let names: BTreeSet<_> = changed.iter().map(|(name, _)| name.as_str()).collect();
    ensure!(names == ["types/CustomTemplateJob.snap", "surface/JobStatus.snap"].into(), "other snapshots changed: {changed:#?}");
    for (name, change) in &changed {
        let Change::Changed(diff) = change else { bail!("{name}: {change:?}") };
        ensure!(
            diff.contains("+    pub thumbnail_url:") || diff.contains("+cancelled"),
            "{name} does not show the change:\n{diff}"
        );
    }
    Ok(())
}

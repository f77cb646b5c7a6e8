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
}

const SNAPSHOTS: &str = "tests/snapshots";

/// What a change does to one snapshot.
#[derive(Debug)]
enum Change {
    New,
    Changed(String),
    Gone,
}

pub fn run(options: &Options) -> Result<()> {
    let changes = changes(&root(), None)?;
    if changes.is_empty() {
        println!("the generated surface is unchanged");
        return Ok(());
    }
    for (name, change) in &changes {
        match change {
            Change::New => println!("new      {name}"),
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
            _ => fs::rename(pending(&snapshot), &snapshot)?,
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
        bail!("{}\nthe generated code does not compile", String::from_utf8_lossy(&output.stderr));
    }
    let mut changes = Vec::new();
    for file in files(&folder)? {
        let name = |file: &Path| file.strip_prefix(&folder).unwrap_or(file).display().to_string();
        if file.extension().is_some_and(|extension| extension == "new") {
            let snapshot = file.with_extension("");
            let change = match fs::read_to_string(&snapshot) {
                Ok(before) => Change::Changed(diff(&before, &fs::read_to_string(&file)?)),
                Err(_) => Change::New,
            };
            changes.push((name(&snapshot), change));
        } else if said.contains(&format!("{} is of a type that is gone", file.file_name().unwrap_or_default().to_string_lossy()))
        {
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
    let text = text.replace(
        field,
        &format!("        thumbnail_url:\n          type: string\n          nullable: true\n          description: A picture.\n          x-provenance: inferred\n{field}"),
    );
    let values = "enum: [pending, in_queue, running, failed, done, rejected]";
    ensure!(text.matches(values).count() == 1, "the place for the new value is not unique");
    fs::write(&spec, text.replace(values, "enum: [pending, in_queue, running, failed, done, rejected, cancelled]"))?;

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

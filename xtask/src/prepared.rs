//! What do the prepared changes in `xtask/tests/changes` do? Each is made in a copy of the workspace, and what `regen` and `spec diff` say
//! of it must be what was written down beside it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use similar::TextDiff;

use crate::{
    ci::quiet,
    regen::{self, Report},
    workspace::root,
};

/// A folder of `xtask/tests/changes`.
pub struct Prepared {
    pub name: String,
    folder: PathBuf,
}

impl Prepared {
    pub fn all() -> Result<Vec<Self>> {
        let folders = fs::read_dir(root().join("xtask/tests/changes"))?;
        let mut all = Vec::new();
        for folder in folders {
            let folder = folder?.path();
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            all.push(Self { name, folder });
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    pub fn read(&self, file: &str) -> Result<String> {
        fs::read_to_string(self.folder.join(file)).with_context(|| format!("{}/{file}", self.name))
    }

    /// Makes the changes that a file holds as a patch, in the files under a folder.
    pub fn apply(&self, file: &str, folder: &Path) -> Result<()> {
        let mut git = Command::new("git");
        // Without a repository around it: git would leave out what lies outside of that one, and say nothing.
        git.env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(folder)).current_dir(folder);
        git.args(["apply", "--whitespace=nowarn"]).arg(self.folder.join(file));
        quiet(git).with_context(|| format!("{}/{file} fits no longer", self.name))
    }

    /// Compares with what is written down, or writes it down anew.
    fn check(&self, file: &str, said: &str, accept: bool) -> Result<()> {
        if accept {
            return Ok(fs::write(self.folder.join(file), said)?);
        }
        let expected = self.read(file)?;
        let diff = TextDiff::from_lines(expected.as_str(), said).unified_diff().to_string();
        ensure!(
            expected == said,
            "{}/{file} says otherwise:\n{diff}after review: cargo xtask regen --self-test --accept",
            self.name
        );
        Ok(())
    }
}

pub fn self_test(accept: bool) -> Result<()> {
    let copy = root().join("target/prepared-changes");
    let reviewed = regen::reviewed(&root())?;
    for prepared in Prepared::all()? {
        lay_out(&copy)?;
        prepared.apply("openapi.patch", &copy)?;
        let generated = regen::generated(&copy)?;
        let report = Report::of(&reviewed, &generated, regen::broken(&copy)?);
        prepared.check("regen.txt", &report.to_string(), accept)?;
        println!("{}", prepared.name);
    }
    Ok(())
}

/// Copies the workspace. Files that are as they should be are not touched, or cargo would compile them again.
fn lay_out(copy: &Path) -> Result<()> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()?;
    ensure!(listed.status.success(), "git ls-files failed");
    let listed = String::from_utf8(listed.stdout)?;
    let mut kept = BTreeSet::new();
    for file in listed.split_terminator('\0') {
        let (from, to) = (root().join(file), copy.join(file));
        let Ok(kind) = from.symlink_metadata() else { continue };
        kept.insert(to.clone());
        fs::create_dir_all(to.parent().context("a file has a folder")?)?;
        if kind.is_symlink() {
            if to.symlink_metadata().is_err() {
                std::os::unix::fs::symlink(fs::read_link(&from)?, &to)?;
            }
        } else if fs::read(&to).ok() != Some(fs::read(&from)?) {
            fs::copy(&from, &to)?;
        }
    }
    for left in files(copy)?.into_iter().filter(|file| !kept.contains(file)) {
        fs::remove_file(left)?;
    }
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() { files.extend(self::files(&entry.path())?) } else { files.push(entry.path()) }
    }
    Ok(files)
}

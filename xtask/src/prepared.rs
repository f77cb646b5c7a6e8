//! Self-test of `regen` and `spec diff`: each prepared change in `xtask/tests/changes` is made in a
//! copy of the workspace, and both reports must be as reviewed.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use similar::TextDiff;

use crate::{
    process::quiet,
    spec::diff::{self, Side, wire},
    surface::{self, Report, Surface},
    workspace::{root, tracked},
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

    /// Applies a patch of this change to the files under a folder.
    pub fn apply(&self, file: &str, folder: &Path) -> Result<()> {
        let mut git = Command::new("git");
        // Inside a repository, git would silently skip files that are not part of it.
        git.env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(folder)).current_dir(folder);
        git.args(["apply", "--whitespace=nowarn"]).arg(self.folder.join(file));
        quiet(git).with_context(|| format!("{}/{file} no longer applies", self.name))
    }

    /// Compares a report with the reviewed one, or replaces that.
    fn check(&self, file: &str, said: &str, accept: bool) -> Result<()> {
        if accept {
            return Ok(fs::write(self.folder.join(file), said)?);
        }
        let expected = self.read(file)?;
        let diff = TextDiff::from_lines(expected.as_str(), said).unified_diff().to_string();
        ensure!(
            expected == said,
            "{}/{file} differs:\n{diff}after review: cargo xtask regen --self-test --accept",
            self.name
        );
        Ok(())
    }
}

pub fn self_test(accept: bool) -> Result<()> {
    let copy = root().join("target/prepared-changes");
    let before = Version { openapi: read_openapi(&root())?, surface: surface::reviewed(&root())? };
    for prepared in Prepared::all()? {
        lay_out(&copy)?;
        prepared.apply("openapi.patch", &copy)?;
        let after = Version { openapi: read_openapi(&copy)?, surface: surface::generated(&copy)? };
        let regen = Report::of(&before.surface, &after.surface, surface::broken(&copy)?);
        prepared.check("regen.txt", &regen.to_string(), accept)?;
        let redocly = wire::redocly(&before.document()?, &after.document()?)?;
        if accept {
            fs::write(prepared.folder.join("redocly.json"), &redocly)?;
        }
        prepared.check("diff.txt", &diff_report(&redocly, &before, &after)?, accept)?;
    }
    Ok(())
}

/// The document and the surface generated from it.
struct Version {
    openapi: String,
    surface: Surface,
}

impl Version {
    fn document(&self) -> Result<Value> {
        serde_saphyr::from_str(&self.openapi).context("openapi.yaml")
    }
}

fn read_openapi(root: &Path) -> Result<String> {
    fs::read_to_string(root.join("openapi.yaml")).context("openapi.yaml")
}

/// Returns the report of `spec diff`, with every product at its first version.
fn diff_report(redocly: &str, before: &Version, after: &Version) -> Result<String> {
    let products = diff::first_products();
    let (old, new) = (before.document()?, after.document()?);
    let before = Side { document: &old, surface: &before.surface, products: &products };
    let after = Side { document: &new, surface: &after.surface, products: &products };
    let report = diff::report(redocly, &before, &after, Vec::new(), "")?;
    Ok(diff::Report { base: "the document without this change".to_owned(), ..report }.to_string())
}

/// Copies the workspace. Leaves equal files untouched, or cargo would compile them again.
fn lay_out(copy: &Path) -> Result<()> {
    let mut kept = BTreeSet::new();
    for file in tracked(".")? {
        let (from, to) = (root().join(&file), copy.join(&file));
        kept.insert(to.clone());
        fs::create_dir_all(to.parent().context("a file has a folder")?)?;
        if from.is_symlink() {
            if !to.is_symlink() {
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
        if entry.file_type()?.is_dir() {
            files.extend(self::files(&entry.path())?)
        } else {
            files.push(entry.path())
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns both sides of a change, with the reviewed reports in place of generated code.
    fn sides(prepared: &Prepared) -> Result<(Version, Version)> {
        let folder = tempfile::tempdir()?;
        let snapshots = folder.path().join(surface::SNAPSHOTS);
        let reviewed = surface::reviewed(&root())?;
        for (name, text) in &reviewed {
            let file = snapshots.join(format!("{name}.snap"));
            fs::create_dir_all(file.parent().unwrap_or(&snapshots))?;
            fs::write(file, text)?;
        }
        let openapi = read_openapi(&root())?;
        fs::write(folder.path().join("openapi.yaml"), &openapi)?;
        prepared.apply("openapi.patch", folder.path())?;
        if prepared.changes_rust()? {
            prepared.apply("regen.txt", folder.path())?;
        }
        let after = Version {
            openapi: read_openapi(folder.path())?,
            surface: surface::reviewed(folder.path())?,
        };
        Ok((Version { openapi, surface: reviewed }, after))
    }

    impl Prepared {
        fn changes_rust(&self) -> Result<bool> {
            Ok(self.read("regen.txt")? != surface::UNCHANGED)
        }
    }

    #[test]
    fn the_prepared_changes_are_complete() -> Result<()> {
        let names: Vec<_> = Prepared::all()?.into_iter().map(|prepared| prepared.name).collect();
        let expected = [
            "changed_discriminator",
            "deprecated_operation",
            "new_enum_value",
            "new_optional_field",
            "new_pattern",
            "new_required_field",
            "price_change",
            "removed_callback",
            "removed_field",
            "renamed_operation",
        ];
        assert_eq!(names, expected);
        Ok(())
    }

    /// Redocly's and the generator's output come from files that `regen --self-test` keeps true.
    #[test]
    fn the_diff_report_of_each_prepared_change_is_as_reviewed() -> Result<()> {
        for prepared in Prepared::all()? {
            let (before, after) = sides(&prepared)?;
            assert_ne!(before.openapi, after.openapi, "{}", prepared.name);
            let changes_rust = before.surface != after.surface;
            assert_eq!(changes_rust, prepared.changes_rust()?, "{}", prepared.name);
            prepared.check(
                "diff.txt",
                &diff_report(&prepared.read("redocly.json")?, &before, &after)?,
                false,
            )?;
        }
        Ok(())
    }
}

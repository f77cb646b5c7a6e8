//! The generated surface: its reviewed snapshots, and the differences between two of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::Path,
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use similar::TextDiff;

use crate::{
    process::{output, stdout},
    workspace::{cargo, root},
};

pub const SNAPSHOTS: &str = "tests/snapshots";

/// Report of a change that leaves the surface as it is.
pub const UNCHANGED: &str = "the generated surface is unchanged\n";

/// The text of each snapshot, by its name: `types/CustomTemplateJob`.
pub type Surface = BTreeMap<String, String>;

/// Effects of a change of the document.
#[derive(Debug)]
pub struct Report {
    /// Snapshots that are new, changed or gone, as hunks of a patch.
    patch: String,
    /// Number of snapshots that differ.
    pub snapshots: usize,
    /// Files of hand-written code that do not compile with the changed surface, each with its
    /// error.
    broken: Vec<String>,
}

impl Report {
    pub fn of(reviewed: &Surface, generated: &Surface, broken: Vec<String>) -> Self {
        let mut report = Self { patch: String::new(), snapshots: 0, broken };
        for name in reviewed.keys().chain(generated.keys()).collect::<BTreeSet<_>>() {
            let (before, after) = (reviewed.get(name), generated.get(name));
            if before == after {
                continue;
            }
            let side = |text: Option<&String>, side| {
                text.map_or("/dev/null".to_owned(), |_| format!("{side}/{SNAPSHOTS}/{name}.snap"))
            };
            let text = |text: Option<&String>| text.map_or("", String::as_str).to_owned();
            let (old, new) = (text(before), text(after));
            let diff = TextDiff::from_lines(&old, &new);
            report.patch += &diff
                .unified_diff()
                .context_radius(2)
                .header(&side(before, "a"), &side(after, "b"))
                .to_string();
            report.snapshots += 1;
        }
        report
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.snapshots == 0 {
            return f.write_str(UNCHANGED);
        }
        f.write_str(&self.patch)?;
        if !self.broken.is_empty() {
            writeln!(
                f,
                "\nHand-written code that does not compile with it (cargo check has the lines):"
            )?;
        }
        self.broken.iter().try_for_each(|place| writeln!(f, "  {place}"))
    }
}

/// Reads the snapshots as they were last accepted.
pub fn reviewed(root: &Path) -> Result<Surface> {
    let mut surface = Surface::new();
    for folder in ["surface", "types"] {
        for file in fs::read_dir(root.join(SNAPSHOTS).join(folder))? {
            let file = file?.path();
            if let Some(name) =
                file.file_name().and_then(|name| name.to_str()?.strip_suffix(".snap"))
            {
                surface.insert(format!("{folder}/{name}"), fs::read_to_string(&file)?);
            }
        }
    }
    Ok(surface)
}

/// Generates the surface from the document as it is. Compiles the generated crate only.
pub fn generated(root: &Path) -> Result<Surface> {
    let surface = stdout(within(root, &["run", "--quiet", "--package", "creatify-surface"]))
        .context("no client can be generated from openapi.yaml")?;
    Ok(serde_json::from_str(&surface)?)
}

/// Finds the places at which the hand-written crates do not compile.
pub fn broken(root: &Path) -> Result<Vec<String>> {
    let mut check = within(root, &["check", "--quiet", "--workspace", "--exclude", "xtask"]);
    check.args(["--keep-going", "--message-format", "json"]);
    let output = output(&mut check)?;
    let messages = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let mut places = BTreeSet::new();
    for message in messages.filter(|message| message["message"]["level"] == "error") {
        let spans = message["message"]["spans"].as_array().into_iter().flatten();
        let primary = spans.into_iter().find(|span| span["is_primary"] == true);
        if let (Some(span), Some(why)) = (primary, message["message"]["message"].as_str()) {
            let file = span["file_name"].as_str().unwrap_or_default();
            places.insert(format!("{file}: {}", why.lines().next().unwrap_or_default()));
        }
    }
    if places.is_empty() && !output.status.success() {
        bail!("{}\nthe workspace does not compile", String::from_utf8_lossy(&output.stderr));
    }
    Ok(places.into_iter().collect())
}

/// Returns cargo for a copy of the workspace, sharing the built dependencies.
fn within(other: &Path, arguments: &[&str]) -> Command {
    let mut command = cargo(arguments);
    command.current_dir(other);
    if std::env::var_os("CARGO_TARGET_DIR").is_none() {
        command.env("CARGO_TARGET_DIR", root().join("target"));
    }
    command
}

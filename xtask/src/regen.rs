//! `cargo xtask regen`: what does a change of `openapi.yaml` do to the generated surface? Type by type, before it is accepted.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::Path,
    process::Command,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;
use similar::TextDiff;

use crate::{
    prepared,
    workspace::{cargo, root},
};

#[derive(Args)]
pub struct Options {
    /// Take the changes over into the snapshots, after review
    #[arg(long)]
    accept: bool,
    /// Prove on a copy of the workspace what the prepared changes in xtask/tests/changes do; with --accept, write it down anew
    #[arg(long)]
    self_test: bool,
}

pub const SNAPSHOTS: &str = "tests/snapshots";

/// The text of each snapshot, by its name: `types/CustomTemplateJob`.
pub type Surface = BTreeMap<String, String>;

/// What a change of the document does.
#[derive(Debug)]
pub struct Report {
    /// Snapshots that are new, changed or gone, as hunks of a patch.
    patch: String,
    snapshots: usize,
    /// Where hand-written code does not compile with the changed surface, and why. `cargo check` has the lines.
    broken: Vec<String>,
}

pub fn run(options: &Options) -> Result<()> {
    if options.self_test {
        prepared::self_test(options.accept)?;
        println!("regen and spec diff say of each prepared change what was written down");
        return Ok(());
    }
    let reviewed = reviewed(&root())?;
    let generated = generated(&root())?;
    let report = Report::of(&reviewed, &generated, broken(&root())?);
    print!("{report}");
    if options.accept {
        accept(&reviewed, &generated)?;
        println!("{} snapshots updated", report.snapshots);
    } else if report.snapshots > 0 {
        bail!(
            "{} snapshots would change; after review: cargo xtask regen --accept",
            report.snapshots
        );
    }
    Ok(())
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
            return writeln!(f, "the generated surface is unchanged");
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

/// The snapshots as they were last accepted.
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

/// The surface as it is generated now. Only the generated crate is compiled for it.
pub fn generated(root: &Path) -> Result<Surface> {
    let output = within(root, &["run", "--quiet", "--package", "creatify-surface"])
        .output()
        .context("cargo cannot be run")?;
    if !output.status.success() {
        bail!(
            "{}\nno client can be generated from openapi.yaml",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Where the hand-written crates do not compile.
pub fn broken(root: &Path) -> Result<Vec<String>> {
    let arguments = [
        "check",
        "--quiet",
        "--workspace",
        "--exclude",
        "xtask",
        "--keep-going",
        "--message-format",
        "json",
    ];
    let output = within(root, &arguments).output().context("cargo cannot be run")?;
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

/// Cargo in another copy of the workspace, which shares what was built of the dependencies.
fn within(other: &Path, arguments: &[&str]) -> Command {
    let mut command = cargo(arguments);
    command.current_dir(other);
    if std::env::var_os("CARGO_TARGET_DIR").is_none() {
        command.env("CARGO_TARGET_DIR", root().join("target"));
    }
    command
}

fn accept(reviewed: &Surface, generated: &Surface) -> Result<()> {
    let file = |name: &str| root().join(SNAPSHOTS).join(format!("{name}.snap"));
    for name in reviewed.keys().filter(|name| !generated.contains_key(*name)) {
        fs::remove_file(file(name))?;
    }
    for (name, text) in generated.iter().filter(|(name, text)| reviewed.get(*name) != Some(text)) {
        fs::write(file(name), text)?;
    }
    Ok(())
}

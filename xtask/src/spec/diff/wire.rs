//! What changed on the wire? Redocly finds it; what it cannot know of this document is put right here.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::change::{Change, Weight, Whom};
use crate::tools;

/// What Redocly reports, as far as it is used.
#[derive(Debug, Deserialize)]
struct Found {
    changes: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    kind: Kind,
    impact: Impact,
    path: String,
    property: Option<String>,
    #[serde(default)]
    verdicts: Vec<Verdict>,
    base: Option<Side>,
    revision: Option<Side>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Added,
    Removed,
    #[serde(other)]
    Modified,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Impact {
    Major,
    Minor,
    Patch,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    rule_id: String,
    message: String,
    impact: Impact,
}

#[derive(Debug, Deserialize)]
struct Side {
    pointer: String,
    value: Option<Value>,
}

/// Changes of the wire, and how many there are that nobody's code can notice.
#[derive(Debug, Default)]
pub struct Wire {
    pub changes: Vec<Change>,
    pub unnoticed: usize,
}

/// Lets Redocly compare two documents.
pub fn redocly(before: &Path, after: &Path) -> Result<String> {
    let mut redocly = tools::node("redocly")?;
    redocly.arg("diff").arg(before).arg(after).args(["--format", "json", "--fail-on", "none"]);
    let output = redocly.output().context("Redocly cannot be run")?;
    // It says nothing on stdout when it could not compare.
    let said = String::from_utf8(output.stdout)?;
    ensure!(
        output.status.success() && !said.is_empty(),
        "{}\nRedocly failed",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(said)
}

/// Where something may be null: as before, or at other places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    AsBefore,
    Elsewhere,
}

/// Reads what Redocly said.
pub fn wire(said: &str, nulls: Nulls) -> Result<Wire> {
    let found: Found = serde_json::from_str(said).context("Redocly's report is not as expected")?;
    let mut wire = Wire::default();
    for entry in found.changes {
        // The version is what follows from the rest, and billing is looked at with the prices.
        if matches!(entry.property.as_deref(), Some("version" | "x-billing")) {
            continue;
        }
        // `nullable` beside a reference and in what it refers to mean the same here; Redocly takes a move for a change.
        let is_moved = entry.property.as_deref() == Some("nullable") && nulls == Nulls::AsBefore;
        match entry.impact {
            Impact::Patch => wire.unnoticed += 1,
            _ if is_moved => wire.unnoticed += 1,
            Impact::Minor => wire.changes.push(Change::new(
                Weight::Additive,
                Whom::EveryClient,
                entry.in_words(),
            )),
            Impact::Major => {
                wire.changes.extend(entry.verdicts.iter().map(|verdict| verdict.change()))
            }
        }
    }
    wire.changes.sort();
    wire.changes.dedup();
    Ok(wire)
}

impl Verdict {
    fn change(&self) -> Change {
        let message = self.message.trim_end_matches('.');
        match self.rule_id.as_str() {
            // The enums of this document are open: clients pass on values that they do not know.
            "enum-values-added" => Change::new(Weight::Additive, Whom::EveryClient, message)
                .so("enums are open, clients pass it on"),
            "operation-id-changed" => Change::new(Weight::Breaking, Whom::GeneratedCode, message)
                .so("the wire is the same, the method has another name"),
            _ if self.impact == Impact::Major => {
                Change::new(Weight::Breaking, Whom::EveryClient, message)
            }
            _ => Change::new(Weight::Additive, Whom::EveryClient, message),
        }
    }
}

impl Entry {
    /// Redocly has words only for what may break.
    fn in_words(&self) -> String {
        let side = self.revision.as_ref().or(self.base.as_ref());
        let place = place(side.map_or(self.path.as_str(), |side| side.pointer.as_str()));
        let change = match self.kind {
            Kind::Added => "is new",
            Kind::Removed => "is gone",
            Kind::Modified => "changed",
        };
        let value = |side: &Option<Side>| {
            side.as_ref().and_then(|side| side.value.clone()).unwrap_or_default()
        };
        match (&self.property, value(&self.base), value(&self.revision)) {
            (Some(_), before, after) if !before.is_object() && !after.is_object() => {
                format!("`{place}` changed from {before} to {after}")
            }
            _ => format!("`{place}` {change}"),
        }
    }
}

/// `#/components/schemas/CustomTemplateJob/properties/name` as `CustomTemplateJob.name`.
fn place(pointer: &str) -> String {
    let pointer = pointer
        .trim_start_matches("#/")
        .trim_start_matches("components/")
        .trim_start_matches("schemas/");
    pointer.replace("/properties/", ".").replace('/', " ").replace("~1", "/").replace("~0", "~")
}

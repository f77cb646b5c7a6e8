//! Changes on the wire, as Redocly finds them, with corrections for rules of this document.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::change::{Audience, Change, Weight};
use crate::tools;

/// Redocly's report, as far as it is used.
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
    #[serde(default, rename = "verdicts")]
    results: Vec<RuleResult>,
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
struct RuleResult {
    rule_id: String,
    message: String,
    impact: Impact,
}

#[derive(Debug, Deserialize)]
struct Side {
    pointer: String,
    value: Option<Value>,
}

/// Changes on the wire, and the number of those that no code can notice.
#[derive(Debug, Default)]
pub struct Wire {
    pub changes: Vec<Change>,
    pub unnoticed: usize,
}

/// Compares two documents with Redocly and returns its report.
pub fn redocly(before: &Path, after: &Path) -> Result<String> {
    let mut redocly = tools::node("redocly")?;
    redocly.arg("diff").arg(before).arg(after).args(["--format", "json", "--fail-on", "none"]);
    let output = redocly.output().context("Redocly cannot be run")?;
    // Its standard output is empty if it could not compare.
    let report = String::from_utf8(output.stdout)?;
    ensure!(
        output.status.success() && !report.is_empty(),
        "{}\nRedocly failed",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(report)
}

/// Effect of a change on the places that may be null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    AsBefore,
    Elsewhere,
}

/// Reads Redocly's report.
pub fn wire(report: &str, nulls: Nulls) -> Result<Wire> {
    let found: Found =
        serde_json::from_str(report).context("Redocly's report is not as expected")?;
    let mut wire = Wire::default();
    for entry in found.changes {
        // The version follows from the rest, and billing is compared with the prices.
        if matches!(entry.property.as_deref(), Some("version" | "x-billing")) {
            continue;
        }
        // `nullable` means the same beside a reference and in its target; Redocly reports a move.
        let is_moved = entry.property.as_deref() == Some("nullable") && nulls == Nulls::AsBefore;
        match entry.impact {
            Impact::Patch => wire.unnoticed += 1,
            _ if is_moved => wire.unnoticed += 1,
            Impact::Minor => wire.changes.push(Change::new(
                Weight::Additive,
                Audience::EveryClient,
                entry.in_words(),
            )),
            Impact::Major => wire.changes.extend(entry.results.iter().map(RuleResult::change)),
        }
    }
    wire.changes.sort();
    wire.changes.dedup();
    Ok(wire)
}

impl RuleResult {
    fn change(&self) -> Change {
        let message = self.message.trim_end_matches('.');
        match self.rule_id.as_str() {
            // The enums of this document are open: clients pass on values that they do not know.
            "enum-values-added" => Change::new(Weight::Additive, Audience::EveryClient, message)
                .note("enums are open, clients pass it on"),
            "operation-id-changed" => {
                Change::new(Weight::Breaking, Audience::GeneratedCode, message)
                    .note("the wire is the same, the method has another name")
            }
            _ if self.impact == Impact::Major => {
                Change::new(Weight::Breaking, Audience::EveryClient, message)
            }
            _ => Change::new(Weight::Additive, Audience::EveryClient, message),
        }
    }
}

impl Entry {
    /// Describes a change for which Redocly has no message.
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

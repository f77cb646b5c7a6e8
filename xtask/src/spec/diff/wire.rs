//! Changes on the wire, as Redocly finds them, with corrections for rules of this document.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::change::{Audience, Change, Weight};
use crate::{process::stdout, tools};

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
///
/// Redocly does not compare below a YAML alias, so both are passed as JSON, which has none.
pub fn redocly(before: &Value, after: &Value) -> Result<String> {
    let folder = tempfile::tempdir()?;
    for (name, document) in [("before.json", before), ("after.json", after)] {
        fs::write(folder.path().join(name), serde_json::to_vec(document)?)?;
    }
    let mut redocly = tools::node("redocly")?;
    redocly.current_dir(&folder).args(["diff", "before.json", "after.json", "--format", "json"]);
    redocly.args(["--fail-on", "none"]);
    let report = stdout(redocly)?;
    // It prints nothing if it could not compare.
    ensure!(!report.is_empty(), "Redocly failed");
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
            _ if is_moved || entry.is_prose() => wire.unnoticed += 1,
            Impact::Patch => wire.changes.push(entry.underrated()),
            Impact::Minor => wire.changes.push(Change::new(
                Weight::Additive,
                Audience::EveryClient,
                entry.in_words(),
            )),
            Impact::Major => {
                wire.changes.extend(entry.results.iter().map(|result| result.change(&entry)))
            }
        }
    }
    wire.changes.sort();
    wire.changes.dedup();
    Ok(wire)
}

impl RuleResult {
    fn change(&self, entry: &Entry) -> Change {
        let message = self.message.trim_end_matches('.');
        match self.rule_id.as_str() {
            // The enums of this document are open: clients pass on values that they do not know.
            "enum-values-added" => Change::new(Weight::Additive, Audience::EveryClient, message)
                .note("enums are open, clients pass it on"),
            "operation-id-changed" => {
                Change::new(Weight::Breaking, Audience::GeneratedCode, message)
                    .note("the wire is the same, the method has another name")
            }
            // The message does not say which operation had the callbacks.
            "path-removed" if entry.path.contains("/callbacks") => {
                Change::new(Weight::Breaking, Audience::EveryClient, entry.in_words())
            }
            _ if self.impact == Impact::Major => {
                Change::new(Weight::Breaking, Audience::EveryClient, message)
            }
            _ => Change::new(Weight::Additive, Audience::EveryClient, message),
        }
    }
}

/// Members that no code reads.
const PROSE: [&str; 9] = [
    "description",
    "summary",
    "title",
    "example",
    "examples",
    "externalDocs",
    "tags",
    "contact",
    "license",
];

impl Entry {
    /// Returns true for a change of descriptions, examples or marks.
    fn is_prose(&self) -> bool {
        let is_prose = |name: &str| PROSE.contains(&name) || name.starts_with("x-");
        let is_name = |parent: &str| ["properties", "schemas", "headers"].contains(&parent);
        let names: Vec<_> = self.path.split('/').collect();
        // A property may be called `title`, and a header `x-request-id`.
        let in_path = names.windows(2).any(|pair| is_prose(pair[1]) && !is_name(pair[0]));
        in_path || self.property.as_deref().is_some_and(is_prose)
    }

    /// Weighs a change that Redocly takes for a patch, although code can depend on it.
    fn underrated(&self) -> Change {
        let property = self.property.as_deref();
        let change = |weight, text| Change::new(weight, Audience::EveryClient, text);
        if property == Some("deprecated") {
            let now = self.revision.as_ref().and_then(|side| side.value.as_ref());
            return if now == Some(&Value::Bool(true)) {
                change(Weight::Additive, format!("`{}` is deprecated", self.place()))
                    .note("it still works; replace it before it goes")
            } else {
                change(Weight::Additive, format!("`{}` is no longer deprecated", self.place()))
            };
        }
        // The type of a variable, or the field with the URL for events.
        let is_relied_on = self.path.contains("/discriminator") || property == Some("key");
        let weight = match self.kind {
            Kind::Modified | Kind::Removed if is_relied_on => Weight::Breaking,
            _ => Weight::Additive,
        };
        change(weight, self.in_words())
    }

    /// Returns the place of the change, without the property that changed.
    fn place(&self) -> String {
        let side = self.revision.as_ref().or(self.base.as_ref());
        let pointer = side.map_or(self.path.as_str(), |side| side.pointer.as_str());
        let property = self.property.as_deref().unwrap_or_default();
        let outer = pointer.strip_suffix(property).and_then(|outer| outer.strip_suffix('/'));
        place(outer.filter(|_| !property.is_empty()).unwrap_or(pointer))
    }

    /// Describes a change for which Redocly has no message.
    fn in_words(&self) -> String {
        let place = self.place();
        let change = match self.kind {
            Kind::Added => "is new",
            Kind::Removed => "is gone",
            Kind::Modified => "changed",
        };
        let value = |side: &Option<Side>| {
            side.as_ref().and_then(|side| side.value.clone()).unwrap_or_default()
        };
        match (&self.property, value(&self.base), value(&self.revision)) {
            (Some(property), before, after) if !before.is_object() && !after.is_object() => {
                format!("`{property}` of `{place}` changed from {before} to {after}")
            }
            _ => format!("`{place}` {change}"),
        }
    }
}

/// Shortens a pointer: `#/components/schemas/Job/properties/name` to `Job.name`, and
/// `#/paths/~1jobs~1/post` to `POST /jobs/`.
fn place(pointer: &str) -> String {
    let unescaped = |text: &str| text.replace("~1", "/").replace("~0", "~");
    if let Some(operation) = pointer.strip_prefix("#/paths/") {
        let mut names = operation.split('/');
        let path = unescaped(names.next().unwrap_or_default());
        let method = names.next().unwrap_or_default().to_uppercase();
        let rest: Vec<_> = names.map(unescaped).collect();
        return format!("{method} {path} {}", rest.join(" ")).trim().to_owned();
    }
    let pointer = pointer
        .trim_start_matches("#/")
        .trim_start_matches("components/")
        .trim_start_matches("schemas/");
    unescaped(&pointer.replace("/properties/", ".").replace('/', " "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Weighs one entry of a report, or returns none if no code can notice it.
    fn weighed(entry: Value) -> Result<Option<(Weight, String)>> {
        let report = json!({ "changes": [entry] }).to_string();
        let mut changes = wire(&report, Nulls::Elsewhere)?.changes;
        Ok(changes.pop().map(|change| (change.weight, change.text)))
    }

    fn patch(kind: &str, path: &str, property: Option<&str>, values: [Value; 2]) -> Value {
        let [base, revision] = values
            .map(|value| (!value.is_null()).then(|| json!({ "pointer": path, "value": value })));
        json!({
            "kind": kind, "impact": "patch", "path": path, "property": property,
            "base": base, "revision": revision,
        })
    }

    #[test]
    fn a_change_of_a_discriminator_is_breaking() -> Result<()> {
        let path = "#/components/schemas/Variable/discriminator";
        let values = [json!("type"), json!("kind")];
        let expected =
            "`propertyName` of `Variable discriminator` changed from \"type\" to \"kind\"";
        assert_eq!(
            weighed(patch("modified", path, Some("propertyName"), values))?,
            Some((Weight::Breaking, expected.to_owned()))
        );
        let removed = patch("removed", path, None, [json!({}), Value::Null]);
        let expected = "`Variable discriminator` is gone".to_owned();
        assert_eq!(weighed(removed)?, Some((Weight::Breaking, expected)));
        let mapping = "#/components/schemas/Variable/discriminator/mapping/text";
        let added = patch("added", mapping, None, [Value::Null, json!({})]);
        assert_eq!(weighed(added)?.map(|(weight, _)| weight), Some(Weight::Additive));
        Ok(())
    }

    #[test]
    fn a_change_of_the_url_of_a_callback_is_breaking() -> Result<()> {
        let path = "#/paths/~1jobs~1/post/callbacks/event/{$request.body#~1url}";
        let values = [json!("{$request.body#/url}"), json!("{$response.body#/url}")];
        let weighed = weighed(patch("modified", path, Some("key"), values))?;
        assert_eq!(weighed.map(|(weight, _)| weight), Some(Weight::Breaking));
        Ok(())
    }

    #[test]
    fn a_deprecation_is_reported_and_its_end_too() -> Result<()> {
        let path = "#/paths/~1jobs~1/post";
        for (values, text) in [
            ([Value::Null, json!(true)], "`POST /jobs/` is deprecated"),
            ([json!(true), json!(false)], "`POST /jobs/` is no longer deprecated"),
        ] {
            let expected = Some((Weight::Additive, text.to_owned()));
            assert_eq!(weighed(patch("modified", path, Some("deprecated"), values))?, expected);
        }
        Ok(())
    }

    #[test]
    fn only_prose_and_marks_are_changes_that_no_code_can_notice() -> Result<()> {
        let values = || [json!("a"), json!("b")];
        for property in ["description", "summary", "x-provenance"] {
            assert_eq!(weighed(patch("modified", "#/info", Some(property), values()))?, None);
        }
        let path = "#/components/schemas/Template/properties/title";
        let change = weighed(patch("modified", path, Some("style"), values()))?;
        let expected = "`style` of `Template.title` changed from \"a\" to \"b\"".to_owned();
        assert_eq!(change, Some((Weight::Additive, expected)));
        Ok(())
    }
}

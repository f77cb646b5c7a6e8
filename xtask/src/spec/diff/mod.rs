//! `cargo xtask spec diff`: changes of `openapi.yaml`, the audiences they break, and the versions
//! that follow.

mod change;
mod money;
mod releases;
mod report;
mod rust;
mod semver_checks;
mod tree;
pub mod wire;

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;
use serde_json::Value;

use self::{
    change::Change,
    releases::{Product, products, releases},
    tree::{Base, Tree},
    wire::Nulls,
};
pub use self::{releases::first_products, report::Report};
use super::drift;
use crate::{
    surface::{self, Surface},
    workspace::root,
};

/// List the changes of openapi.yaml, the audiences they break, and the versions that follow
///
/// Redocly (Node.js) compares the wire; the generated types and methods are compared for Rust, and
/// x-credit-rates, x-plans and x-billing for money. Breaking: existing code stops working. Needs a
/// decision: nothing breaks, but money changes. Additive: nobody has to do anything.
///
/// The generated types have public fields, so a new field breaks Rust code that writes such a type
/// out. New values of enums break nobody, since enums are open.
#[derive(Args)]
pub struct Options {
    /// A tag, branch or commit [default: the last tag v…, else the fork point from main]
    revision: Option<String>,
    /// Fail if a breaking change or one of money lacks its version or entry in CHANGELOG.md
    #[arg(long)]
    check: bool,
    /// Compare the hand-written crates too, by cargo-semver-checks: takes many minutes
    #[arg(long)]
    semver_checks: bool,
}

/// One side of a comparison.
pub struct Side<'s> {
    pub document: &'s Value,
    pub surface: &'s Surface,
    pub products: &'s [Product],
}

pub fn run(options: &Options) -> Result<()> {
    let base = options.revision.as_deref().map_or_else(Base::default, Base::named)?;
    let report = compare(&base, options.semver_checks)?;
    print!("{report}");
    if options.check { released(&report) } else { Ok(()) }
}

/// Checks versions and entries, for CI. Compares the hand-written crates too after a release.
pub fn check() -> Result<()> {
    let base = Base::default()?;
    let report = compare(&base, base.is_release)?;
    released(&report).map_err(|error| anyhow!("{report}\n{error}"))
}

/// Fails unless every breaking change or one of money has its version and entry.
fn released(report: &Report) -> Result<()> {
    let missing =
        report.releases.iter().filter(|release| release.is_required() && !release.is_done());
    let names: Vec<_> = missing.map(|release| release.name.as_str()).collect();
    ensure!(
        names.is_empty(),
        "a breaking change or one of money lacks its version or its entry in CHANGELOG.md: {}",
        names.join(", ")
    );
    Ok(())
}

fn compare(base: &Base, semver_checks: bool) -> Result<Report> {
    let tree = base.tree();
    let document = |text: &str| serde_saphyr::from_str::<Value>(text).context("openapi.yaml");
    let document_before = document(&tree.openapi()?)?;
    let document_after = document(&Tree::WorkTree.openapi()?)?;
    let redocly = wire::redocly(&document_before, &document_after)?;
    let changelog = Tree::WorkTree.read("CHANGELOG.md")?.unwrap_or_default();
    let before =
        Side { document: &document_before, surface: &tree.surface()?, products: &products(&tree)? };
    let after = Side {
        document: &document_after,
        surface: &surface::generated(&root())?,
        products: &products(&Tree::WorkTree)?,
    };
    let (mut hand_written, mut notes) = (Vec::new(), Vec::new());
    if semver_checks {
        hand_written = semver_checks::changes(&base.commit, after.products)?;
    } else {
        let why = match base.is_release {
            true => "--semver-checks does it, in minutes",
            false => "there is no release of them yet",
        };
        notes.push(format!("The hand-written crates were not compared: {why}."));
    }
    let report = report(&redocly, &before, &after, hand_written, &changelog)?;
    Ok(Report { base: base.name.clone(), notes, ..report })
}

/// Builds the report from Redocly's output and both sides.
pub fn report(
    redocly: &str,
    before: &Side<'_>,
    after: &Side<'_>,
    more: Vec<Change>,
    changelog: &str,
) -> Result<Report> {
    let nulls = if drift::same_nulls(before.document, after.document) {
        Nulls::AsBefore
    } else {
        Nulls::Elsewhere
    };
    let wire = wire::wire(redocly, nulls)?;
    let mut changes = wire.changes;
    changes.extend(money::money(before.document, after.document));
    changes.extend(rust::rust(before.surface, after.surface));
    changes.extend(more);
    changes.sort();
    let releases = releases(&changes, wire.unnoticed, before.products, after.products, changelog);
    Ok(Report {
        base: String::new(),
        changes,
        unnoticed: wire.unnoticed,
        releases,
        notes: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const REDOCLY: &str = r##"{ "changes": [{
        "path": "#/paths/~1job~1/get/responses/200/content/application~1json/schema/properties/credits/allOf/0",
        "kind": "modified", "impact": "major", "property": "nullable",
        "verdicts": [{ "ruleId": "schema-type-changed", "impact": "major", "message": "Type of `Amount` widened." }]
    }] }"##;

    fn document(property: &Value, amount: &Value) -> Value {
        let schema = json!({ "type": "object", "properties": { "credits": property } });
        let answer = json!({ "content": { "application/json": { "schema": schema } } });
        json!({
            "paths": { "/job/": { "get": { "responses": { "200": answer } } } },
            "components": { "schemas": { "Amount": amount } },
        })
    }

    /// Returns the breaking changes when `Amount` becomes nullable.
    fn breaking(property_before: &Value, property_after: &Value) -> Result<Vec<String>> {
        let surface = Surface::new();
        let before = document(property_before, &json!({ "type": "number" }));
        let after = document(property_after, &json!({ "type": "number", "nullable": true }));
        let side = |document| Side { document, surface: &surface, products: &[] };
        let report = report(REDOCLY, &side(&before), &side(&after), Vec::new(), "")?;
        Ok(report.changes.into_iter().map(|change| change.text).collect())
    }

    #[test]
    fn moving_nullable_between_a_reference_and_its_target_is_no_change() -> Result<()> {
        let reference = json!({ "allOf": [{ "$ref": "#/components/schemas/Amount" }] });
        let nullable =
            json!({ "allOf": [{ "$ref": "#/components/schemas/Amount" }], "nullable": true });
        assert_eq!(breaking(&nullable, &reference)?, [""; 0]);
        assert_eq!(breaking(&reference, &reference)?, ["Type of `Amount` widened"]);
        Ok(())
    }
}

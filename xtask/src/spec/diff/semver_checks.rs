//! Breaking changes of the hand-written crates, by `cargo-semver-checks`.

use anyhow::{Result, ensure};

use super::{
    change::{Audience, Change, Weight},
    releases::{Kind, Product},
};
use crate::{tools, workspace::root};

pub fn changes(revision: &str, products: &[Product]) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for product in
        products.iter().filter(|product| matches!(product.kind, Kind::Generated | Kind::ShowsTypes))
    {
        let mut check = tools::semver_checks()?;
        check.args("semver-checks check-release --color never --baseline-rev".split(' '));
        check.args([revision, "--package", &product.name]);
        // Reports breaking changes whatever the version is.
        check.args(["--release-type", "minor"]).current_dir(root());
        let output = check.output()?;
        let report = String::from_utf8_lossy(&output.stdout);
        let found = breaking(&product.name, &report);
        ensure!(
            output.status.success() || !found.is_empty(),
            "{report}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        changes.extend(found);
    }
    Ok(changes)
}

/// Reads each broken rule with the items that break it.
fn breaking(package: &str, report: &str) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut rule = None;
    let mut is_listing = false;
    for line in report.lines() {
        if let Some(failure) = line.strip_prefix("--- failure ") {
            rule = failure.split_once(": ").map(|(_, title)| title.trim_end_matches([' ', '-']));
            is_listing = false;
        } else if line.starts_with("Failed in:") || line.is_empty() {
            is_listing = !line.is_empty();
        } else if let (true, Some(rule), Some(item)) = (is_listing, rule, line.strip_prefix("  ")) {
            let item = item
                .split_once(", previously in ")
                .or_else(|| item.split_once(" in /"))
                .map_or(item, |(item, _)| item);
            changes.push(Change::new(
                Weight::Breaking,
                Audience::Rust,
                format!("{package}: {rule}: {}", item.trim()),
            ));
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_breaking_item_is_named_with_its_rule() {
        let report = "
--- failure constructible_struct_adds_field: struct exhaustively constructible through public API adds field ---

Description:
A pub struct that could be constructed with a literal has a new pub field.
        ref: https://doc.rust-lang.org/reference/expressions/struct-expr.html
       impl: https://github.com/obi1kenobi/cargo-semver-checks/tree/v0.51.0/src/lints/constructible_struct_adds_field.ron

Failed in:
  field CustomTemplateJob.thumbnail_url in /workspace/target/debug/build/creatify-api/out/codegen.rs:156

     Summary semver requires new major version: 1 major and 0 minor checks failed
";
        let changes: Vec<_> =
            breaking("creatify-api", report).into_iter().map(|change| change.text).collect();
        let expected = "creatify-api: struct exhaustively constructible through public API adds field: field CustomTemplateJob.thumbnail_url";
        assert_eq!(changes, [expected]);
        assert_eq!(breaking("creatify", "     Summary no semver update required\n"), []);
    }
}

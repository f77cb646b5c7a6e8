//! Versions that follow from changes, and their entries in the changelog.

use anyhow::{Context, Result};
use semver::Version;
use toml::Table;

use super::{
    change::{Audience, Change, Weight},
    tree::{OPENAPI, Tree},
};

/// The document or a crate, with its version.
#[derive(Debug, Clone)]
pub struct Product {
    pub name: String,
    pub version: Version,
    pub kind: Kind,
}

/// Relation of a product to the document. The crates share the version of the workspace and are
/// raised together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Document,
    /// The crate that is generated from it.
    Generated,
    /// A crate whose users see the generated types.
    ShowsTypes,
    /// A crate that uses the generated code without showing it.
    Inside,
}

/// A product before and after a change.
#[derive(Debug)]
pub struct Release {
    pub name: String,
    pub kind: Kind,
    pub before: Version,
    pub after: Version,
    /// Weight of the heaviest change.
    pub weight: Option<Weight>,
    /// Lowest version that announces the changes.
    pub own: Version,
    /// Lowest version that all crates can share.
    pub needed: Version,
    /// The changelog has an entry for that version.
    pub has_entry: bool,
}

/// Reads the versions of the document and of the published crates.
pub fn products(tree: &Tree) -> Result<Vec<Product>> {
    let document: serde_json::Value = serde_saphyr::from_str(&tree.openapi()?)?;
    let version =
        document["info"]["version"].as_str().context("openapi.yaml has no info.version")?;
    let mut products =
        vec![Product { name: OPENAPI.to_owned(), version: version.parse()?, kind: Kind::Document }];
    let version = &manifest(tree, "Cargo.toml")?["workspace"]["package"]["version"];
    let version: Version =
        version.as_str().context("workspace.package.version is a string")?.parse()?;
    for folder in tree.list("crates")? {
        let manifest = manifest(tree, &format!("crates/{folder}/Cargo.toml"))?;
        let name = manifest["package"]["name"].as_str().context("a package has a name")?.to_owned();
        let dependencies =
            manifest.get("dependencies").and_then(|dependencies| dependencies.as_table());
        let uses = dependencies.is_some_and(|dependencies| dependencies.contains_key(GENERATED));
        let is_library = tree.read(&format!("crates/{folder}/src/lib.rs"))?.is_some();
        let kind = match (name == GENERATED, uses && is_library) {
            (true, _) => Kind::Generated,
            (_, true) => Kind::ShowsTypes,
            _ => Kind::Inside,
        };
        products.push(Product { name, version: version.clone(), kind });
    }
    Ok(products)
}

/// Returns all products at their first versions, for reports that do not depend on releases.
pub fn first_products() -> Vec<Product> {
    let product = |name: &str, kind, version| Product { name: name.to_owned(), version, kind };
    let crates = [
        (GENERATED, Kind::Generated),
        ("creatify", Kind::ShowsTypes),
        ("creatify-sandbox", Kind::ShowsTypes),
        ("creatify-cli", Kind::Inside),
    ];
    let crates = crates.map(|(name, kind)| product(name, kind, Version::new(0, 1, 0)));
    [product(OPENAPI, Kind::Document, Version::new(1, 0, 0))].into_iter().chain(crates).collect()
}

/// The crate that is generated from the document.
const GENERATED: &str = "creatify-api";

fn manifest(tree: &Tree, path: &str) -> Result<Table> {
    tree.read(path)?
        .with_context(|| format!("there is no {path}"))?
        .parse()
        .with_context(|| path.to_owned())
}

/// Computes the release of each product that changes.
pub fn releases(
    changes: &[Change],
    unnoticed: usize,
    before: &[Product],
    after: &[Product],
    changelog: &str,
) -> Vec<Release> {
    let heaviest = |hits: &dyn Fn(Audience) -> bool| {
        changes.iter().filter(|change| hits(change.audience)).map(|change| change.weight).min()
    };
    let mut releases = Vec::new();
    for product in after {
        let weight = match product.kind {
            Kind::Document => heaviest(&|audience| audience != Audience::Rust),
            Kind::Generated | Kind::ShowsTypes => {
                heaviest(&|audience| matches!(audience, Audience::Rust | Audience::Money))
            }
            // Its users cannot depend on the generated types.
            Kind::Inside => {
                heaviest(&|audience| matches!(audience, Audience::Rust | Audience::Money))
                    .map(|weight| weight.max(Weight::Decision))
            }
        };
        if weight.is_none() && (product.kind != Kind::Document || unnoticed == 0) {
            continue;
        }
        let old = before.iter().find(|old| old.name == product.name).unwrap_or(product);
        let own = next(&old.version, weight);
        releases.push(Release {
            name: product.name.clone(),
            kind: product.kind,
            before: old.version.clone(),
            after: product.version.clone(),
            weight,
            needed: own.clone(),
            own,
            has_entry: false,
        });
    }
    let shared = releases
        .iter()
        .filter(|release| release.kind != Kind::Document)
        .map(|release| release.needed.clone())
        .max();
    for release in &mut releases {
        release.needed = shared
            .clone()
            .filter(|_| release.kind != Kind::Document)
            .unwrap_or_else(|| release.needed.clone());
        release.has_entry = has_entry(changelog, &release.name, release.version());
    }
    releases
}

/// Applies semantic versioning; below 1.0.0 the second number announces breaking changes.
fn next(version: &Version, weight: Option<Weight>) -> Version {
    let Version { major, minor, patch, .. } = *version;
    match (weight, major) {
        (Some(Weight::Breaking), 0) => Version::new(0, minor + 1, 0),
        (Some(Weight::Breaking), _) => Version::new(major + 1, 0, 0),
        (Some(_), 1..) => Version::new(major, minor + 1, 0),
        _ => Version::new(major, minor, patch + 1),
    }
}

/// Finds a heading such as `## creatify-api, creatify 0.2.0` with text below it.
fn has_entry(changelog: &str, name: &str, version: &Version) -> bool {
    changelog.split("\n## ").skip(1).any(|section| {
        let (heading, text) = section.split_once('\n').unwrap_or((section, ""));
        let of = heading.trim().rsplit_once(' ').filter(|(_, own)| *own == version.to_string());
        of.is_some_and(|(names, _)| names.split(", ").any(|own| own == name))
            && !text.trim().is_empty()
    })
}

impl Release {
    /// Returns the version that will contain the changes.
    pub fn version(&self) -> &Version {
        (&self.needed).max(&self.after)
    }

    /// Explains the version.
    pub fn why(&self) -> String {
        match (self.kind, self.weight) {
            _ if self.own < self.needed => {
                format!("{} would do, but the crates share a version", self.own)
            }
            (Kind::ShowsTypes, Some(Weight::Breaking)) => format!("shows types of {GENERATED}"),
            (Kind::Document | Kind::Generated, Some(Weight::Breaking)) => "breaking".to_owned(),
            (_, Some(Weight::Decision)) if self.kind != Kind::Inside => "money".to_owned(),
            (Kind::Document | Kind::Generated, Some(_)) => "additive".to_owned(),
            (Kind::Document, None) => "words".to_owned(),
            _ => format!("follows {GENERATED}"),
        }
    }

    pub fn is_raised(&self) -> bool {
        self.after >= self.needed
    }

    pub fn is_done(&self) -> bool {
        self.is_raised() && self.has_entry
    }

    /// A breaking change or one of money must not stay unreleased.
    pub fn is_required(&self) -> bool {
        matches!(self.weight, Some(Weight::Breaking | Weight::Decision))
    }
}

/// Lists the steps that are left before the release.
pub fn todo(releases: &[Release]) -> Vec<String> {
    let mut todo = Vec::new();
    for (number, is_of) in
        [("info.version in openapi.yaml", true), ("version in Cargo.toml", false)]
    {
        let of = || releases.iter().filter(|release| (release.kind == Kind::Document) == is_of);
        let Some(version) = of().map(Release::version).next() else { continue };
        if !of().all(Release::is_raised) {
            todo.push(format!("raise {number} to {version}"));
        }
        let missing: Vec<_> = of()
            .filter(|release| !release.has_entry)
            .map(|release| release.name.as_str())
            .collect();
        if !missing.is_empty() {
            todo.push(format!(
                "say what changed and why in CHANGELOG.md, under `## {} {version}`",
                missing.join(", ")
            ));
        }
    }
    todo
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // tests

    use super::*;

    #[test]
    fn the_next_version_is_the_lowest_that_announces_the_change() {
        for (version, weight, expected) in [
            ("1.2.3", Some(Weight::Breaking), "2.0.0"),
            ("1.2.3", Some(Weight::Decision), "1.3.0"),
            ("1.2.3", Some(Weight::Additive), "1.3.0"),
            ("1.2.3", None, "1.2.4"),
            ("0.2.3", Some(Weight::Breaking), "0.3.0"),
            ("0.2.3", Some(Weight::Additive), "0.2.4"),
        ] {
            assert_eq!(
                next(&version.parse().unwrap(), weight).to_string(),
                expected,
                "{version} {weight:?}"
            );
        }
    }

    #[test]
    fn an_entry_has_the_product_the_version_and_some_text() {
        let changelog = "# Changelog\n\n## openapi.yaml 2.0.0\n\nIt breaks.\n\n## creatify-api, creatify 0.2.0\n\nIt follows.\n\n## creatify-cli 0.2.0\n\n";
        let told = |name, version: &str| has_entry(changelog, name, &version.parse().unwrap());
        assert!(
            told("openapi.yaml", "2.0.0")
                && told("creatify", "0.2.0")
                && told("creatify-api", "0.2.0")
        );
        assert!(!told("openapi.yaml", "2.0.1") && !told("creatify-sandbox", "0.2.0"));
        assert!(!told("creatify-cli", "0.2.0"), "a heading alone is no entry");
    }

    /// Releases of the first products, raised to the given versions.
    fn released(changes: &[Change], openapi: &str, crates: &str, changelog: &str) -> Vec<Release> {
        let before = first_products();
        let raised = |product: &Product| {
            let version = if product.kind == Kind::Document { openapi } else { crates };
            Product { version: version.parse().unwrap(), ..product.clone() }
        };
        let after: Vec<_> = before.iter().map(raised).collect();
        releases(changes, 0, &before, &after, changelog)
    }

    #[test]
    fn a_breaking_change_is_done_once_its_version_is_raised_and_has_an_entry() {
        let changes = [Change::new(Weight::Breaking, Audience::EveryClient, "a field is gone")];
        let told = "# Changelog\n\n## openapi.yaml 2.0.0\n\nThe field is gone.\n";
        for (version, changelog, is_done) in [
            ("1.0.0", "", false),
            ("1.0.0", told, false),
            ("1.1.0", told, false),
            ("2.0.0", "", false),
            ("2.0.0", told, true),
        ] {
            let releases = released(&changes, version, "0.1.0", changelog);
            let names: Vec<_> = releases.iter().map(|release| release.name.as_str()).collect();
            assert_eq!(names, [OPENAPI], "the wire alone changed");
            assert!(releases[0].is_required());
            assert_eq!(
                (releases[0].is_done(), todo(&releases).is_empty()),
                (is_done, is_done),
                "{version} {changelog:?}"
            );
        }
    }

    #[test]
    fn a_change_of_money_requires_an_entry_and_an_additive_change_does_not() {
        let decision = released(
            &[Change::new(Weight::Decision, Audience::Money, "a price")],
            "1.1.0",
            "0.1.1",
            "",
        );
        assert!(
            decision
                .iter()
                .all(|release| release.is_required() && release.is_raised() && !release.has_entry)
        );
        let additive = released(
            &[Change::new(Weight::Additive, Audience::Rust, "a method")],
            "1.0.0",
            "0.1.0",
            "",
        );
        let required = additive
            .iter()
            .filter(|release| release.weight == Some(Weight::Additive))
            .any(Release::is_required);
        assert!(!required && additive.len() == 4, "{additive:?}");
    }
}

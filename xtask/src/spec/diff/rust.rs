//! Changes for Rust code: the generated types and methods, compared by their reviewed snapshots.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use quote::ToTokens;
use syn::{Fields, Item};

use super::change::{Audience, Change, Weight};
use crate::surface::Surface;

// Effects of a new member: generated fields are public, variants are not `#[non_exhaustive]`.
const OPTIONAL: &str =
    "only code that writes the type out field by field; builders and access to fields go on";
const REQUIRED: &str =
    "code that writes the type out does not compile, and a builder that does not set it fails";
const VARIANT: &str = "a match without `_` does not compile";

pub fn rust(before: &Surface, after: &Surface) -> Vec<Change> {
    let mut changes = Vec::new();
    for name in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let (kind, own) = name.split_once('/').unwrap_or_default();
        let name_of = |member: &str| match (kind, own) {
            ("types", own) => format!("types::{own}{member}"),
            (_, own) => format!("{own}{member}"),
        };
        match (before.get(name), after.get(name), kind) {
            (Some(before), Some(after), _) if before == after => {}
            // Money is compared in the document itself.
            (.., "surface") if matches!(own, "rate_cards" | "plans") => {}
            (Some(_), None, _) => changes.push(breaking(format!("`{}` is gone", name_of("")))),
            (None, Some(_), _) => changes.push(additive(format!("`{}` is new", name_of("")))),
            (Some(before), Some(after), "types") => changes.extend(types(own, before, after)),
            (Some(before), Some(after), _) => changes.extend(members(own, before, after)),
            (None, None, _) => {}
        }
    }
    changes
}

fn breaking(text: String) -> Change {
    Change::new(Weight::Breaking, Audience::Rust, text)
}

fn additive(text: String) -> Change {
    Change::new(Weight::Additive, Audience::Rust, text)
}

/// The public form of a type: derives, and fields or variants with their types.
struct Type {
    kind: &'static str,
    derives: BTreeSet<String>,
    members: BTreeMap<String, String>,
}

impl Type {
    fn parse(source: &str) -> Option<Self> {
        let (kind, attributes, members) = match syn::parse_str(source).ok()? {
            Item::Struct(it) => ("a struct", it.attrs, fields(&it.fields)),
            Item::Enum(it) => {
                let variants = it
                    .variants
                    .iter()
                    .map(|variant| (variant.ident.to_string(), tight(&variant.fields)));
                ("an enum", it.attrs, variants.collect())
            }
            _ => return None,
        };
        let derives = attributes.iter().filter(|attribute| attribute.path().is_ident("derive"));
        let derives = derives.flat_map(|attribute| {
            let list =
                attribute.meta.require_list().map(|list| tight(&list.tokens)).unwrap_or_default();
            list.split(',').map(str::to_owned).collect::<Vec<_>>()
        });
        Some(Self { kind, derives: derives.collect(), members })
    }
}

fn fields(fields: &Fields) -> BTreeMap<String, String> {
    let name = |(index, field): (usize, &syn::Field)| {
        let name = field.ident.as_ref().map_or_else(|| index.to_string(), ToString::to_string);
        (name, tight(&field.ty))
    };
    fields.iter().enumerate().map(name).collect()
}

fn tight(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string().replace(' ', "")
}

fn types(name: &str, before: &str, after: &str) -> Vec<Change> {
    let (Some(before), Some(after)) = (Type::parse(before), Type::parse(after)) else {
        return vec![breaking(format!(
            "`types::{name}` changed in a way that is not understood; see cargo xtask regen"
        ))];
    };
    if before.kind != after.kind {
        return vec![breaking(format!(
            "`types::{name}` was {} and is {}",
            before.kind, after.kind
        ))];
    }
    let mut changes: Vec<_> = before
        .derives
        .difference(&after.derives)
        .map(|gone| breaking(format!("`types::{name}` is no longer {gone}")))
        .collect();
    for (member, before) in &before.members {
        match after.members.get(member) {
            None => changes.push(breaking(format!("`types::{name}.{member}` is gone"))),
            Some(after) if after != before => {
                changes.push(breaking(format!(
                    "`types::{name}.{member}` was {} and is {}",
                    short(before),
                    short(after)
                )));
            }
            Some(_) => {}
        }
    }
    for (member, new) in
        after.members.iter().filter(|(member, _)| !before.members.contains_key(*member))
    {
        let note = match after.kind {
            "an enum" => VARIANT,
            _ if new.contains("Option<") => OPTIONAL,
            _ => REQUIRED,
        };
        changes.push(breaking(format!("`types::{name}.{member}` is new")).note(note));
    }
    changes
}

/// Shortens a type by well-known paths.
fn short(name: &str) -> String {
    [
        "::std::option::",
        "::std::string::",
        "::std::vec::",
        "::serde_json::",
        "::uuid::",
        "::chrono::offset::",
        "::chrono::",
    ]
    .iter()
    .fold(name.to_owned(), |name, path| name.replace(path, ""))
}

/// Compares line by line: operations with their builders' methods, values of open enums, limits.
fn members(name: &str, before: &str, after: &str) -> Vec<Change> {
    let (before, after) = (entries(name, before), entries(name, after));
    let mut changes = Vec::new();
    // Setters come and go with their operation.
    let is_missing = |other: &BTreeMap<Entry, String>, member: &Entry| {
        let operation = Entry { of: None, name: member.of.clone().unwrap_or_default() };
        !other.contains_key(member)
            && (name != "methods" || member.of.is_none() || other.contains_key(&operation))
    };
    for (member, old) in &before {
        match after.get(member) {
            None if is_missing(&after, member) => {
                changes.push(breaking(format!("{member} is gone")))
            }
            Some(new) if new != old && name == "limits" => {
                changes.push(additive(format!("{member} was {old} and is {new}")))
            }
            Some(new) if new != old => {
                changes.push(breaking(format!("{member} was {} and is {}", short(old), short(new))))
            }
            _ => {}
        }
    }
    changes.extend(
        after
            .keys()
            .filter(|member| is_missing(&before, member))
            .map(|member| additive(format!("{member} is new"))),
    );
    changes
}

/// A line of such a list: a name, alone or below another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    of: Option<String>,
    name: String,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.of {
            Some(of) => write!(f, "`{}` of `{of}`", self.name),
            None => write!(f, "`{}`", self.name),
        }
    }
}

fn entries(list: &str, text: &str) -> BTreeMap<Entry, String> {
    let mut operation = "";
    let mut members = BTreeMap::new();
    for line in text.lines() {
        let (of, (name, value)) = match (list, line.strip_prefix("    ")) {
            ("methods", Some(setter)) => {
                (Some(operation), setter.split_once(": ").unwrap_or((setter, "")))
            }
            ("methods", None) => (None, line.split_once("  ").unwrap_or((line, ""))),
            ("limits", _) => (Some("limits"), line.split_once(' ').unwrap_or((line, ""))),
            _ => (Some(list), (line, "")),
        };
        if of.is_none() {
            operation = name;
        }
        members
            .insert(Entry { of: of.map(str::to_owned), name: name.to_owned() }, value.to_owned());
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changes that follow when one snapshot changes.
    fn found(name: &str, before: &str, after: &str) -> Vec<String> {
        let surface = |text: &str| Surface::from([(name.to_owned(), text.to_owned())]);
        rust(&surface(before), &surface(after))
            .into_iter()
            .map(|change| format!("{:?}: {}", change.weight, change.text))
            .collect()
    }

    #[test]
    fn a_public_member_that_goes_or_changes_is_breaking() {
        let before = "#[derive(Clone, Debug)] pub struct Job { pub id: ::uuid::Uuid, pub name: ::std::string::String }";
        assert_eq!(
            found(
                "types/Job",
                before,
                "#[derive(Clone)] pub struct Job { pub id: ::std::string::String }"
            ),
            [
                "Breaking: `types::Job` is no longer Debug",
                "Breaking: `types::Job.id` was Uuid and is String",
                "Breaking: `types::Job.name` is gone"
            ]
        );
        assert_eq!(
            found("types/Job", before, "pub enum Job { Text }"),
            ["Breaking: `types::Job` was a struct and is an enum"]
        );
        assert_eq!(
            found("types/Tag", "pub enum Tag { A(u8) }", "pub enum Tag { A(u8), B }"),
            ["Breaking: `types::Tag.B` is new"]
        );
    }

    #[test]
    fn docs_attributes_and_new_derives_are_no_change() {
        let before = "///A job.\n#[derive(Clone)] pub struct Job { ///Its id.\n pub id: u8 }";
        let after = "///One job.\n#[derive(Clone, Debug)] pub struct Job { ///The id.\n #[serde(default)] pub id: u8 }";
        assert_eq!(found("types/Job", before, after), [""; 0]);
    }

    #[test]
    fn setters_and_limits_are_compared_by_name() {
        assert_eq!(
            found(
                "surface/methods",
                "get_job  GET /job/\n    id: Uuid -> Self\n",
                "get_job  GET /job/\n    id: String -> Self\n    page: u8 -> Self\n"
            ),
            [
                "Breaking: `id` of `get_job` was Uuid -> Self and is String -> Self",
                "Additive: `page` of `get_job` is new"
            ]
        );
        assert_eq!(
            found("surface/limits", "name 255\nids 100\n", "name 100\n"),
            [
                "Breaking: `ids` of `limits` is gone",
                "Additive: `name` of `limits` was 255 and is 100"
            ]
        );
        assert_eq!(
            found("surface/JobStatus", "done\n", "ready\n"),
            ["Breaking: `done` of `JobStatus` is gone", "Additive: `ready` of `JobStatus` is new"]
        );
    }

    #[test]
    fn whole_types_come_and_go() {
        let (none, one) = (
            Surface::new(),
            Surface::from([("types/Job".to_owned(), "pub struct Job;".to_owned())]),
        );
        let weights = |before, after| {
            rust(before, after).into_iter().map(|change| change.weight).collect::<Vec<_>>()
        };
        assert_eq!(
            (weights(&one, &none), weights(&none, &one)),
            (vec![Weight::Breaking], vec![Weight::Additive])
        );
    }
}

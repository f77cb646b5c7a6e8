//! Agreement of the Rust types with the specification: the JSON Schema of each type equals that of
//! its component.

#![allow(clippy::unwrap_used)] // a test file

use std::collections::{BTreeMap, BTreeSet};

use creatify_tests::{
    document::{DOCUMENT, limits, object, referenced_name, resolve, schemas},
    rust_types::{RUST_TYPES, rust_type},
};
use serde_json::{Map, Value, json};

/// Keywords that do not decide which values decode. The generated types do not have `maxLength`;
/// see the test of the limits.
const IGNORED: [&str; 9] = [
    "$defs",
    "$schema",
    "description",
    "discriminator",
    "example",
    "maxLength",
    "nullable",
    "title",
    "writeOnly",
];

/// A `uri` is a `String`, since an invalid URL must decode too. schemars writes integers as
/// `int64`.
const IGNORED_FORMATS: [&str; 2] = ["uri", "int64"];

/// Returns a schema in the form in which both sides are compared. Whatever is left out does not
/// change which values decode.
struct Normal<'d> {
    document: &'d Value,
}

impl Normal<'_> {
    fn of(&self, schema: &Value) -> Value {
        let Value::Object(members) = schema else {
            // `true` means any value.
            return if *schema == json!(false) { json!(false) } else { json!({}) };
        };
        if let Some([only]) = members.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
            return self.of(only);
        }
        if let Some(name) = referenced_name(schema) {
            let is_plain_number = schemas(self.document)
                .get(name)
                .is_some_and(|component| component["type"] == "number");
            return if is_plain_number {
                json!({ "type": "number" })
            } else {
                json!({ "$ref": name })
            };
        }
        if let Some(union) = members.get("anyOf").or(members.get("oneOf")).and_then(Value::as_array)
        {
            let mut union: Vec<_> = union
                .iter()
                .map(|member| self.member(schema, member))
                .filter(|member| *member != json!({ "type": "null" }))
                .collect();
            if union.iter().any(|member| referenced_name(member).is_none()) {
                // Decoding tries the variants by their content; the order of references does not
                // matter.
                union.sort_by_key(Value::to_string);
            }
            return if union.len() == 1 { union.remove(0) } else { json!({ "anyOf": union }) };
        }
        let mut normal = Map::new();
        let required: Vec<&str> = members
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (key, value) in members {
            match key.as_str() {
                "type" => drop(normal.insert(key.clone(), without_null(value))),
                "enum" => drop(normal.insert(key.clone(), value.clone())),
                "const" => drop(normal.insert("enum".to_owned(), json!([value]))),
                "format" if IGNORED_FORMATS.contains(&value.as_str().unwrap()) => {}
                "items" => drop(normal.insert(key.clone(), self.of(value))),
                "additionalProperties" => drop(normal.insert(key.clone(), self.of(value))),
                "properties" => {
                    let properties = object(value).iter().map(|(name, property)| {
                        // Rust has one `Option` for what is left out and what is null; a required
                        // property must not be null on either side.
                        let nullable = required.contains(&name.as_str()) && is_nullable(property);
                        (name.clone(), json!({ "schema": self.of(property), "nullable": nullable }))
                    });
                    normal.insert(key.clone(), properties.collect());
                }
                "required" => {}
                key if IGNORED.contains(&key) || key.starts_with("x-") => {}
                _ => drop(normal.insert(key.clone(), value.clone())),
            }
        }
        if !required.is_empty() {
            let mut required = required;
            required.sort_unstable();
            normal.insert("required".to_owned(), json!(required));
        }
        Value::Object(normal)
    }

    /// In the specification the variants of a tagged union are components of their own; in Rust
    /// they are not.
    fn member(&self, union: &Value, member: &Value) -> Value {
        if union.get("discriminator").is_some() {
            self.of(resolve(self.document, member))
        } else {
            self.of(member)
        }
    }
}

fn without_null(kind: &Value) -> Value {
    match kind.as_array().map(Vec::as_slice) {
        Some([kind, Value::String(null)]) if null == "null" => kind.clone(),
        _ => kind.clone(),
    }
}

fn is_nullable(schema: &Value) -> bool {
    let has_null = |list: &Value| {
        list.as_array().is_some_and(|list| {
            list.iter().any(|member| *member == "null" || member["type"] == "null")
        })
    };
    schema["nullable"] == true || has_null(&schema["type"]) || has_null(&schema["anyOf"])
}

/// Returns the components that differ from their Rust types.
fn differences(document: &Value) -> BTreeMap<String, (Value, Value)> {
    let normal = Normal { document };
    let mut differences = BTreeMap::new();
    for rust in RUST_TYPES {
        let theirs = normal.of(&schemas(document)[rust.name]);
        let ours = normal.of((rust.schema)().as_value());
        if theirs != ours {
            differences.insert(rust.name.to_owned(), (theirs, ours));
        }
    }
    differences
}

#[test]
fn every_rust_type_has_the_schema_of_its_component() {
    let differences = differences(&DOCUMENT);
    assert!(differences.is_empty(), "specification and Rust differ: {differences:#?}");
}

#[test]
fn every_component_has_a_rust_type_or_is_part_of_one() {
    let variants: Vec<_> = schemas(&DOCUMENT)
        .values()
        .filter_map(|schema| schema["discriminator"]["mapping"].as_object())
        .flat_map(|mapping| {
            mapping.values().filter_map(|reference| reference.as_str()?.rsplit('/').next())
        })
        .collect();
    for (name, schema) in schemas(&DOCUMENT) {
        let is_number = schema["type"] == "number"; // serde_json::Number
        assert!(
            rust_type(name).is_some() || is_number || variants.contains(&name.as_str()),
            "{name} has no Rust type"
        );
    }
}

#[test]
fn a_component_that_changed_is_noticed() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 14] = [
        ("CustomTemplateJob", |job| job["properties"]["name"]["pattern"] = json!("^[a-z]*$")),
        ("CustomTemplateJob", |job| job["properties"]["duration"] = json!({ "type": "integer" })),
        ("CustomTemplateJob", |job| job["additionalProperties"] = json!(false)),
        ("CustomTemplatePage", |page| page["properties"]["count"]["minimum"] = json!(0)),
        ("Variable", |variable| variable["anyOf"].as_array_mut().unwrap().reverse()),
        ("CustomTemplateJob", |job| job["properties"]["name"]["type"] = json!("integer")),
        ("CustomTemplateJob", |job| job["properties"]["id"]["format"] = json!("uri")),
        ("CustomTemplateJob", |job| drop(object_mut(&mut job["properties"]).remove("progress"))),
        ("CustomTemplateJob", |job| {
            job["properties"]["thumbnail_url"] = json!({ "type": "string" })
        }),
        ("CustomTemplateJobRequest", |request| request["required"] = json!(["template_id"])),
        ("JobStatus", |status| status["enum"] = json!(["pending", "done"])),
        ("TypedVariable", |variable| drop(variable["oneOf"].as_array_mut().unwrap().pop())),
        ("CustomTemplateJobList", |list| list["oneOf"][0] = json!({ "type": "string" })),
        ("RemainingCredits", |balance| {
            balance["properties"]["remaining_credits"]["nullable"] = json!(true)
        }),
    ];
    for (name, change) in changes {
        let mut document = DOCUMENT.clone();
        change(&mut document["components"]["schemas"][name]);
        let noticed = differences(&document);
        assert_eq!(noticed.keys().collect::<Vec<_>>(), [name]);
    }
}

fn object_mut(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().unwrap()
}

/// The generated types do not have the limits; the `creatify` crate checks them before it sends, by
/// these constants.
#[test]
fn the_limits_that_the_generated_types_lack_are_constants() {
    use creatify_api::limits as constants;
    let constants = BTreeMap::from([
        ("name", constants::NAME),
        ("webhook_url", constants::WEBHOOK_URL),
        ("ids", constants::IDS),
    ]);
    let limits = limits(&DOCUMENT);
    for (place, name, limit) in &limits {
        let constant = constants
            .get(name)
            .unwrap_or_else(|| panic!("{place}.{name} has a limit that is not listed here"));
        assert_eq!(*constant as u64, *limit, "{place}.{name}");
    }
    let limited: BTreeSet<_> = limits.iter().map(|(_, name, _)| *name).collect();
    assert_eq!(limited, constants.into_keys().collect());
}

/// Returns a value with the required members only.
fn least(schema: &Value) -> Value {
    let schema = resolve(&DOCUMENT, schema);
    let first = ["allOf", "oneOf", "anyOf"].iter().find_map(|key| schema[key].get(0));
    match (first, schema["enum"].get(0), schema["type"].as_str(), schema["format"].as_str()) {
        (Some(first), ..) => least(first),
        (_, Some(value), ..) => value.clone(),
        (_, _, Some("string"), Some("uuid")) => json!("7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11"),
        (_, _, Some("string"), _) => json!("text"),
        (_, _, Some("number" | "integer"), _) => json!(1),
        (_, _, Some("array"), _) => json!([]),
        _ => {
            let required = schema["required"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|name| name.as_str().unwrap());
            required.map(|name| (name.to_owned(), least(&schema["properties"][name]))).collect()
        }
    }
}

#[test]
fn null_decodes_wherever_the_specification_allows_it() {
    let mut tried = 0;
    for rust in RUST_TYPES {
        let schema = &schemas(&DOCUMENT)[rust.name];
        for (name, property) in schema.get("properties").map(object).into_iter().flatten() {
            let mut value = least(schema);
            (rust.round_trip)(value.clone())
                .unwrap_or_else(|error| panic!("{}: {error}", rust.name));
            if is_nullable(property) {
                value[name] = Value::Null;
                (rust.round_trip)(value)
                    .unwrap_or_else(|error| panic!("{}.{name}: {error}", rust.name));
                tried += 1;
            }
        }
    }
    assert!(tried > 20, "the nullable properties were not found");
}

//! The Rust types say what the specification says: their JSON Schema is that of the components.

#![allow(clippy::unwrap_used)] // a test file

use std::collections::BTreeMap;

use creatify_tests::{
    document::{DOCUMENT, object, operations, referenced_name, resolve, schemas},
    rust_types::{RUST_TYPES, rust_type},
};
use serde_json::{Map, Value, json};

/// Both sides in one form. What is left out does not change which values are decoded.
struct Normal<'d> {
    document: &'d Value,
}

impl Normal<'_> {
    fn of(&self, schema: &Value) -> Value {
        let Value::Object(members) = schema else { return json!({}) }; // `true` of schemars
        if let Some([only]) = members.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
            return self.of(only);
        }
        if let Some(name) = referenced_name(schema) {
            let component = &schemas(self.document)[name];
            let is_plain_number = component["type"] == "number" || name == "Number";
            return if is_plain_number { json!({ "type": "number" }) } else { json!({ "$ref": name }) };
        }
        if let Some(union) = members.get("anyOf").or(members.get("oneOf")).and_then(Value::as_array) {
            let mut union: Vec<_> = union
                .iter()
                .map(|member| self.member(schema, member))
                .filter(|member| *member != json!({ "type": "null" }))
                .collect();
            union.sort_by_key(Value::to_string);
            return if union.len() == 1 { union.remove(0) } else { json!({ "anyOf": union }) };
        }
        let mut normal = Map::new();
        let required: Vec<&str> =
            members.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        for (key, value) in members {
            match key.as_str() {
                "type" => drop(normal.insert(key.clone(), without_null(value))),
                "enum" => drop(normal.insert(key.clone(), value.clone())),
                "const" => drop(normal.insert("enum".to_owned(), json!([value]))),
                "format" if value == "uuid" || value == "date-time" => drop(normal.insert(key.clone(), value.clone())),
                "items" => drop(normal.insert(key.clone(), self.of(value))),
                "additionalProperties" if *value != json!(false) => drop(normal.insert(key.clone(), self.of(value))),
                "properties" => {
                    let properties = object(value).iter().map(|(name, property)| {
                        // Rust has one `Option` for what is left out and what is null; a required property must not be null on either side.
                        let nullable = required.contains(&name.as_str()) && is_nullable(property);
                        (name.clone(), json!({ "schema": self.of(property), "nullable": nullable }))
                    });
                    normal.insert(key.clone(), properties.collect());
                }
                _ => {}
            }
        }
        if !required.is_empty() {
            let mut required = required;
            required.sort_unstable();
            normal.insert("required".to_owned(), json!(required));
        }
        Value::Object(normal)
    }

    /// In the specification the variants of a tagged union are components of their own; in Rust they are not.
    fn member(&self, union: &Value, member: &Value) -> Value {
        if union.get("discriminator").is_some() { self.of(resolve(self.document, member)) } else { self.of(member) }
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
        list.as_array().is_some_and(|list| list.iter().any(|member| *member == "null" || member["type"] == "null"))
    };
    schema["nullable"] == true || has_null(&schema["type"]) || has_null(&schema["anyOf"])
}

/// The components that differ from their Rust types.
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
        .flat_map(|mapping| mapping.values().filter_map(|reference| reference.as_str()?.rsplit('/').next()))
        .collect();
    for (name, schema) in schemas(&DOCUMENT) {
        let is_number = schema["type"] == "number"; // serde_json::Number
        assert!(rust_type(name).is_some() || is_number || variants.contains(&name.as_str()), "{name} has no Rust type");
    }
}

#[test]
fn a_component_that_changed_is_noticed() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 9] = [
        ("CustomTemplateJob", |job| job["properties"]["name"]["type"] = json!("integer")),
        ("CustomTemplateJob", |job| job["properties"]["id"]["format"] = json!("uri")),
        ("CustomTemplateJob", |job| drop(object_mut(&mut job["properties"]).remove("progress"))),
        ("CustomTemplateJob", |job| job["properties"]["thumbnail_url"] = json!({ "type": "string" })),
        ("CustomTemplateJobRequest", |request| request["required"] = json!(["template_id"])),
        ("JobStatus", |status| status["enum"] = json!(["pending", "done"])),
        ("TypedVariable", |variable| drop(variable["oneOf"].as_array_mut().unwrap().pop())),
        ("CustomTemplateJobList", |list| list["oneOf"][0] = json!({ "type": "string" })),
        ("RemainingCredits", |balance| balance["properties"]["remaining_credits"]["nullable"] = json!(true)),
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

#[test]
fn the_limits_of_requests_are_those_of_the_specification() {
    // The generated types do not have them; the `creatify` crate checks them by these constants.
    use creatify_api::limits;
    let request = &schemas(&DOCUMENT)["CustomTemplateJobRequest"]["properties"];
    assert_eq!(request["name"]["maxLength"], limits::NAME);
    assert_eq!(request["webhook_url"]["maxLength"], limits::WEBHOOK_URL);
    let list = operations(&DOCUMENT).into_iter().find(|operation| operation.id() == "list_custom_template_jobs").unwrap();
    assert_eq!(list.value["parameters"][0]["schema"]["maxItems"], limits::IDS);
}

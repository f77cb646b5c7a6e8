//! Examples of the specification: each fits its schema, decodes into its Rust type, and encodes to
//! the same value again.

#![allow(clippy::unwrap_used)] // a test file

use std::collections::BTreeSet;

use creatify_tests::{
    contract::Contract,
    document::{DOCUMENT, object, operations, referenced_name, resolve},
    rust_types::rust_type,
};
use serde_json::Value;

/// The body of a request or an answer with its examples.
struct Media<'d> {
    place: String,
    schema: &'d Value,
    examples: Vec<(&'d str, &'d Value)>,
}

fn media<'d>(place: String, body: &'d Value, found: &mut Vec<Media<'d>>) {
    let body = resolve(&DOCUMENT, body);
    let Some(media) = body.get("content").map(|content| &content["application/json"]) else {
        return;
    };
    let examples = media.get("examples").map(object).into_iter().flatten();
    let examples = examples.map(|(name, example)| {
        let name = referenced_name(example).unwrap_or(name);
        (name, &resolve(&DOCUMENT, example)["value"])
    });
    found.push(Media { place, schema: &media["schema"], examples: examples.collect() });
}

fn all_media() -> Vec<Media<'static>> {
    let mut found = Vec::new();
    let mut of_operation = |place: &str, operation: &'static Value| {
        if let Some(request) = operation.get("requestBody") {
            media(format!("{place} request"), request, &mut found);
        }
        for (status, response) in object(&operation["responses"]) {
            media(format!("{place} {status}"), response, &mut found);
        }
    };
    for operation in operations(&DOCUMENT) {
        of_operation(operation.id(), operation.value);
        for callback in operation
            .value
            .get("callbacks")
            .map(object)
            .into_iter()
            .flatten()
            .map(|(_, callback)| callback)
        {
            for item in object(resolve(&DOCUMENT, callback)).values() {
                of_operation(&format!("{} callback", operation.id()), &item["post"]);
            }
        }
    }
    found
}

/// Removes null members, which mean the same as absent ones.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), without_nulls(value)))
            .collect(),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

#[test]
fn every_body_has_an_example() {
    let all = all_media();
    assert!(all.len() > 60, "the bodies were not found");
    for media in all {
        assert!(!media.examples.is_empty(), "{} has no example", media.place);
    }
}

#[test]
fn every_example_is_used() {
    let used: BTreeSet<_> =
        all_media().into_iter().flat_map(|media| media.examples).map(|(name, _)| name).collect();
    let there: BTreeSet<_> =
        object(&DOCUMENT["components"]["examples"]).keys().map(String::as_str).collect();
    assert_eq!(used, there);
}

#[test]
fn every_example_fits_its_schema() {
    let contract = Contract::default();
    for media in all_media() {
        for (name, example) in media.examples {
            contract
                .check(media.schema, example)
                .unwrap_or_else(|problem| panic!("{} {name}: {problem}", media.place));
        }
    }
}

#[test]
fn every_example_of_a_parameter_or_header_fits_its_schema() {
    fn walk(place: &str, value: &Value, contract: &Contract, checked: &mut usize) {
        if let (Some(schema), Some(example)) = (value.get("schema"), value.get("example")) {
            contract.check(schema, example).unwrap_or_else(|problem| panic!("{place}: {problem}"));
            *checked += 1;
        }
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(key, value)| {
                    walk(&format!("{place}.{key}"), value, contract, checked)
                });
            }
            Value::Array(items) => {
                items.iter().for_each(|value| walk(place, value, contract, checked))
            }
            _ => {}
        }
    }
    let mut checked = 0;
    for part in ["/paths", "/components/parameters", "/components/responses"] {
        walk(part, DOCUMENT.pointer(part).unwrap(), &Contract::default(), &mut checked);
    }
    assert!(checked >= 4, "the examples were not found");
}

#[test]
fn every_example_decodes_and_comes_back_as_it_was() {
    for media in all_media() {
        let component = referenced_name(media.schema)
            .unwrap_or_else(|| panic!("{} has no named schema", media.place));
        let rust = rust_type(component).unwrap_or_else(|| panic!("{component} has no Rust type"));
        for (name, example) in media.examples {
            let back = (rust.round_trip)(example.clone())
                .unwrap_or_else(|error| panic!("{} {name}: {error}", media.place));
            assert_eq!(without_nulls(&back), without_nulls(example), "{} {name}", media.place);
        }
    }
}

#[test]
fn an_example_that_does_not_fit_is_noticed() {
    let contract = Contract::default();
    let job = serde_json::json!({ "$ref": "#/components/schemas/CustomTemplateJob" });
    let check = |value: Value| contract.check(&job, &value);
    assert!(check(serde_json::json!({ "id": "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11", "status": "done", "name": null })).is_ok());
    assert!(check(serde_json::json!({ "id": "nonsense", "status": "done" })).is_err());
    assert!(check(serde_json::json!({ "status": "done" })).is_err());
    assert!(
        check(
            serde_json::json!({ "id": "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11", "status": "error" })
        )
        .is_err()
    );
    assert!(check(serde_json::json!({ "id": "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11", "status": "done", "name": 7 })).is_err());
}

#[test]
fn a_body_or_status_that_is_not_documented_is_noticed() {
    let contract = Contract::default();
    let balance = serde_json::json!({ "remaining_credits": 1 });
    assert!(contract.check_response("get_remaining_credits", 200, &balance).is_ok());
    assert!(contract.check_response("get_remaining_credits", 418, &balance).is_err());
    assert!(contract.check_request("get_remaining_credits", &balance).is_err());
}

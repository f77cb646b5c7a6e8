//! Rules that `openapi.yaml` keeps, so that every reader can rely on them.

#![allow(clippy::unwrap_used)] // a test file

use std::collections::BTreeSet;

use creatify_tests::document::{DOCUMENT, object, operations, schemas};
use serde_json::Value;

const MARKS: [&str; 5] = ["seed", "documented", "sibling", "observed", "inferred"];

fn has_mark(value: &Value) -> bool {
    value["x-provenance"].as_str().is_some_and(|mark| MARKS.contains(&mark))
}

#[test]
fn the_eight_operations_are_there_with_tags_and_descriptions() {
    let ids: BTreeSet<_> = operations(&DOCUMENT).iter().map(|operation| operation.id()).collect();
    let expected = [
        "create_custom_template_job",
        "preview_custom_template_job",
        "preview_custom_template_job_async",
        "get_custom_template_job",
        "render_custom_template_job",
        "list_custom_template_jobs",
        "list_custom_templates",
        "get_remaining_credits",
    ];
    assert_eq!(ids, expected.into());
    let tags: BTreeSet<_> = DOCUMENT["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    for operation in operations(&DOCUMENT) {
        let own = operation.value["tags"].as_array().unwrap();
        assert!(!own.is_empty() && own.iter().all(|tag| tags.contains(tag.as_str().unwrap())), "{}", operation.id());
        assert!(operation.value["summary"].is_string() && operation.value["description"].is_string(), "{}", operation.id());
        assert!(operation.path.ends_with('/'), "{}", operation.path);
    }
}

#[test]
fn every_operation_and_property_says_how_it_is_known() {
    for operation in operations(&DOCUMENT) {
        assert!(has_mark(operation.value), "{}", operation.id());
    }
    for (name, schema) in schemas(&DOCUMENT) {
        for (property, value) in schema.get("properties").map(object).into_iter().flatten() {
            assert!(has_mark(value), "{name}.{property}");
        }
    }
}

#[test]
fn every_billable_operation_has_a_rate_in_every_card() {
    let rates = &DOCUMENT["x-credit-rates"];
    let cards = object(&rates["cards"]);
    assert!(cards.contains_key(rates["default"].as_str().unwrap()));
    for operation in operations(&DOCUMENT) {
        let billing = operation.value["x-billing"].as_str().unwrap_or_else(|| panic!("{} has no x-billing", operation.id()));
        assert_eq!(billing == "free", operation.method == "get", "{}", operation.id());
        if billing != "free" {
            for (name, card) in cards {
                let rates = card["rates"].as_array().unwrap();
                assert!(rates.iter().any(|rate| rate["operation"] == billing), "{name} has no rate for {billing}");
                assert!(rates.iter().all(|rate| MARKS.contains(&rate["provenance"].as_str().unwrap())), "{name}");
            }
        }
    }
}

#[test]
fn every_documented_error_is_there() {
    for operation in operations(&DOCUMENT) {
        let codes: BTreeSet<_> = object(&operation.value["responses"]).keys().map(String::as_str).collect();
        let mut expected = vec!["401", "403", "429", "500", "502", "503", "504"];
        if operation.value["x-billing"] != "free" {
            expected.extend(["400", "402", "404"]);
        }
        for code in expected {
            assert!(codes.contains(code), "{} does not say what {code} means", operation.id());
        }
    }
}

#[test]
fn both_keys_are_required_in_one_requirement() {
    let security = DOCUMENT["security"].as_array().unwrap();
    assert_eq!(security.len(), 1);
    let headers: BTreeSet<_> = object(&security[0])
        .keys()
        .map(|name| DOCUMENT["components"]["securitySchemes"][name]["name"].as_str().unwrap())
        .collect();
    assert_eq!(headers, ["X-API-ID", "X-API-KEY"].into());
}

#[test]
fn enums_are_components_so_that_they_can_stay_open() {
    fn walk(place: &str, value: &Value, component: bool) {
        match value {
            Value::Object(members) => {
                let values = members.get("enum").and_then(Value::as_array).map_or(0, Vec::len);
                assert!(values <= 1 || component, "{place} has an enum that is no component");
                members.iter().for_each(|(key, member)| walk(&format!("{place}.{key}"), member, place == ".components.schemas"));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(place, item, false)),
            _ => {}
        }
    }
    walk("", &DOCUMENT, false);
}

#[test]
fn the_version_is_a_semantic_one_with_an_entry_in_the_changelog() {
    let version = DOCUMENT["info"]["version"].as_str().unwrap();
    let parts: Vec<_> = version.split('.').map(str::parse::<u32>).collect();
    assert!(parts.len() == 3 && parts.iter().all(Result::is_ok), "{version}");
    let changelog = include_str!("../../CHANGELOG.md");
    assert!(changelog.contains(&format!("## openapi.yaml {version}\n")), "CHANGELOG.md has no entry for openapi.yaml {version}");
}

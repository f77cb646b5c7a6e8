//! Rules for `openapi.yaml` that its readers rely on.

#![allow(clippy::unwrap_used)] // a test file

use std::collections::BTreeSet;

use creatify_tests::document::{DOCUMENT, object, operations, resolve, schemas};
use serde_json::Value;

/// Returns the marks of `x-provenance`, from the table in which the document explains them.
fn marks() -> Vec<&'static str> {
    let rows = DOCUMENT["info"]["description"].as_str().unwrap().lines();
    let marks: Vec<_> = rows.filter_map(|row| row.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(marks.len(), 5, "the table of the marks was not found");
    marks
}

fn has_mark(value: &Value) -> bool {
    value["x-provenance"].as_str().is_some_and(|mark| marks().contains(&mark))
}

/// Returns every property of a schema, at any depth, without a provenance mark.
fn unmarked(place: &str, schema: &Value, found: &mut Vec<String>) {
    for (name, property) in schema.get("properties").map(object).into_iter().flatten() {
        let place = format!("{place}.{name}");
        if !has_mark(property) {
            found.push(place.clone());
        }
        unmarked(&place, property, found);
    }
    for key in ["items", "additionalProperties"] {
        schema.get(key).into_iter().for_each(|inner| unmarked(place, inner, found));
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        schema[key]
            .as_array()
            .into_iter()
            .flatten()
            .for_each(|member| unmarked(place, member, found));
    }
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
    let tags: BTreeSet<_> = DOCUMENT["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    for operation in operations(&DOCUMENT) {
        let own = operation.value["tags"].as_array().unwrap();
        assert!(
            !own.is_empty() && own.iter().all(|tag| tags.contains(tag.as_str().unwrap())),
            "{}",
            operation.id()
        );
        assert!(
            operation.value["summary"].is_string() && operation.value["description"].is_string(),
            "{}",
            operation.id()
        );
        assert!(operation.path.ends_with('/'), "{}", operation.path);
    }
}

#[test]
fn every_operation_and_property_says_how_it_is_known() {
    for operation in operations(&DOCUMENT) {
        assert!(has_mark(operation.value), "{}", operation.id());
    }
    let mut found = Vec::new();
    schemas(&DOCUMENT).iter().for_each(|(name, schema)| unmarked(name, schema, &mut found));
    assert!(found.is_empty(), "without x-provenance: {}", found.join(", "));
    let lists =
        DOCUMENT["paths"].as_object().unwrap().values().flat_map(|item| object(item).iter());
    let parameters = lists.flat_map(|(key, value)| {
        if key == "parameters" { value } else { &value["parameters"] }.as_array()
    });
    for parameter in parameters.flatten().map(|parameter| resolve(&DOCUMENT, parameter)) {
        assert!(has_mark(parameter), "{}", parameter["name"]);
    }
}

#[test]
fn the_marks_are_those_that_the_rust_crates_know() {
    use creatify_api::credit_rates::Provenance::{Documented, Inferred, Observed, Seed, Sibling};
    assert_eq!(marks(), [Seed, Documented, Sibling, Observed, Inferred].map(|mark| mark.as_str()));
}

#[test]
fn every_billable_operation_has_a_rate_in_every_card() {
    let rates = &DOCUMENT["x-credit-rates"];
    let cards = object(&rates["cards"]);
    assert!(cards.contains_key(rates["default"].as_str().unwrap()));
    for operation in operations(&DOCUMENT) {
        let billing = operation.value["x-billing"]
            .as_str()
            .unwrap_or_else(|| panic!("{} has no x-billing", operation.id()));
        assert_eq!(billing == "free", operation.method == "get", "{}", operation.id());
        if billing != "free" {
            for (name, card) in cards {
                let rates = card["rates"].as_array().unwrap();
                for model in schemas(&DOCUMENT)["ModelVersion"]["enum"].as_array().unwrap() {
                    let of_model = |rate: &&Value| {
                        rate["model_version"].is_null() || rate["model_version"] == *model
                    };
                    let there =
                        rates.iter().filter(of_model).any(|rate| rate["operation"] == billing);
                    assert!(there, "{name} has no rate for {billing} with {model}");
                }
                assert!(
                    rates
                        .iter()
                        .all(|rate| marks().contains(&rate["provenance"].as_str().unwrap())),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn every_documented_error_is_there() {
    for operation in operations(&DOCUMENT) {
        let codes: BTreeSet<_> =
            object(&operation.value["responses"]).keys().map(String::as_str).collect();
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
                members.iter().for_each(|(key, member)| {
                    walk(&format!("{place}.{key}"), member, place == ".components.schemas")
                });
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
    assert!(
        changelog.contains(&format!("## openapi.yaml {version}\n")),
        "CHANGELOG.md has no entry for openapi.yaml {version}"
    );
}

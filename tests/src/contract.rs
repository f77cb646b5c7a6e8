//! Validation of requests and answers against the specification, whose schemas are used as JSON
//! Schema.

use std::{collections::HashMap, sync::Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::document::{DOCUMENT, operations, resolve};

/// The contract of the specification.
#[derive(Default)]
pub struct Contract {
    validators: Mutex<HashMap<String, std::sync::Arc<Validator>>>,
}

impl Contract {
    /// Checks the body of a request.
    ///
    /// # Errors
    ///
    /// A description of the first violation.
    pub fn check_request(&self, operation: &str, body: &Value) -> Result<(), String> {
        let request = find(operation)
            .get("requestBody")
            .ok_or_else(|| format!("{operation}: no body is documented"))?;
        self.check(json_of(resolve(&DOCUMENT, request)), body)
    }

    /// Checks the status and the body of an answer; no body is `Null`.
    ///
    /// # Errors
    ///
    /// A description of the first violation.
    pub fn check_response(&self, operation: &str, status: u16, body: &Value) -> Result<(), String> {
        let response = find(operation)["responses"].get(status.to_string());
        let response = resolve(
            &DOCUMENT,
            response.ok_or_else(|| format!("{operation}: status {status} is not documented"))?,
        );
        match response.get("content") {
            Some(_) => self.check(json_of(response), body),
            None => Ok(()),
        }
    }

    /// Checks a value against a schema of the specification.
    ///
    /// # Errors
    ///
    /// A description of the first violation.
    pub fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let validator = {
            let mut validators =
                self.validators.lock().expect("no test panics while it holds this");
            validators
                .entry(schema.to_string())
                .or_insert_with(|| std::sync::Arc::new(validator(&DOCUMENT, schema)))
                .clone()
        };
        let problems: Vec<_> = validator
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(format!("{}\nin {value}", problems.join("\n")))
        }
    }
}

fn find(operation: &str) -> &'static Value {
    operations(&DOCUMENT)
        .into_iter()
        .find(|known| known.id() == operation)
        .unwrap_or_else(|| panic!("no operation {operation}"))
        .value
}

fn json_of(body: &Value) -> &Value {
    body.pointer("/content/application~1json/schema")
        .unwrap_or_else(|| panic!("no JSON schema in {body}"))
}

/// Returns a JSON Schema validator for a schema of a document.
pub fn validator(document: &Value, schema: &Value) -> Validator {
    let mut root = json_schema(schema);
    root["components"] = json!({ "schemas": json_schema(&document["components"]["schemas"]) });
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    jsonschema::options()
        .should_validate_formats(true)
        .build(&root)
        .expect("the schema is a JSON Schema")
}

/// Translates a schema: OpenAPI 3.0 has `nullable` where JSON Schema has the type `null`, and
/// keywords that JSON Schema does not have.
pub fn json_schema(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let mut converted: serde_json::Map<_, _> = members
                .iter()
                .filter(|(key, value)| {
                    !(matches!(key.as_str(), "nullable" | "discriminator")
                        && (value.is_boolean() || value.is_object()))
                })
                .map(|(key, value)| (key.clone(), json_schema(value)))
                .collect();
            if members.get("nullable") == Some(&json!(true)) {
                return json!({ "anyOf": [converted, { "type": "null" }] });
            }
            // Keywords beside a reference have no meaning.
            if let Some(reference) = converted.remove("$ref") {
                return json!({ "$ref": reference });
            }
            Value::Object(converted)
        }
        Value::Array(items) => items.iter().map(json_schema).collect(),
        other => other.clone(),
    }
}

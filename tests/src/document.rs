//! The specification as a JSON document.

use std::sync::LazyLock;

use serde_json::{Map, Value};

/// `openapi.yaml`, as the crates were generated from it.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    serde_saphyr::from_str(creatify_api::OPENAPI_YAML).expect("openapi.yaml is YAML")
});

/// An operation with its place in the document.
#[derive(Debug, Clone, Copy)]
pub struct Operation<'d> {
    /// Path.
    pub path: &'d str,
    /// Method, in lower case.
    pub method: &'d str,
    /// The whole operation object.
    pub value: &'d Value,
}

impl<'d> Operation<'d> {
    /// Returns its `operationId`.
    pub fn id(&self) -> &'d str {
        self.value["operationId"].as_str().expect("an operation has an id")
    }
}

/// Returns all operations of a document.
pub fn operations(document: &Value) -> Vec<Operation<'_>> {
    let mut operations = Vec::new();
    for (path, item) in object(&document["paths"]) {
        for (method, value) in object(item) {
            if value.get("operationId").is_some() {
                operations.push(Operation { path, method, value });
            }
        }
    }
    operations
}

/// Returns the schemas of a document by name.
pub fn schemas(document: &Value) -> &Map<String, Value> {
    object(&document["components"]["schemas"])
}

/// Returns the components that are enums: the open enums of the Rust crates.
pub fn enums(document: &Value) -> impl Iterator<Item = (&str, Vec<&str>)> {
    schemas(document).iter().filter_map(|(name, schema)| {
        let values = schema.get("enum")?.as_array()?;
        Some((name.as_str(), values.iter().filter_map(Value::as_str).collect()))
    })
}

/// Returns every limit of a property or parameter: its place, the name of the property or
/// parameter, and the limit.
pub fn limits(document: &Value) -> Vec<(String, &str, u64)> {
    let mut limits = Vec::new();
    for (component, schema) in schemas(document) {
        for (name, property) in schema.get("properties").map(object).into_iter().flatten() {
            limits.extend(
                property["maxLength"]
                    .as_u64()
                    .map(|limit| (component.clone(), name.as_str(), limit)),
            );
        }
    }
    for operation in operations(document) {
        for parameter in operation.value["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or_default();
            limits.extend(
                parameter["schema"]["maxItems"]
                    .as_u64()
                    .map(|limit| (operation.id().to_owned(), name, limit)),
            );
        }
    }
    limits
}

/// Returns the members of an object.
pub fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("not an object: {value}"))
}

/// Resolves a reference; other values are returned unchanged.
pub fn resolve<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => {
            let pointer = reference.strip_prefix('#').expect("references stay in the document");
            resolve(
                document,
                document.pointer(pointer).unwrap_or_else(|| panic!("nothing at {reference}")),
            )
        }
        None => value,
    }
}

/// Returns the last part of a reference.
pub fn referenced_name(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()?.rsplit('/').next()
}

//! Access to parts of the OpenAPI document.

use serde_json::{Map, Value};

/// A component that is a string with a list of values.
pub struct StringEnum {
    pub name: String,
    pub description: String,
    pub values: Vec<String>,
}

pub fn schemas(document: &Value) -> &Map<String, Value> {
    document["components"]["schemas"].as_object().expect("components.schemas is an object")
}

pub fn schemas_mut(document: &mut Value) -> &mut Map<String, Value> {
    document["components"]["schemas"].as_object_mut().expect("components.schemas is an object")
}

/// Returns every operation: the members of path items that are methods.
pub fn operations_mut(document: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let paths = document["paths"].as_object_mut().expect("paths is an object");
    paths
        .values_mut()
        .filter_map(Value::as_object_mut)
        .flat_map(|item| item.values_mut())
        .filter_map(Value::as_object_mut)
        .filter(|member| member.contains_key("operationId"))
}

pub fn string_enums(document: &Value) -> Vec<StringEnum> {
    schemas(document)
        .iter()
        .filter_map(|(name, schema)| {
            let values = schema["enum"].as_array()?;
            Some(StringEnum {
                name: name.clone(),
                description: text(schema, "description").to_owned(),
                values: values.iter().map(|value| string(name, value)).collect(),
            })
        })
        .collect()
}

/// Returns a value that must be a string: YAML takes `no` and `y` for booleans.
fn string(component: &str, value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| {
            panic!("openapi.yaml: value {value} of {component} is not a string: put it in quotes")
        })
        .to_owned()
}

/// Returns the names of the components that are plain numbers.
pub fn numbers(document: &Value) -> Vec<String> {
    schemas(document)
        .iter()
        .filter(|(_, schema)| schema["type"] == "number")
        .map(|(name, _)| name.clone())
        .collect()
}

/// Returns the string at `key`, or the empty string.
pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

//! OpenAPI documents: operations, members and references.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

/// The methods of a path item, in upper case.
const METHODS: [&str; 8] = ["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"];

/// One operation and the path item it stands in.
#[derive(Debug, Clone, Copy)]
pub struct Operation<'d> {
    /// In upper case.
    pub method: &'static str,
    pub path: &'d str,
    pub item: &'d Value,
    pub value: &'d Value,
}

/// Iterates over the operations of a document.
pub fn operations(document: &Value) -> impl Iterator<Item = Operation<'_>> {
    members(&document["paths"]).flat_map(|(path, item)| {
        METHODS.iter().filter_map(move |method| {
            let value = item.get(method.to_ascii_lowercase())?;
            Some(Operation { method, path, item, value })
        })
    })
}

/// Finds a method by its name, in any case.
pub fn method(name: &str) -> Option<&'static str> {
    METHODS.into_iter().find(|method| method.eq_ignore_ascii_case(name))
}

/// Returns a path in a form that can be compared: without final slash and parameter names.
pub fn comparable(path: &str) -> String {
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    segments
        .map(
            |segment| {
                if segment.starts_with('{') { "/{}".to_owned() } else { format!("/{segment}") }
            },
        )
        .collect()
}

/// Iterates over the members of an object; over nothing for other values.
pub fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// Iterates over the items of an array; over nothing for other values.
pub fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Returns a number exactly as its digits stand in the document.
pub fn decimal(number: &Value) -> Option<Decimal> {
    number.as_number()?.to_string().parse().ok()
}

/// Returns the target of a reference.
pub fn reference(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()
}

/// Follows references to their target; returns other values as they are.
pub fn resolve<'d>(document: &'d Value, mut value: &'d Value) -> &'d Value {
    // A longer chain of references is a circle.
    for _ in 0..32 {
        let Some(target) = reference(value) else { return value };
        value = target
            .strip_prefix('#')
            .and_then(|pointer| document.pointer(pointer))
            .unwrap_or(&Value::Null);
    }
    &Value::Null
}

/// Lists the references of a document that have no target.
pub fn unresolved(document: &Value) -> Vec<&str> {
    fn walk<'d>(document: &'d Value, value: &'d Value, found: &mut Vec<&'d str>) {
        if let Some(target) = reference(value).filter(|_| resolve(document, value).is_null()) {
            found.push(target);
        }
        members(value).for_each(|(_, member)| walk(document, member, found));
        items(value).for_each(|item| walk(document, item, found));
    }
    let mut found = Vec::new();
    walk(document, document, &mut found);
    found.sort_unstable();
    found.dedup();
    found
}

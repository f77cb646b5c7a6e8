//! An OpenAPI document: where are its operations, and what do its references point to?

use rust_decimal::Decimal;
use serde_json::{Map, Value};

/// What OpenAPI allows as a method of a path.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// One operation and the path item it stands in.
#[derive(Debug, Clone, Copy)]
pub struct Operation<'d> {
    /// In upper case.
    pub method: &'static str,
    pub path: &'d str,
    pub item: &'d Value,
    pub value: &'d Value,
}

/// Every operation of a document.
pub fn operations(document: &Value) -> impl Iterator<Item = Operation<'_>> {
    members(&document["paths"]).flat_map(|(path, item)| {
        METHODS.iter().filter_map(move |method| {
            let value = item.get(*method)?;
            Some(Operation { method: upper(method), path, item, value })
        })
    })
}

/// The method of that name, in upper case.
pub fn method(name: &str) -> Option<&'static str> {
    METHODS.iter().find(|method| method.eq_ignore_ascii_case(name)).map(|method| upper(method))
}

fn upper(method: &str) -> &'static str {
    match method {
        "get" => "GET",
        "put" => "PUT",
        "post" => "POST",
        "delete" => "DELETE",
        "options" => "OPTIONS",
        "head" => "HEAD",
        "patch" => "PATCH",
        _ => "TRACE",
    }
}

/// A path by which two documents can be compared: no slash at the end, no names of parameters.
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

/// The members of an object; none of anything else.
pub fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// The items of an array; none of anything else.
pub fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A number by the digits in which it stands in the document; it prints as the shortest that reads back the same.
pub fn decimal(number: &Value) -> Option<Decimal> {
    number.as_number()?.to_string().parse().ok()
}

/// The target of a reference.
pub fn reference(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()
}

/// What a reference points to, through further references; what is no reference is itself.
pub fn resolve<'d>(document: &'d Value, mut value: &'d Value) -> &'d Value {
    // A chain of references that is longer than this turns in a circle.
    for _ in 0..32 {
        let Some(target) = reference(value) else { return value };
        value = target
            .strip_prefix('#')
            .and_then(|pointer| document.pointer(pointer))
            .unwrap_or(&Value::Null);
    }
    &Value::Null
}

/// The references of a document that lead nowhere.
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

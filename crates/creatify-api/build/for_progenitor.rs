//! What progenitor needs to see differently from everyone else who reads `openapi.yaml`.
//!
//! The document stays plain and honest for other tools; each step here says what progenitor would do without it.

use serde_json::{Map, Value, json};

use crate::spec::{operations_mut, schemas_mut};

/// The document as progenitor should see it.
pub fn adapt(mut document: Value) -> Value {
    for operation in operations_mut(&mut document) {
        keep_any_success_only(operation);
    }
    join_list_parameters(&mut document);
    inline_tagged_variants(schemas_mut(&mut document));
    for schema in schemas_mut(&mut document).values_mut() {
        ordered_unions(schema);
        for_each_object(schema, &mut |object| {
            object.remove("maxLength"); // would make a newtype for each string; the ergonomic crate checks lengths
            plain_reference(object);
        });
    }
    document
}

/// Errors lose their status when their body does not match the documented shape, and a 201 where 200 is expected becomes an error.
/// With one wildcard success, every failure arrives whole.
fn keep_any_success_only(operation: &mut Map<String, Value>) {
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else {
        return;
    };
    let success = responses
        .iter()
        .find(|(code, _)| code.starts_with('2'))
        .map(|(_, response)| response.clone());
    responses.clear();
    responses.extend(success.map(|response| ("2XX".to_owned(), response)));
}

/// `explode: false` is ignored: the key would be repeated. The caller joins the values with commas instead.
fn join_list_parameters(document: &mut Value) {
    for operation in operations_mut(document) {
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            if parameter["explode"] == json!(false) && parameter["schema"]["type"] == "array" {
                parameter["schema"] = json!({ "type": "string" });
            }
        }
    }
}

/// `anyOf` would become a struct with one optional field for each member; in order, first match wins, is what is meant.
fn ordered_unions(schema: &mut Value) {
    if let Some(members) = schema.as_object_mut().and_then(|object| object.remove("anyOf")) {
        schema["oneOf"] = members;
    }
}

/// A reference in `allOf` carries our marks beside it; through it, a discriminator is not recognised. What the generated code shows stays.
fn plain_reference(object: &mut Map<String, Value>) {
    if object.contains_key("nullable") || object.contains_key("description") {
        return;
    }
    if let Some([only]) = object.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
        let reference = only.clone();
        object.clear();
        object.extend(reference.as_object().cloned().into_iter().flatten());
    }
}

/// A tag is looked for in the members themselves, not behind references; without it, decoding tries one type after the other.
fn inline_tagged_variants(schemas: &mut Map<String, Value>) {
    let mut variants = Vec::new();
    for (union, schema) in schemas.iter() {
        for (tag, reference) in schema["discriminator"]["mapping"].as_object().into_iter().flatten()
        {
            let component = reference
                .as_str()
                .and_then(|reference| reference.rsplit('/').next())
                .expect("a mapping has references");
            variants.push((union.clone(), tag.clone(), component.to_owned()));
        }
    }
    for (union, ..) in &variants {
        schemas[union]["oneOf"] = json!([]);
    }
    for (union, tag, component) in variants {
        let mut variant = schemas.remove(&component).expect("a mapping names a component");
        variant["title"] = json!(tag);
        schemas[&union]["oneOf"].as_array_mut().expect("set above").push(variant);
    }
}

fn for_each_object(value: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            change(object);
            object.values_mut().for_each(|value| for_each_object(value, change));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| for_each_object(value, change)),
        _ => {}
    }
}

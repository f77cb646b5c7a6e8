//! Changes to the document that progenitor needs, and no other reader of `openapi.yaml`.
//!
//! The document stays plain for other tools; each step here says what progenitor would do without
//! it.

use serde_json::{Map, Value, json};

use crate::spec::{operations_mut, schemas_mut};

/// Returns the document in the form that progenitor needs.
pub fn adapt(mut document: Value) -> Value {
    for operation in operations_mut(&mut document) {
        keep_any_success_only(operation);
    }
    join_list_parameters(&mut document);
    inline_tagged_variants(schemas_mut(&mut document));
    for schema in schemas_mut(&mut document).values_mut() {
        ordered_unions(schema);
        for_each_object(schema, &mut plain_reference);
    }
    for_each_object(&mut document, &mut plain_string);
    document
}

/// Removes limits of strings: each would make a newtype, and a `pattern` one that needs the crate
/// `regress`. The ergonomic crate checks lengths, and the service patterns.
fn plain_string(object: &mut Map<String, Value>) {
    // In `properties`, the same names are fields, and their values are schemas.
    object.retain(|name, value| match name.as_str() {
        "maxLength" | "minLength" => !value.is_number(),
        "pattern" => !value.is_string(),
        _ => true,
    });
}

/// Keeps one wildcard success, so that every failure arrives whole.
///
/// Otherwise an error loses its status if its body has another shape than documented, and a 201
/// becomes an error where 200 is expected.
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

/// Makes lists with `explode: false` strings, in which the caller joins the values with commas.
///
/// Progenitor ignores `explode` and would repeat the key.
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

/// Replaces `anyOf` by `oneOf`, in which the first match wins.
///
/// `anyOf` would become a struct with an optional field for each member.
fn ordered_unions(schema: &mut Value) {
    if let Some(members) = schema.as_object_mut().and_then(|object| object.remove("anyOf")) {
        schema["oneOf"] = members;
    }
}

/// Replaces an `allOf` with a single reference by that reference, dropping our marks beside it.
///
/// Progenitor does not recognise a discriminator behind `allOf`. Objects with `nullable` or a
/// `description`, which the generated code shows, stay.
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

/// Moves the members of a tagged union into it.
///
/// Progenitor does not look for tags behind references; decoding would try each type in turn.
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

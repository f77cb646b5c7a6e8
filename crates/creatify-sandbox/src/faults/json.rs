//! JSON edits of response bodies. Pure.

use http::Uri;
use serde_json::{Map, Value, json};

/// Edits each object of a response: the job, or each job of a list or page.
pub(crate) fn edit_objects(value: &mut Value, mut edit: impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Array(items) => items.iter_mut().filter_map(Value::as_object_mut).for_each(edit),
        Value::Object(object) => match object.get_mut("results") {
            Some(Value::Array(items)) => {
                items.iter_mut().filter_map(Value::as_object_mut).for_each(edit)
            }
            _ => edit(object),
        },
        _ => {}
    }
}

/// Replaces every value of each object, except ids and statuses.
pub(crate) fn replace_values(value: &mut Value, replace: impl Fn(&str, &Value) -> Value) {
    edit_objects(value, |object| {
        for (name, value) in object
            .iter_mut()
            .filter(|(name, _)| !matches!(name.as_str(), "id" | "status" | "template_id"))
        {
            *value = replace(name, value);
        }
    });
}

/// Returns a value of another JSON type.
pub(crate) fn wrong_type(name: &str, value: &Value) -> Value {
    match value {
        Value::Number(number) => json!({ "value": number.to_string() }),
        Value::Null => json!([name]),
        other => json!([other]),
    }
}

/// Returns the page of a list that the URI asks for, with a `next` link to the following one.
pub(crate) fn page_of(items: &[Value], size: usize, base_url: &str, uri: &Uri) -> Value {
    let query = || url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let page = query()
        .find_map(|(name, value)| (name == "page").then(|| value.parse::<usize>().ok())?)
        .unwrap_or(1)
        .max(1);
    let link = |page: usize| {
        let others = query().filter(|(name, _)| name != "page");
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(others)
            .append_pair("page", &page.to_string())
            .finish();
        format!("{base_url}{}?{query}", uri.path())
    };
    let from = (page - 1).saturating_mul(size);
    let results: Vec<_> = items.iter().skip(from).take(size).cloned().collect();
    json!({
        "count": items.len(),
        "next": (from + results.len() < items.len()).then(|| link(page + 1)),
        "previous": (page > 1).then(|| link(page - 1)),
        "results": results,
    })
}

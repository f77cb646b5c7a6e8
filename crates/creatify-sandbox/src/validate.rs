//! Request validation, with the messages of Django REST framework.

use creatify_api::{ModelVersion, limits};
use serde_json::{Map, Value, json};
use url::Url;
use uuid::Uuid;

use crate::{
    job::JobParams,
    state::{JobChanges, RenderBody},
    templates::{self, Template},
};

/// The body of a 400 response.
pub(crate) type Errors = Value;

/// Validates the body of a create or a preview.
pub(crate) fn job_params(body: &[u8]) -> Result<JobParams, Errors> {
    let (changes, mut errors) = fields(body)?;
    require_template_and_variables(&changes, &mut errors);
    let (Some(template), Some(variables), true) =
        (changes.template, changes.variables, errors.is_empty())
    else {
        return Err(errors.into());
    };
    Ok(JobParams {
        template,
        variables,
        name: changes.name.flatten(),
        webhook_url: changes.webhook_url.flatten(),
        model_version: changes.model_version.unwrap_or(ModelVersion::Standard),
        is_hidden: changes.is_hidden.unwrap_or(false),
    })
}

/// Validates the body of a render.
pub(crate) fn job_changes(body: &[u8], form: RenderBody) -> Result<JobChanges, Errors> {
    let (changes, mut errors) = fields(body)?;
    if form == RenderBody::Strict {
        require_template_and_variables(&changes, &mut errors);
    }
    if errors.is_empty() { Ok(changes) } else { Err(errors.into()) }
}

fn require_template_and_variables(changes: &JobChanges, errors: &mut Map<String, Value>) {
    let is_given =
        [("template_id", changes.template.is_some()), ("variables", changes.variables.is_some())];
    for (field, _) in is_given.into_iter().filter(|(_, is_given)| !is_given) {
        errors.entry(field).or_insert_with(|| json!(["This field is required."]));
    }
}

/// Returns the valid fields that are present, and the messages for the invalid ones.
fn fields(body: &[u8]) -> Result<(JobChanges, Map<String, Value>), Errors> {
    let mut fields = match serde_json::from_slice(body) {
        _ if body.trim_ascii().is_empty() => Map::new(),
        Ok(Value::Object(fields)) => fields,
        Ok(other) => {
            let message =
                format!("Invalid data. Expected a dictionary, but got {}.", python_type(&other));
            return Err(json!({ "non_field_errors": [message] }));
        }
        Err(error) => return Err(json!({ "detail": format!("JSON parse error - {error}") })),
    };
    let mut errors = Map::new();
    let mut changes = JobChanges::default();
    if let Some(value) = fields.remove("template_id") {
        changes.template = checked("template_id", &value, template, &mut errors);
    }
    match fields.remove("variables") {
        None => {}
        Some(Value::Object(given)) => {
            let wrong: Map<_, _> = given
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), variable(value)?)))
                .collect();
            if wrong.is_empty() {
                changes.variables = Some(given);
            } else {
                errors.insert("variables".into(), wrong.into());
            }
        }
        Some(Value::Null) => _ = errors.insert("variables".into(), json!([NULL])),
        Some(other) => {
            let message =
                format!("Expected a dictionary of items but got type \"{}\".", python_type(&other));
            errors.insert("variables".into(), json!([message]));
        }
    }
    if let Some(value) = fields.remove("name") {
        changes.name = checked(
            "name",
            &value,
            |value| nullable(value, |value| text(value, limits::NAME)),
            &mut errors,
        );
    }
    if let Some(value) = fields.remove("webhook_url") {
        changes.webhook_url =
            checked("webhook_url", &value, |value| nullable(value, webhook_url), &mut errors);
    }
    if let Some(value) = fields.remove("model_version") {
        changes.model_version = checked("model_version", &value, model_version, &mut errors);
    }
    if let Some(value) = fields.remove("is_hidden") {
        let boolean =
            |value: &Value| value.as_bool().ok_or_else(|| "Must be a valid boolean.".to_owned());
        changes.is_hidden =
            checked("is_hidden", &value, |value| not_null(value).and_then(boolean), &mut errors);
    }
    Ok((changes, errors))
}

const NULL: &str = "This field may not be null.";

fn checked<T>(
    field: &str,
    value: &Value,
    check: impl FnOnce(&Value) -> Result<T, String>,
    errors: &mut Map<String, Value>,
) -> Option<T> {
    check(value).map_err(|message| errors.insert(field.into(), json!([message]))).ok()
}

fn not_null(value: &Value) -> Result<&Value, String> {
    if value.is_null() { Err(NULL.into()) } else { Ok(value) }
}

fn nullable<T>(
    value: &Value,
    check: impl FnOnce(&Value) -> Result<T, String>,
) -> Result<Option<T>, String> {
    if value.is_null() { Ok(None) } else { check(value).map(Some) }
}

fn template(value: &Value) -> Result<&'static Template, String> {
    let id = not_null(value)?
        .as_str()
        .and_then(|text| Uuid::try_parse(text).ok())
        .ok_or("Must be a valid UUID.")?;
    templates::find(id).ok_or_else(|| format!("Invalid pk \"{id}\" - object does not exist."))
}

fn text(value: &Value, max: usize) -> Result<String, String> {
    let text = value.as_str().ok_or("Not a valid string.")?;
    if text.chars().count() > max {
        return Err(format!("Ensure this field has no more than {max} characters."));
    }
    Ok(text.to_owned())
}

fn webhook_url(value: &Value) -> Result<String, String> {
    let text = text(value, limits::WEBHOOK_URL)?;
    match Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(text),
        _ => Err("Enter a valid URL.".into()),
    }
}

fn model_version(value: &Value) -> Result<ModelVersion, String> {
    let shown = match not_null(value)? {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let found = ModelVersion::KNOWN.iter().find(|known| value == known.as_str());
    found.cloned().ok_or_else(|| {
        let allowed: Vec<_> = ModelVersion::KNOWN.iter().map(ModelVersion::as_str).collect();
        let allowed = allowed.join(", ");
        format!("\"{shown}\" is not a valid choice. Allowed values: {allowed}.")
    })
}

/// Returns the messages for an invalid variable of a known type. Any other JSON is valid.
fn variable(value: &Value) -> Option<Value> {
    let known = value.get("type")?.as_str()?;
    let (required, field) = match known {
        "text" => (false, "content"),
        "image" | "video" | "audio" => (true, "url"),
        "avatar" => (true, "avatar_id"),
        "voiceover" => (true, "voice_id"),
        _ => return None,
    };
    let message = match value.get("properties") {
        None => format!("A variable of type \"{known}\" needs \"properties\"."),
        Some(Value::Object(properties)) => match properties.get(field) {
            None if required => {
                format!("A variable of type \"{known}\" needs \"properties.{field}\".")
            }
            None => return None,
            Some(Value::String(text)) if field == "url" && Url::parse(text).is_err() => {
                format!("\"properties.{field}\": Enter a valid URL.")
            }
            Some(Value::String(_)) => return None,
            Some(_) => format!("\"properties.{field}\": Not a valid string."),
        },
        Some(other) => format!(
            "\"properties\": Expected a dictionary of items but got type \"{}\".",
            python_type(other)
        ),
    };
    Some(json!([message]))
}

/// Returns the Python name of a JSON type, as the framework's messages use it.
fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALE: &str = "3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10";

    fn refused(body: &Value) -> Value {
        job_params(body.to_string().as_bytes()).unwrap_err()
    }

    /// Returns a valid body with one field replaced.
    fn with(field: &str, value: Value) -> Value {
        let mut body = json!({ "template_id": SALE, "variables": {} });
        body[field] = value;
        body
    }

    #[test]
    fn each_invalid_field_gets_its_own_message() {
        let long = "x".repeat(limits::NAME + 1);
        let long_url = format!("https://h.example/{}", "x".repeat(limits::WEBHOOK_URL));
        for (field, value, message) in [
            ("template_id", json!("nonsense"), "Must be a valid UUID."),
            ("template_id", json!(7), "Must be a valid UUID."),
            ("template_id", json!(null), "This field may not be null."),
            (
                "template_id",
                json!(Uuid::nil()),
                "Invalid pk \"00000000-0000-0000-0000-000000000000\" - object does not exist.",
            ),
            ("variables", json!([]), "Expected a dictionary of items but got type \"list\"."),
            ("variables", json!("{}"), "Expected a dictionary of items but got type \"str\"."),
            ("variables", json!(null), "This field may not be null."),
            ("name", json!(7), "Not a valid string."),
            ("name", json!(long), "Ensure this field has no more than 255 characters."),
            ("webhook_url", json!("hooks.example.com"), "Enter a valid URL."),
            ("webhook_url", json!("ftp://hooks.example.com/"), "Enter a valid URL."),
            ("webhook_url", json!(long_url), "Ensure this field has no more than 200 characters."),
            (
                "model_version",
                json!("bad"),
                "\"bad\" is not a valid choice. \
                 Allowed values: standard, aurora_v1, aurora_v1_fast.",
            ),
            (
                "model_version",
                json!(7),
                "\"7\" is not a valid choice. Allowed values: standard, aurora_v1, aurora_v1_fast.",
            ),
            ("model_version", json!(null), "This field may not be null."),
            ("is_hidden", json!("yes"), "Must be a valid boolean."),
        ] {
            assert_eq!(refused(&with(field, value)), json!({ field: [message] }), "{field}");
        }
    }

    #[test]
    fn all_invalid_fields_are_reported_at_once() {
        assert_eq!(
            refused(&json!({ "template": SALE, "model_version": "bad" })),
            json!({
                "template_id": ["This field is required."],
                "variables": ["This field is required."],
                "model_version": [
                    "\"bad\" is not a valid choice. \
                     Allowed values: standard, aurora_v1, aurora_v1_fast."
                ],
            })
        );
    }

    #[test]
    fn a_body_that_is_not_a_json_object_is_refused_as_a_whole() {
        let detail = job_params(b"{").unwrap_err()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("JSON parse error - "), "{detail}");
        let message = "Invalid data. Expected a dictionary, but got list.";
        assert_eq!(refused(&json!([])), json!({ "non_field_errors": [message] }));
    }

    #[test]
    fn variables_of_known_types_need_the_properties_of_their_type() {
        let image = |properties: Value| json!({ "type": "image", "properties": properties });
        for (value, message) in [
            (json!({ "type": "image" }), "A variable of type \"image\" needs \"properties\"."),
            (image(json!({})), "A variable of type \"image\" needs \"properties.url\"."),
            (image(json!({ "url": "hero.png" })), "\"properties.url\": Enter a valid URL."),
            (image(json!({ "url": 1 })), "\"properties.url\": Not a valid string."),
            (
                image(json!([])),
                "\"properties\": Expected a dictionary of items but got type \"list\".",
            ),
            (
                json!({ "type": "avatar", "properties": {} }),
                "A variable of type \"avatar\" needs \"properties.avatar_id\".",
            ),
            (
                json!({ "type": "voiceover", "properties": {} }),
                "A variable of type \"voiceover\" needs \"properties.voice_id\".",
            ),
            (
                json!({ "type": "text", "properties": { "content": 1 } }),
                "\"properties.content\": Not a valid string.",
            ),
        ] {
            assert_eq!(
                refused(&with("variables", json!({ "hero": value, "ok": 1 }))),
                json!({ "variables": { "hero": [message] } })
            );
        }
    }

    #[test]
    fn other_variables_are_accepted() {
        for value in [
            json!(null),
            json!("plain"),
            json!({ "type": "money", "properties": { "amount": "39.90" } }),
            json!({ "type": "text", "properties": {} }),
            json!({ "type": "image", "properties": { "url": "https://cdn.example.com/a.png" } }),
        ] {
            let params =
                job_params(with("variables", json!({ "v": value })).to_string().as_bytes())
                    .unwrap();
            assert_eq!(params.variables["v"], value);
        }
        let nulls = json!({
            "template_id": SALE, "variables": {}, "name": null, "webhook_url": null, "unknown": 1
        });
        assert_eq!(job_params(nulls.to_string().as_bytes()).unwrap().name, None);
    }

    #[test]
    fn a_render_body_may_be_empty_or_have_any_valid_fields() {
        let job_changes = |body| job_changes(body, RenderBody::Lenient);
        assert!(job_changes(b"").unwrap().name.is_none());
        assert!(job_changes(b"{}").unwrap().template.is_none());
        assert_eq!(job_changes(br#"{"name": null}"#).unwrap().name, Some(None));
        assert_eq!(
            job_changes(br#"{"model_version": "aurora_v1"}"#).unwrap().model_version,
            Some(ModelVersion::AuroraV1)
        );
        assert!(job_changes(br#"{"template_id": "x"}"#).is_err());
    }

    #[test]
    fn a_strict_render_body_needs_a_template_and_variables() {
        let job_changes = |body: Value| {
            super::job_changes(body.to_string().as_bytes(), RenderBody::Strict).map(|_| ())
        };
        let required = "This field is required.";
        assert_eq!(
            job_changes(json!({})),
            Err(json!({ "template_id": [required], "variables": [required] }))
        );
        assert_eq!(
            job_changes(json!({ "template_id": "x", "variables": {} })),
            Err(json!({ "template_id": ["Must be a valid UUID."] }))
        );
        assert_eq!(job_changes(json!({ "template_id": SALE, "variables": {} })), Ok(()));
    }
}

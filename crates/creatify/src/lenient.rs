//! What if one field of an answer has the wrong type? The rest is used: a job is known by its id and status, and everything else may be
//! missing.

use creatify_api::types::{CustomTemplate, CustomTemplateJob};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Decodes an answer without the fields that do not decode. `None` when that is not enough.
pub(crate) fn decode<T: DeserializeOwned>(body: &[u8]) -> Option<(T, Vec<String>)> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    let mut dropped = Vec::new();
    let items = match &mut value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(page) if page.get("results").is_some_and(Value::is_array) => {
            page.get_mut("results").and_then(Value::as_array_mut).into_iter().flatten().collect()
        }
        single => vec![single],
    };
    for object in items.into_iter().filter_map(Value::as_object_mut) {
        if object.contains_key("status") {
            drop_undecodable::<CustomTemplateJob>(object, &mut dropped);
        } else if object.contains_key("template_id") {
            drop_undecodable::<CustomTemplate>(object, &mut dropped);
        }
    }
    serde_json::from_value(value).ok().map(|decoded| (decoded, dropped))
}

/// Makes null what keeps an object from decoding as `T`, field by field.
fn drop_undecodable<T: DeserializeOwned>(
    object: &mut Map<String, Value>,
    dropped: &mut Vec<String>,
) {
    for _ in 0..object.len() {
        let Err(error) = serde_path_to_error::deserialize::<_, T>(Value::Object(object.clone()))
        else {
            return;
        };
        let path = error.path().to_string();
        let field = path.split(['.', '[']).next().unwrap_or_default();
        match object.get_mut(field) {
            Some(value) if !value.is_null() => *value = Value::Null,
            _ => return, // missing, or null already: nothing to drop
        }
        dropped.push(field.to_owned()); // the rest of the path may be anybody's words
    }
}

#[cfg(test)]
mod tests {
    use creatify_api::types::{CustomTemplateJobList, RemainingCredits};
    use serde_json::json;

    use super::*;

    const ID: &str = "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11";

    #[test]
    fn a_job_is_used_without_its_wrong_fields() {
        let body = json!({
            "id": ID, "status": "done", "preview": "https://p", "created_at": "2026-05-04T09:12:31", "duration": "28",
            "variables": [1], "credits_used": { "n": 1 },
        });
        let (job, dropped) = decode::<CustomTemplateJob>(body.to_string().as_bytes()).unwrap();
        assert_eq!(
            (job.preview.as_deref(), job.duration, job.created_at),
            (Some("https://p"), None, None)
        );
        assert_eq!(dropped.len(), 4, "{dropped:?}");
    }

    #[test]
    fn in_lists_and_pages_too() {
        let job = json!({ "id": ID, "status": "done", "is_hidden": "no" });
        for body in [json!([job, job]), json!({ "count": 2, "results": [job, job] })] {
            let (_, dropped) =
                decode::<CustomTemplateJobList>(body.to_string().as_bytes()).unwrap();
            assert_eq!(dropped, ["is_hidden", "is_hidden"]);
        }
    }

    #[test]
    fn what_is_relied_on_is_never_dropped() {
        let decodes =
            |body: Value| decode::<CustomTemplateJob>(body.to_string().as_bytes()).is_some();
        assert!(!decodes(json!({ "id": 7, "status": "done" })));
        assert!(!decodes(json!({ "id": ID, "status": null })));
        assert!(!decodes(json!({ "id": ID })));
        assert!(decode::<RemainingCredits>(br#"{"remaining_credits": "12"}"#).is_none());
        assert!(
            decode::<CustomTemplateJob>(
                br#"{"id": "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11", "status": "do"#
            )
            .is_none()
        );
    }
}

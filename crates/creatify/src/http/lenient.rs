//! Lenient decoding of answers. A job needs only its id and status: any other field may be missing
//! or malformed, and a bad item does not hide the rest of a list.

use creatify_api::{
    BodyExtent,
    types::{CustomTemplate, CustomTemplateJob, RemainingCredits},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::repair;

pub(crate) use super::repair::text;

/// Parses a body as JSON, repaired if need be.
pub(crate) fn parse(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok().or_else(|| {
        let text = repair::text(body);
        serde_json::from_str(&text).or_else(|_| serde_json::from_str(&repair::repair(&text))).ok()
    })
}

/// Decodes an answer with repairs, and names what was repaired. `None` when that is not enough.
pub(crate) fn decode<T: DeserializeOwned>(body: &[u8], extent: BodyExtent) -> Option<(T, String)> {
    let mut repairs = Vec::new();
    let whole = parse(body).or_else(|| {
        // A repeated request would get the same part of the body.
        let items = repair::whole_items(&repair::text(body))
            .filter(|_| extent == BodyExtent::TooLong)
            .and_then(|text| parse(text.as_bytes()))?;
        repairs.push("the list is too long and ends early".to_owned());
        Some(items)
    })?;
    let mut tried = Some(whole);
    while let Some(mut value) = tried {
        repair_value(&mut value, &mut repairs);
        if let Ok(decoded) = T::deserialize(&value) {
            if repairs.is_empty() {
                repairs.push("its encoding".to_owned());
            }
            return Some((decoded, repairs.join(", ")));
        }
        tried = unwrapped(value);
    }
    None
}

/// Returns the value in an envelope such as `{"data": …}` or a list of one item.
fn unwrapped(value: Value) -> Option<Value> {
    match value {
        Value::Array(mut items) if items.len() == 1 => items.pop(),
        Value::Object(mut members) => ["data", "result", "job", "response"]
            .into_iter()
            .filter_map(|name| members.remove(name))
            .find(|inner| inner.is_object() || inner.is_array()),
        _ => None,
    }
}

/// Returns whether the body of a success says that the request was refused.
pub(crate) fn is_refusal(body: &[u8]) -> bool {
    match parse(body) {
        Some(Value::Object(members)) => {
            let says_so = |name: &str| members.get(name) == Some(&Value::Bool(false));
            let has_error = ["error", "errors", "detail"]
                .iter()
                .any(|name| members.get(*name).is_some_and(|error| !error.is_null()));
            !members.contains_key("id")
                && !members.contains_key("results")
                && (says_so("success") || says_so("ok") || has_error)
        }
        _ => false,
    }
}

/// Returns the first reason for which a body does not decode, with the path of the field.
pub(crate) fn decode_error<T: DeserializeOwned>(body: &[u8]) -> Option<String> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let error = serde_path_to_error::deserialize::<_, T>(&mut json).err()?;
    Some(error.to_string())
}

fn repair_value(value: &mut Value, repairs: &mut Vec<String>) {
    match value {
        Value::Array(items) => repair_items(items, repairs),
        Value::Object(page) if page.get("results").is_some_and(Value::is_array) => {
            if !page.get("count").is_some_and(Value::is_u64) {
                page.remove("count");
            }
            if let Some(Value::Array(items)) = page.get_mut("results") {
                repair_items(items, repairs);
            }
        }
        Value::Object(object) => {
            repair_object(object, repairs);
        }
        _ => {}
    }
}

/// Repairs the items of a list, and leaves out those that cannot be, unless none is left.
fn repair_items(items: &mut Vec<Value>, repairs: &mut Vec<String>) {
    let usable: Vec<bool> = items
        .iter_mut()
        .map(|item| item.as_object_mut().is_some_and(|object| repair_object(object, repairs)))
        .collect();
    let bad = usable.iter().filter(|usable| !**usable).count();
    if bad > 0 && bad < items.len() {
        let mut usable = usable.into_iter();
        items.retain(|_| usable.next().unwrap_or_default());
        repairs.push(format!("left out {bad} unreadable items of the list"));
    }
}

/// Repairs an object as the type that its fields suggest; returns whether it decodes then.
fn repair_object(object: &mut Map<String, Value>, repairs: &mut Vec<String>) -> bool {
    if object.contains_key("remaining_credits") {
        repair_fields::<RemainingCredits>(object, repairs)
    } else if object.contains_key("template_id") && !object.contains_key("status") {
        repair_fields::<CustomTemplate>(object, repairs)
    } else if object.contains_key("id") {
        repair_fields::<CustomTemplateJob>(object, repairs)
    } else {
        false
    }
}

/// Repairs the fields that keep an object from decoding as `T`: a value in another form is
/// converted, any other becomes null. Returns whether it decodes then.
fn repair_fields<T: DeserializeOwned>(
    object: &mut Map<String, Value>,
    repairs: &mut Vec<String>,
) -> bool {
    for _ in 0..=object.len() {
        let Some(field) = bad_field::<T>(object) else { return true };
        let Some(value) = object.get(&field).filter(|value| !value.is_null()).cloned() else {
            return false; // missing, or null already
        };
        let converted = conversions(&value).into_iter().find(|converted| {
            object.insert(field.clone(), converted.clone());
            bad_field::<T>(object).as_ref() != Some(&field)
        });
        if converted.is_none() {
            object.insert(field.clone(), Value::Null);
        }
        repairs.push(field); // the rest of the path may be anybody's words
    }
    false
}

/// Returns the first field for which an object does not decode as `T`.
fn bad_field<T: DeserializeOwned>(object: &Map<String, Value>) -> Option<String> {
    let error = serde_path_to_error::deserialize::<_, T>(Value::Object(object.clone())).err()?;
    let path = error.path().to_string();
    Some(path.split(['.', '[']).next().unwrap_or_default().to_owned())
}

/// Returns a value in other forms: decimals that are written as text, times without a zone, which
/// are UTC, and plain values where text is expected.
fn conversions(value: &Value) -> Vec<Value> {
    match value {
        Value::String(text) => {
            let text = text.trim();
            let number = text.parse::<serde_json::Number>().ok().map(Value::Number);
            let time = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"].iter().find_map(|format| {
                let time = chrono::NaiveDateTime::parse_from_str(text, format).ok()?;
                Some(Value::String(time.and_utc().to_rfc3339()))
            });
            number.into_iter().chain(time).collect()
        }
        Value::Number(_) => vec![Value::String(value.to_string())],
        // Fields that are documented as strings may be lists.
        Value::Array(items) => match items.as_slice() {
            [only @ Value::String(_)] => vec![only.clone()],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use creatify_api::types::CustomTemplateJobList;
    use serde_json::json;

    use super::*;

    const ID: &str = "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11";

    fn decode_whole<T: DeserializeOwned>(body: impl ToString) -> Option<(T, String)> {
        decode(body.to_string().as_bytes(), BodyExtent::Whole)
    }

    fn jobs(list: CustomTemplateJobList) -> usize {
        match list {
            CustomTemplateJobList::Array(jobs) => jobs.0.len(),
            CustomTemplateJobList::Page(page) => page.results.len(),
        }
    }

    #[test]
    fn a_job_is_used_without_its_wrong_fields() {
        let body = json!({
            "id": ID, "status": "done", "preview": "https://p", "created_at": "yesterday",
            "duration": "long", "variables": [1], "credits_used": { "n": 1 },
        });
        let (job, repairs) = decode_whole::<CustomTemplateJob>(body).unwrap();
        assert_eq!(
            (job.preview.as_deref(), job.duration, job.created_at),
            (Some("https://p"), None, None)
        );
        assert_eq!(repairs.split(", ").count(), 4, "{repairs}");
    }

    #[test]
    fn decimals_as_text_and_times_without_a_zone_are_read() {
        let body = json!({
            "id": ID, "status": "done", "credits_used": "5.00", "duration": "28.5",
            "created_at": "2026-11-20T10:00:00.123456", "updated_at": "2026-11-20 10:00:01",
        });
        let (job, _) = decode_whole::<CustomTemplateJob>(body).unwrap();
        assert_eq!(job.credits_used.unwrap().as_f64(), Some(5.0));
        assert_eq!(job.duration.unwrap().as_f64(), Some(28.5));
        assert_eq!(job.created_at.unwrap().to_rfc3339(), "2026-11-20T10:00:00.123456+00:00");
        assert_eq!(job.updated_at.unwrap().to_rfc3339(), "2026-11-20T10:00:01+00:00");
        let (balance, _) =
            decode_whole::<RemainingCredits>(r#"{"remaining_credits": "12.50"}"#).unwrap();
        assert_eq!(balance.remaining_credits.as_f64(), Some(12.5));
    }

    #[test]
    fn lists_and_pages_are_repaired_too() {
        let job = json!({ "id": ID, "status": "done", "is_hidden": "no" });
        for body in [json!([job, job]), json!({ "count": "2", "results": [job, job] })] {
            let (_, repairs) = decode_whole::<CustomTemplateJobList>(body).unwrap();
            assert_eq!(repairs, "is_hidden, is_hidden");
        }
    }

    #[test]
    fn one_bad_item_does_not_hide_a_list() {
        let (good, bad) = (json!({ "id": ID, "status": "done" }), json!({ "id": ID }));
        for body in [json!([good, bad, 7]), json!({ "results": [bad, good, null] })] {
            let (list, _) = decode_whole::<CustomTemplateJobList>(body).unwrap();
            assert_eq!(jobs(list), 1);
        }
        assert!(decode_whole::<CustomTemplateJobList>(json!([bad, bad])).is_none());
    }

    #[test]
    fn envelopes_are_opened() {
        let job = json!({ "id": ID, "status": "done" });
        for body in [json!({ "data": job }), json!([job]), json!({ "result": { "job": job } })] {
            assert!(decode_whole::<CustomTemplateJob>(&body).is_some(), "{body}");
        }
        assert!(decode_whole::<CustomTemplateJobList>(json!({ "data": [job, job] })).is_some());
        assert!(decode_whole::<CustomTemplateJob>(json!([job, job])).is_none());
    }

    #[test]
    fn a_list_that_is_too_long_is_used_as_far_as_it_was_read() {
        let body = format!(r#"[{{"id": "{ID}", "status": "done"}}, {{"id": "{ID}", "sta"#);
        let (list, repairs) =
            decode::<CustomTemplateJobList>(body.as_bytes(), BodyExtent::TooLong).unwrap();
        assert_eq!(jobs(list), 1);
        assert!(repairs.contains("too long"), "{repairs}");
        assert!(decode::<CustomTemplateJobList>(body.as_bytes(), BodyExtent::Cut).is_none());
    }

    #[test]
    fn nothing_that_is_relied_on_is_made_up() {
        let decodes = |body: Value| decode_whole::<CustomTemplateJob>(body).is_some();
        assert!(!decodes(json!({ "id": 7, "status": "done" })));
        assert!(!decodes(json!({ "id": ID, "status": null })));
        assert!(!decodes(json!({ "id": ID })));
        assert!(decode_whole::<RemainingCredits>(r#"{"remaining_credits": "many"}"#).is_none());
        assert!(
            decode_whole::<CustomTemplateJob>(format!(r#"{{"id": "{ID}", "status": "do"#))
                .is_none()
        );
    }

    #[test]
    fn a_refusal_in_a_success_is_recognised() {
        for body in [
            json!({ "success": false, "message": "archived" }),
            json!({ "error": "archived" }),
            json!({ "ok": false }),
        ] {
            assert!(is_refusal(body.to_string().as_bytes()), "{body}");
        }
        for body in [json!({ "success": true }), json!({ "success": false, "id": ID }), json!([])] {
            assert!(!is_refusal(body.to_string().as_bytes()));
        }
    }
}

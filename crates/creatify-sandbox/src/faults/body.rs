//! Body forms: unusual or broken ways to write a successful JSON response. Pure.

use std::str::FromStr;

use bytes::Bytes;
use chrono::DateTime;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::json::edit_objects;
use crate::credentials::API_KEY;

/// A form of the body of a successful response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BodyForm {
    /// No bytes.
    Empty,
    /// A byte-order mark precedes the JSON.
    ByteOrderMark,
    /// The JSON is encoded as UTF-16 with a byte-order mark.
    Utf16,
    /// `)]}'` precedes the JSON, as a protection against cross-site script inclusion.
    XssiPrefix,
    /// The JSON is the member `data` of an object.
    InData,
    /// The JSON is the only element of an array.
    InArray,
    /// A text has half of a surrogate pair.
    LoneSurrogate,
    /// A number is `NaN`.
    Nan,
    /// A text has control characters that are not escaped.
    ControlCharacters,
    /// A text has bytes that are not UTF-8.
    InvalidUtf8,
    /// Texts have terminal escape sequences and direction marks.
    EscapeSequences,
    /// Texts repeat the API key.
    EchoedKey,
    /// Numbers are texts, as Django writes decimals.
    NumbersAsText,
    /// Times have no time zone.
    TimesWithoutZone,
    /// One item of a list has a null status and a number as id.
    BadItem,
    /// The id is that of another job.
    ForeignId,
    /// `{"success": false, "message": …}` instead of the result.
    SuccessFalse,
}

/// A text that is replaced by bytes which JSON text cannot hold.
const PLACEHOLDER: &str = "__bytes__";

impl BodyForm {
    /// Returns the body in this form. A body that is not JSON keeps its form where that needs JSON.
    pub(crate) fn rewrite(self, body: &[u8]) -> Bytes {
        match self {
            Self::Empty => Bytes::new(),
            Self::ByteOrderMark => [b"\xef\xbb\xbf", body].concat().into(),
            Self::Utf16 => {
                let text = String::from_utf8_lossy(body);
                let units = std::iter::once(0xfeff).chain(text.encode_utf16());
                units.flat_map(u16::to_le_bytes).collect()
            }
            Self::XssiPrefix => [b")]}'\n", body].concat().into(),
            Self::InData => [br#"{"data":"#, body, b"}"].concat().into(),
            Self::InArray => [b"[", body, b"]"].concat().into(),
            Self::SuccessFalse => {
                json!({ "success": false, "message": "This template is archived." })
                    .to_string()
                    .into()
            }
            Self::LoneSurrogate => with_bytes(body, "name", br#""Sale \ud83d""#),
            Self::Nan => with_bytes(body, "progress", b"NaN"),
            Self::ControlCharacters => with_bytes(body, "name", b"\"Sale\x01\nnow\""),
            Self::InvalidUtf8 => with_bytes(body, "name", b"\"Sale \xff\xfe\""),
            Self::EscapeSequences => with_text(body, "\u{1b}[2K\u{1b}]0;title\u{7}\u{202e}elas"),
            Self::EchoedKey => with_text(body, API_KEY),
            Self::NumbersAsText => edited(body, numbers_as_text),
            Self::TimesWithoutZone => edited(body, |value| {
                edit_objects(value, |object| object.values_mut().for_each(without_zone))
            }),
            Self::BadItem => edited(body, |value| {
                if let Some(item) = first_item(value) {
                    *item = json!({ "id": 7, "template_id": 7, "status": null });
                }
            }),
            Self::ForeignId => edited(body, |value| {
                edit_objects(value, |object| {
                    let id = object.get("id").and_then(Value::as_str);
                    if let Some(id) = id.and_then(|id| Uuid::try_parse(id).ok()) {
                        object.insert("id".into(), json!(Uuid::from_u128(id.as_u128() ^ 1)));
                    }
                })
            }),
        }
    }
}

fn edited(body: &[u8], edit: impl FnOnce(&mut Value)) -> Bytes {
    let Ok(mut value) = serde_json::from_slice(body) else { return Bytes::copy_from_slice(body) };
    edit(&mut value);
    value.to_string().into()
}

/// Returns the body with these bytes as the value of a field of each object.
fn with_bytes(body: &[u8], field: &str, bytes: &[u8]) -> Bytes {
    let text = edited(body, |value| {
        edit_objects(value, |object| _ = object.insert(field.into(), json!(PLACEHOLDER)))
    });
    let text = String::from_utf8_lossy(&text);
    let parts: Vec<_> = text.split(&format!("\"{PLACEHOLDER}\"")).map(str::as_bytes).collect();
    parts.join(bytes).into()
}

/// Returns the body with this text as the name and the reason of a failure.
fn with_text(body: &[u8], text: &str) -> Bytes {
    edited(body, |value| {
        edit_objects(value, |object| {
            for field in ["name", "failed_reason"] {
                object.insert(field.into(), json!(text));
            }
        })
    })
}

/// Writes all numbers as texts; credits with two decimal places.
fn numbers_as_text(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(numbers_as_text),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::Number(number) if name.contains("credits") => {
                        let credits = Decimal::from_str(&number.to_string()).unwrap_or_default();
                        *value = format!("{credits:.2}").into();
                    }
                    value => numbers_as_text(value),
                }
            }
        }
        Value::Number(number) => *value = number.to_string().into(),
        _ => {}
    }
}

fn without_zone(value: &mut Value) {
    if let Value::String(text) = value
        && let (Ok(_), Some(local)) = (DateTime::parse_from_rfc3339(text), text.strip_suffix('Z'))
    {
        *text = local.to_owned();
    }
}

fn first_item(value: &mut Value) -> Option<&mut Value> {
    match value {
        Value::Array(items) => items.first_mut(),
        Value::Object(page) => page.get_mut("results")?.as_array_mut()?.first_mut(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str = concat!(
        r#"{"created_at":"2026-05-04T09:12:31.5Z","credits_used":5,"duration":28,"#,
        r#""id":"7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11","name":null,"progress":0.5,"status":"done"}"#
    );

    fn text(form: BodyForm) -> String {
        String::from_utf8(form.rewrite(JOB.as_bytes()).to_vec()).unwrap()
    }

    #[test]
    fn encodings_and_envelopes_keep_the_json_inside() {
        assert_eq!(text(BodyForm::Empty), "");
        assert_eq!(text(BodyForm::ByteOrderMark), format!("\u{feff}{JOB}"));
        assert_eq!(text(BodyForm::XssiPrefix), format!(")]}}'\n{JOB}"));
        assert_eq!(text(BodyForm::InData), format!("{{\"data\":{JOB}}}"));
        assert_eq!(text(BodyForm::InArray), format!("[{JOB}]"));
        let utf16 = BodyForm::Utf16.rewrite(JOB.as_bytes());
        assert_eq!(&utf16[..4], [0xff, 0xfe, b'{', 0]);
        assert_eq!(utf16.len(), 2 + 2 * JOB.len());
    }

    #[test]
    fn broken_texts_and_numbers_are_not_valid_json() {
        for (form, bytes) in [
            (BodyForm::LoneSurrogate, &br#""name":"Sale \ud83d""#[..]),
            (BodyForm::Nan, b"\"progress\":NaN"),
            (BodyForm::ControlCharacters, b"\"name\":\"Sale\x01\nnow\""),
            (BodyForm::InvalidUtf8, b"\"name\":\"Sale \xff\xfe\""),
        ] {
            let body = form.rewrite(JOB.as_bytes());
            assert!(body.windows(bytes.len()).any(|window| window == bytes), "{form:?}");
            assert!(serde_json::from_slice::<Value>(&body).is_err(), "{form:?}");
        }
    }

    #[test]
    fn values_are_written_in_another_type_or_form() {
        let value = |form| serde_json::from_str::<Value>(&text(form)).unwrap();
        let job = value(BodyForm::NumbersAsText);
        assert_eq!(
            (&job["credits_used"], &job["duration"], &job["progress"]),
            (&json!("5.00"), &json!("28"), &json!("0.5"))
        );
        let job = value(BodyForm::TimesWithoutZone);
        assert_eq!(job["created_at"], "2026-05-04T09:12:31.5");
        assert_eq!(value(BodyForm::ForeignId)["id"], "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a10");
        assert_eq!(value(BodyForm::EchoedKey)["failed_reason"], API_KEY);
        assert!(value(BodyForm::EscapeSequences)["name"].as_str().unwrap().contains('\u{1b}'));
        assert_eq!(value(BodyForm::SuccessFalse)["success"], false);
    }

    #[test]
    fn one_item_of_a_list_or_page_is_bad() {
        for list in [format!("[{JOB},{JOB}]"), format!("{{\"results\":[{JOB},{JOB}]}}")] {
            let body = BodyForm::BadItem.rewrite(list.as_bytes());
            let value: Value = serde_json::from_slice(&body).unwrap();
            let items = value.get("results").unwrap_or(&value);
            assert_eq!((&items[0]["status"], &items[1]["status"]), (&json!(null), &json!("done")));
        }
        assert_eq!(text(BodyForm::BadItem), JOB, "a job is not a list");
    }
}

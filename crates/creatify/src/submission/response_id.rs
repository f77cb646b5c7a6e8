//! The id of a paid job, found in an answer that did not decode or did not arrive whole.

use crate::{http::lenient, job::JobId};

/// Names of the fields in which a service may wrap its answer.
const ENVELOPES: [&str; 4] = ["data", "result", "job", "response"];
/// Envelopes in envelopes beyond this are not opened.
const MAX_DEPTH: u32 = 4;

/// Finds the id of the job in an answer, whole or cut off: at the top level of a JSON object, also
/// in an envelope or a list of one. Ids inside of `variables` and the like are not the job's, and
/// an answer with two ids of its own names neither.
pub(crate) fn find(body: &[u8]) -> Option<JobId> {
    find_in(&lenient::text(body), MAX_DEPTH)
}

/// Finds the id of the job in the URL that an answer names as the job's.
pub(crate) fn find_in_url(url: &str) -> Option<JobId> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let mut ids = path.split('/').filter_map(|segment| segment.parse().ok());
    ids.next().filter(|_| ids.next().is_none())
}

fn find_in(text: &str, depth_left: u32) -> Option<JobId> {
    let text = text.trim_start();
    let (mut rest, is_list) = match text.strip_prefix('[') {
        Some(items) => (items.trim_start(), true),
        None => (text, false),
    };
    rest = rest.strip_prefix('{')?;
    let mut depth = 1u32;
    let mut key = None;
    let mut found = None;
    let mut wrapped = None;
    while let Some(character) = rest.chars().next() {
        match character {
            '"' => {
                let Some((token, after)) = string(rest) else { break };
                rest = after;
                if depth == 1 && key.take().as_deref() == Some("id") {
                    let id = token.parse().ok()?;
                    if *found.get_or_insert(id) != id {
                        return None;
                    }
                } else if depth == 1 {
                    key = rest.trim_start().starts_with(':').then_some(token);
                }
                continue;
            }
            '{' | '[' => {
                let name = key.take().filter(|_| depth == 1);
                if name.is_some_and(|name| ENVELOPES.contains(&name.as_str())) {
                    wrapped = Some(rest);
                }
                depth += 1;
            }
            '}' | ']' if depth == 1 => {
                // A list of several names none.
                if is_list && rest[1..].trim_start().starts_with(',') {
                    return None;
                }
                break;
            }
            '}' | ']' => depth -= 1,
            ',' if depth == 1 => key = None,
            _ => {}
        }
        rest = &rest[character.len_utf8()..];
    }
    found.or_else(|| find_in(wrapped?, depth_left.checked_sub(1)?))
}

/// Returns the string that starts here, and what follows it; `None` when it is cut off.
fn string(text: &str) -> Option<(String, &str)> {
    let mut escaped = false;
    let (end, _) = text.char_indices().skip(1).find(|(_, character)| match character {
        _ if escaped => {
            escaped = false;
            false
        }
        '\\' => {
            escaped = true;
            false
        }
        character => *character == '"',
    })?;
    let (token, after) = text.split_at(end + 1);
    // A string with something that no string may have in it is no id either.
    Some((serde_json::from_str(token).unwrap_or_default(), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11";
    const OTHER: &str = "0b0f4e0a-93c7-4a7e-8a55-6c1f2b9d3e42";

    #[test]
    fn the_id_is_found_wherever_the_answer_breaks_off() {
        let whole = format!(
            r#"{{"status": "pend\"ing}}", "variables": {{"id": "{OTHER}", "list": ["{OTHER}", {{"id": "{OTHER}"}}]}}, "n": 1, "id": "{ID}", "name": "ä \"id\": \"{OTHER}\""}}"#
        );
        let seen = whole.find(&format!(r#""id": "{ID}""#)).unwrap() + ID.len() + 8;
        for end in 0..=whole.len() {
            let found = find(&whole.as_bytes()[..end]);
            let expected = (end >= seen).then(|| ID.parse().unwrap());
            assert_eq!(found, expected, "{}", String::from_utf8_lossy(&whole.as_bytes()[..end]));
        }
    }

    #[test]
    fn an_answer_with_two_ids_names_neither() {
        assert_eq!(
            find(format!(r#"{{"id": "{ID}", "status": null, "id": "{OTHER}"}}"#).as_bytes()),
            None
        );
        assert_eq!(
            find(format!(r#"{{"id": "{ID}", "status": null, "id": "{ID}"}}"#).as_bytes()),
            ID.parse().ok()
        );
        let escaped = ID.replace('7', "\\u0037");
        assert_eq!(find(format!(r#"{{"\u0069d": "{escaped}"}}"#).as_bytes()), ID.parse().ok());
    }

    #[test]
    fn an_answer_without_an_id_gives_none() {
        for body in [
            "",
            "[]",
            "null",
            "<html>",
            r#"{"id": 7}"#,
            r#"{"id": "x"}"#,
            "]",
            &format!(r#"{{"variables": {{"id": "{OTHER}"}}}}"#),
            &format!(r#"[{{"id": "{ID}"}}, {{"id": "{OTHER}"}}]"#),
        ] {
            assert_eq!(find(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn the_id_is_found_behind_marks_prefixes_and_in_envelopes() {
        let job = format!(r#"{{"id": "{ID}", "variables": {{"id": "{OTHER}"}}}}"#);
        let utf16 = format!("\u{feff}{job}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        for body in [
            format!("\u{feff}{job}").into_bytes(),
            format!(")]}}',\n{job}").into_bytes(),
            format!(r#"{{"success": true, "data": {job}}}"#).into_bytes(),
            format!(r#"{{"data": {{"job": {job}"#).into_bytes(),
            format!("[{job}]").into_bytes(),
            utf16,
        ] {
            assert_eq!(find(&body), ID.parse().ok(), "{}", String::from_utf8_lossy(&body));
        }
    }

    #[test]
    fn the_id_is_found_in_a_location() {
        for url in ["/api/custom_template_jobs/ID/", "https://x/jobs/ID?a=b", "ID"] {
            assert_eq!(find_in_url(&url.replace("ID", ID)), ID.parse().ok(), "{url}");
        }
        assert_eq!(find_in_url("/api/custom_template_jobs/"), None);
        assert_eq!(find_in_url(&format!("/{ID}/{OTHER}")), None);
    }
}

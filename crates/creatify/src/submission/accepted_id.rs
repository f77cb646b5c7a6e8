//! Which job was just paid for? Its id, dug out of an answer that did not decode or did not arrive whole.

use serde_json::Value;

use crate::job::JobId;

/// The id at the top level of a JSON object, whole or cut off.
pub(super) fn find(body: &[u8]) -> Option<JobId> {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => value["id"].as_str()?.parse().ok(),
        Err(_) => find_in_part(body),
    }
}

/// Walks over a part of an object. Ids inside of `variables` and the like are not the job's.
fn find_in_part(body: &[u8]) -> Option<JobId> {
    let text = String::from_utf8_lossy(body);
    let mut rest = text.trim_start();
    let mut depth = 0u32;
    let mut key = None;
    while let Some(character) = rest.chars().next() {
        match character {
            '"' => {
                let (token, after) = string(rest)?;
                rest = after;
                if depth == 1 && key == Some("id") {
                    return token.parse().ok();
                }
                if depth == 1 {
                    key = rest.trim_start().starts_with(':').then_some(token);
                }
                continue;
            }
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.checked_sub(1)?,
            ',' if depth == 1 => key = None,
            _ => {}
        }
        rest = &rest[character.len_utf8()..];
    }
    None
}

/// The string that starts here, raw, and what follows it; `None` when it is cut off.
fn string(text: &str) -> Option<(&str, &str)> {
    let inner = &text[1..];
    let mut escaped = false;
    for (at, character) in inner.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some((&inner[..at], &inner[at + 1..])),
            _ => {}
        }
    }
    None
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
    fn an_answer_without_an_id_gives_none() {
        for body in
            ["", "[]", "null", "<html>", r#"{"id": 7}"#, r#"{"id": "x"}"#, "]", &format!(r#"{{"job": {{"id": "{OTHER}"}}}}"#)]
        {
            assert_eq!(find(body.as_bytes()), None, "{body}");
        }
    }
}

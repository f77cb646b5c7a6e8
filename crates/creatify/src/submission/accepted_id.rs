//! Which job was just paid for? Its id, dug out of an answer that did not decode or did not arrive whole.

use crate::job::JobId;

/// The id at the top level of a JSON object, whole or cut off. Ids inside of `variables` and the like are not the job's, and an answer
/// with two ids of its own names neither.
pub(crate) fn find(body: &[u8]) -> Option<JobId> {
    let text = String::from_utf8_lossy(body);
    let mut rest = text.trim_start().strip_prefix('{')?;
    let mut depth = 1u32;
    let mut key = None;
    let mut found = None;
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
            '{' | '[' => depth += 1,
            '}' | ']' if depth == 1 => break,
            '}' | ']' => depth -= 1,
            ',' if depth == 1 => key = None,
            _ => {}
        }
        rest = &rest[character.len_utf8()..];
    }
    found
}

/// The string that starts here, and what follows it; `None` when it is cut off.
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
    Some((serde_json::from_str(token).unwrap_or_default(), after)) // what no string may have in it is no id either
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
            &format!(r#"{{"job": {{"id": "{OTHER}"}}}}"#),
        ] {
            assert_eq!(find(body.as_bytes()), None, "{body}");
        }
    }
}

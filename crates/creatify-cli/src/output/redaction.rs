//! Redaction of the account's credentials in everything that is printed.

use creatify::Credentials;
use secrecy::{ExposeSecret, SecretString};

/// A shorter text is a stand-in, such as that of a sandbox. It would be found everywhere.
const MIN_SECRET_CHARS: usize = 8;

/// The secrets that must not be printed, in any form in which an answer may echo them.
#[derive(Debug, Default)]
pub(crate) struct Redaction(Option<Credentials>);

impl Redaction {
    pub(crate) fn new(api_id: &SecretString, api_key: &SecretString) -> Self {
        let secret = |secret: &SecretString| {
            let text = secret.expose_secret().trim();
            (text.chars().count() >= MIN_SECRET_CHARS).then(|| SecretString::from(text))
        };
        let (id, key) = (secret(api_id), secret(api_key));
        let pair = match (&id, &key) {
            (Some(id), Some(key)) => Some((id, key)),
            (Some(only), None) | (None, Some(only)) => Some((only, only)),
            (None, None) => None,
        };
        Self(
            pair.and_then(|(id, key)| {
                Credentials::new(id.expose_secret(), key.expose_secret()).ok()
            }),
        )
    }

    pub(super) fn redact(&self, text: &str) -> String {
        match &self.0 {
            Some(credentials) => credentials.redact(text),
            None => text.to_owned(),
        }
    }

    /// Redacts the strings of a JSON document; its structure stays.
    pub(super) fn redact_json(&self, document: &str) -> String {
        if self.0.is_none() {
            return document.to_owned();
        }
        let mut redacted = String::with_capacity(document.len());
        let mut rest = document;
        while let Some(start) = rest.find('"') {
            let end = start + string_length(&rest[start..]);
            let literal = &rest[start..end];
            redacted.push_str(&rest[..start]);
            match serde_json::from_str::<String>(literal) {
                Ok(text) => {
                    let clean = self.redact(&text);
                    let changed = (clean != text).then(|| serde_json::to_string(&clean).ok());
                    redacted.push_str(changed.flatten().as_deref().unwrap_or(literal));
                }
                Err(_) => redacted.push_str(literal),
            }
            rest = &rest[end..];
        }
        redacted + rest
    }
}

/// Returns the length of the string literal at the start of a JSON text.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redaction(id: &str, key: &str) -> Redaction {
        Redaction::new(&id.into(), &key.into())
    }

    #[test]
    fn strings_of_a_document_are_redacted_and_the_rest_stays() {
        let document =
            r#"{"a\"b": ["sk-case-1a2b3c4d", "x\"sk-case-1a2b3c4d\\", "\u00e4"], "n": 1}"#;
        let clean = redaction("x", "sk-case-1a2b3c4d").redact_json(document);
        assert_eq!(clean, r#"{"a\"b": ["[REDACTED]", "x\"[REDACTED]\\", "\u00e4"], "n": 1}"#);
    }

    #[test]
    fn a_stand_in_is_no_secret() {
        assert_eq!(redaction("i", "k").redact("kind of an id"), "kind of an id");
        assert_eq!(redaction("i", "sk-case-1a2b").redact("i: sk-case-1a2b"), "i: [REDACTED]");
    }
}

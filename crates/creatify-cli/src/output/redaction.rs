//! Redaction of the account's credentials in everything that is printed.

use creatify::Credentials;
use secrecy::{ExposeSecret, SecretString};

/// A shorter text is a stand-in, such as that of a sandbox. It would be found everywhere.
const MIN_SECRET_CHARS: usize = 8;

/// The secrets that must not be printed, in any form in which an answer may echo them.
#[derive(Debug, Default)]
pub(crate) struct Redaction {
    secrets: Vec<SecretString>,
    /// The secrets in pairs, in which they are found at once.
    pairs: Vec<Credentials>,
}

impl Redaction {
    /// Adds the id or key of an account.
    pub(crate) fn add_credential(&mut self, secret: &SecretString) {
        let text = secret.expose_secret().trim();
        if text.chars().count() >= MIN_SECRET_CHARS {
            self.add(text);
        }
    }

    /// Adds a password, however short.
    pub(crate) fn add_password(&mut self, password: &SecretString) {
        self.add(password.expose_secret());
    }

    fn add(&mut self, secret: &str) {
        self.secrets.push(secret.into());
        // The last one may be alone.
        let credentials = |pair: &[SecretString]| {
            let (first, last) = (pair.first()?, pair.last()?);
            Credentials::new(first.expose_secret(), last.expose_secret()).ok()
        };
        self.pairs = self.secrets.chunks(2).filter_map(credentials).collect();
    }

    /// Returns whether a text is too short for any secret. No form of a secret is shorter.
    fn is_too_short(&self, text: &str) -> bool {
        self.secrets.iter().all(|secret| text.len() < secret.expose_secret().len())
    }

    pub(super) fn redact(&self, text: &str) -> String {
        if self.is_too_short(text) {
            return text.to_owned();
        }
        self.pairs.iter().fold(text.to_owned(), |text, pair| pair.redact(&text))
    }

    /// Redacts the strings of a JSON document; its structure stays.
    pub(super) fn redact_json(&self, document: &str) -> String {
        if self.is_too_short(document) {
            return document.to_owned();
        }
        let mut redacted = String::with_capacity(document.len());
        let mut rest = document;
        while let Some(start) = rest.find('"') {
            let end = start + string_length(&rest[start..]);
            let literal = &rest[start..end];
            redacted.push_str(&rest[..start]);
            match serde_json::from_str::<String>(literal) {
                Ok(text) if !self.is_too_short(&text) => {
                    let clean = self.redact(&text);
                    let changed = (clean != text).then(|| serde_json::to_string(&clean).ok());
                    redacted.push_str(changed.flatten().as_deref().unwrap_or(literal));
                }
                _ => redacted.push_str(literal),
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
        let mut redaction = Redaction::default();
        redaction.add_credential(&id.into());
        redaction.add_credential(&key.into());
        redaction
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

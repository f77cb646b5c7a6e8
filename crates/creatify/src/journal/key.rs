//! Names of submissions in a journal: the account, the key, and the hash of the request.

use std::{fmt, str::FromStr};

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Name of a submission, unique for an account and operation: it is sent at most once.
///
/// ```
/// use creatify::journal::Key;
///
/// let key: Key = "spring/sku-4711/de".parse()?;
/// assert!("".parse::<Key>().is_err());
/// # Ok::<(), creatify::journal::InvalidKey>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[doc(alias = "idempotency")]
pub struct Key(String);

/// Error for a text that is not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key has 1 to {MAX_LENGTH} characters, none of them a control character: {0}")]
pub struct InvalidKey(String);

/// Greatest number of characters of a key. As a name, the service takes 255.
const MAX_LENGTH: usize = 200;

impl Key {
    /// Makes a key that no other submission has.
    pub fn random() -> Self {
        Self(random_uuid().to_string())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Key {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for Key {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        match text.chars().count() {
            0 => Err(InvalidKey("it is empty".to_owned())),
            length if length > MAX_LENGTH => Err(InvalidKey(format!("it has {length}"))),
            _ if text.trim() != text => {
                Err(InvalidKey("it starts or ends with a space".to_owned()))
            }
            _ if text.chars().any(char::is_control) => Err(InvalidKey(format!("{text:?}"))),
            _ => Ok(Self(text)),
        }
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Fingerprint of an account at a service, by which accounts in one journal are kept apart. It does
/// not reveal the API ID.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Account(String);

impl Account {
    /// Returns the fingerprint of the account with this API ID at a base URL.
    pub fn new(base_url: &str, api_id: &str) -> Self {
        Self(hash([base_url.trim_end_matches('/'), api_id])[..32].to_owned())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Hash of everything that a request sends, by which a key that is used again for something else is
/// noticed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RequestHash(String);

impl RequestHash {
    /// Returns the hash of a request.
    pub fn of(request: &serde_json::Value) -> Self {
        // The keys of a map are sorted, so equal requests have equal texts.
        Self(hash([request.to_string().as_str()]))
    }
}

/// Returns the SHA-256 of texts, in hex. Their lengths are hashed too, so that no two lists of
/// texts run into one.
fn hash<const N: usize>(texts: [&str; N]) -> String {
    let mut context = Context::new(&SHA256);
    for text in texts {
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    }
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn random_uuid() -> Uuid {
    uuid::Builder::from_random_bytes(fastrand::u128(..).to_be_bytes()).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_short_text_without_control_characters() {
        for wrong in ["", "a\nb", " a", "a ", &"k".repeat(201)] {
            assert!(wrong.parse::<Key>().is_err(), "{wrong:?}");
        }
        assert!("ä".repeat(200).parse::<Key>().is_ok()); // characters, not bytes
        assert!(serde_json::from_str::<Key>("\"\"").is_err());
        assert_ne!(Key::random(), Key::random());
    }

    #[test]
    fn an_account_is_of_one_api_id_at_one_service() {
        let account = Account::new("https://a.example.com", "id");
        assert_eq!(account, Account::new("https://a.example.com/", "id"));
        assert_ne!(account, Account::new("https://a.example.com", "other"));
        assert_ne!(account, Account::new("https://b.example.com", "id"));
        assert!(!account.as_str().contains("id") || account.as_str().len() == 32);
    }
}

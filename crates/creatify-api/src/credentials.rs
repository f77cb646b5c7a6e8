//! Credentials: the API id and key, held as secrets and sent as sensitive headers.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, header::InvalidHeaderValue};
use secrecy::{ExposeSecret, SecretString};

use crate::redact::redact;

/// The two credentials of an account. Neither is ever printed: `Debug` shows `[REDACTED]`, and both
/// are wiped from memory on drop.
///
/// Cheap to clone: clones share them.
#[derive(Debug, Clone)]
#[doc(alias = "api key")]
#[doc(alias = "token")]
#[doc(alias = "authentication")]
pub struct Credentials(Arc<Pair>);

#[derive(Debug)]
struct Pair {
    api_id: SecretString,
    api_key: SecretString,
}

/// Error for a credential that cannot be sent in a header. It does not contain the credential.
#[derive(Debug)]
#[non_exhaustive]
pub struct InvalidCredential {
    /// Header of the credential.
    pub header: &'static str,
}

impl std::fmt::Display for InvalidCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the value for {} is empty or has characters that cannot be sent in a header",
            self.header
        )
    }
}

impl std::error::Error for InvalidCredential {}

static API_ID: HeaderName = HeaderName::from_static("x-api-id");
static API_KEY: HeaderName = HeaderName::from_static("x-api-key");

impl Credentials {
    /// Creates credentials from the API id and key of the account's settings page. White space
    /// around them is dropped.
    ///
    /// # Errors
    ///
    /// When one is empty, or has characters that cannot be sent in a header.
    pub fn new(
        api_id: impl Into<SecretString>,
        api_key: impl Into<SecretString>,
    ) -> Result<Self, InvalidCredential> {
        let checked = |secret: SecretString, header: &'static HeaderName| {
            let trimmed = SecretString::from(secret.expose_secret().trim());
            match sensitive(&trimmed) {
                Ok(value) if !value.is_empty() => Ok(trimmed),
                _ => Err(InvalidCredential { header: header.as_str() }),
            }
        };
        Ok(Self(Arc::new(Pair {
            api_id: checked(api_id.into(), &API_ID)?,
            api_key: checked(api_key.into(), &API_KEY)?,
        })))
    }

    /// Returns the API id, which names the account.
    pub fn expose_api_id(&self) -> &str {
        self.0.api_id.expose_secret()
    }

    /// Returns a foreign text without the two secrets, which it may echo: unchanged, in another
    /// case, broken by white space, quoted, percent-encoded, or in base64.
    pub fn redact(&self, text: &str) -> String {
        redact(text, [self.0.api_id.expose_secret(), self.0.api_key.expose_secret()])
    }

    /// Adds both headers, marked as sensitive so that no other library prints them.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap) -> Result<(), InvalidHeaderValue> {
        headers.insert(&API_ID, sensitive(&self.0.api_id)?);
        headers.insert(&API_KEY, sensitive(&self.0.api_key)?);
        Ok(())
    }
}

fn sensitive(secret: &SecretString) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(secret.expose_secret())?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_never_printed() {
        let credentials = Credentials::new("the-id", "the-key").unwrap();
        let mut headers = HeaderMap::new();
        credentials.add_to(&mut headers).unwrap();
        let printed =
            format!("{credentials:?} {headers:?} {:?}", Credentials::new("the-id", "the-key\n2"));
        assert!(!printed.contains("the-"), "{printed}");
        assert_eq!(credentials.redact("id=the-id&key=the-key"), "id=[REDACTED]&key=[REDACTED]");
    }

    #[test]
    fn only_white_space_around_a_credential_is_repaired() {
        let mut headers = HeaderMap::new();
        Credentials::new(" id\n", "key ").unwrap().add_to(&mut headers).unwrap();
        assert_eq!(
            (headers[&API_ID].as_bytes(), headers[&API_KEY].as_bytes()),
            (&b"id"[..], &b"key"[..])
        );
        for (id, key, wrong) in
            [("", "k", &API_ID), ("i", " ", &API_KEY), ("i", "k\u{7f}", &API_KEY)]
        {
            assert_eq!(Credentials::new(id, key).unwrap_err().header, wrong);
        }
    }
}

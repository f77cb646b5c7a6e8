//! Secret part of a webhook URL: only its holders can deliver anything.

use rustls::crypto::{SecureRandom, ring};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::error::Error;

/// Shortest secret: 128 random bits in base64.
const MIN_LENGTH: usize = 22;
/// Longest secret. The URL around it may have 200 characters.
const MAX_LENGTH: usize = 128;

/// A path segment that cannot be guessed. It never prints.
pub(super) struct Secret(SecretString);

impl Secret {
    /// Makes a secret of 128 random bits.
    pub(super) fn random() -> Result<Self, Error> {
        let mut bits = [0; 16];
        let random: &dyn SecureRandom = ring::default_provider().secure_random;
        random.fill(&mut bits).map_err(|_| {
            Error::invalid("the operating system has no random numbers for a webhook secret")
        })?;
        Ok(Self(Uuid::from_bytes(bits).simple().to_string().into()))
    }

    /// Checks a secret that somebody chose. Spaces and line breaks around it are ignored.
    pub(super) fn checked(secret: &SecretString) -> Result<Self, Error> {
        let trimmed = secret.expose_secret().trim();
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(MIN_LENGTH..=MAX_LENGTH).contains(&trimmed.len()) || !trimmed.bytes().all(is_allowed) {
            return Err(Error::invalid(format!(
                "a webhook secret needs {MIN_LENGTH} to {MAX_LENGTH} characters of A-Z, a-z, 0-9, \
                 - and _, such as those of `openssl rand -hex 16`"
            )));
        }
        Ok(Self(trimmed.into()))
    }

    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns whether the last segment of a path is the secret. The time it takes tells nothing
    /// about the secret but its length.
    pub(super) fn ends(&self, path: &str) -> bool {
        let path = path.strip_suffix('/').unwrap_or(path);
        let last = path.rsplit('/').next().unwrap_or_default();
        last.as_bytes().ct_eq(self.expose().as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_secret_is_long_enough_and_never_the_same() {
        let secrets: std::collections::HashSet<_> = (0..100)
            .map(|_| {
                let secret = Secret::random().unwrap();
                assert_eq!(secret.expose().len(), 32);
                assert!(Secret::checked(&secret.0).is_ok());
                secret.expose().to_owned()
            })
            .collect();
        assert_eq!(secrets.len(), 100);
    }

    #[test]
    fn a_secret_that_is_short_or_changes_in_a_url_is_refused() {
        let checked = |secret: &str| Secret::checked(&secret.into());
        assert!(checked("0123456789abcdef-_ABCD\n").is_ok());
        for wrong in ["", "hunter2", &"a".repeat(21), &"a".repeat(129), "0123456789abcdef/_ABCD"] {
            let error = checked(wrong).err().unwrap();
            assert!(wrong.is_empty() || !error.to_string().contains(wrong), "{error}");
        }
    }

    #[test]
    fn only_the_last_segment_of_a_path_counts() {
        let secret = Secret::random().unwrap();
        let text = secret.expose();
        for path in [format!("/creatify/{text}"), format!("/{text}/"), format!("/a/b/{text}")] {
            assert!(secret.ends(&path), "{path}");
        }
        let (start, _) = text.split_at(31);
        for path in [
            format!("/creatify/{start}"),
            format!("/creatify/{text}x"),
            format!("/creatify/{}", text.to_uppercase().replace(|c: char| c.is_numeric(), "A")),
            format!("/{text}/creatify"),
            format!("/creatify/{text}//"),
            "/".to_owned(),
            String::new(),
        ] {
            assert!(!secret.ends(&path), "{path}");
        }
    }
}

//! The credentials that every sandbox accepts. They are not secret.

/// The API id.
pub(crate) const API_ID: &str = "sandbox-api-id";
/// The API key.
pub(crate) const API_KEY: &str = "sandbox-api-key";

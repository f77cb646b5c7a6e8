//! The URL of a PostgreSQL journal.

use std::str::FromStr as _;

use creatify::journal::JournalError;
use sqlx::{ConnectOptions as _, postgres::PgConnectOptions};
use url::Url;

/// Parameters of a URL. Others are refused: one with a typing error may be a password.
const PARAMETERS: [&str; 17] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];

/// An address to connect to, and its text without a password.
pub(super) struct Address {
    pub(super) options: PgConnectOptions,
    pub(super) location: String,
}

/// Parses a URL. No error shows any of it but names of parameters.
pub(super) fn parse(url: &str) -> Result<Address, JournalError> {
    let wrong = |reason: &str| JournalError::new(format!("the URL of the journal: {reason}"));
    let parsed = Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(parsed.scheme(), "postgres" | "postgresql") {
        return Err(wrong("it must start with `postgres://`"));
    }
    if let Some((name, _)) =
        parsed.query_pairs().find(|(name, _)| !PARAMETERS.contains(&name.as_ref()))
    {
        return Err(wrong(&format!("there is no parameter `{name}`")));
    }
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| wrong("a parameter has a wrong value"))?
        .disable_statement_logging();
    let options = match options.get_application_name() {
        Some(_) => options,
        None => options.application_name("creatify"),
    };
    let location = location(&options);
    Ok(Address { options, location })
}

fn location(options: &PgConnectOptions) -> String {
    let user = options.get_username();
    let database = options.get_database().unwrap_or(user);
    match options.get_socket() {
        Some(socket) => format!("postgres://{user}@/{database}?host={}", socket.display()),
        None => {
            let (host, port) = (options.get_host(), options.get_port());
            format!("postgres://{user}@{host}:{port}/{database}")
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_location_has_no_password() {
        for (url, location) in [
            ("postgres://me:secret@db.example.com:6432/jobs", "me@db.example.com:6432/jobs"),
            ("postgresql://me@db.example.com/jobs?password=secret", "me@db.example.com:5432/jobs"),
            ("postgres://me:secret@localhost?host=/run/pg", "me@/me?host=/run/pg"),
        ] {
            assert_eq!(parse(url).unwrap().location, format!("postgres://{location}"));
        }
    }

    #[test]
    fn an_error_shows_no_password() {
        for url in [
            "me:secret@db",
            "mysql://me:secret@db",
            "postgres://me:secret@db:port/jobs",
            "postgres://me@db?passwort=secret",
            "postgres://me:secret@db?sslmode=secret",
            "secret",
        ] {
            let error = parse(url).err().unwrap();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }
}

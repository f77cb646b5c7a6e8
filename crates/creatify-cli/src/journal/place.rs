//! Place of the journal: as it was named, or the file in the user's data directory.

use std::{
    ffi::{OsStr, OsString},
    fmt,
    path::{Path, PathBuf},
};

use etcetera::base_strategy::{BaseStrategy, choose_native_strategy};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

const FILE_NAME: &str = "journal.db";

/// Place of a journal.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// An SQLite file.
    File(PathBuf),
    /// A PostgreSQL database. The URL may have a password.
    Postgres(SecretString),
    /// Neither, with the reason.
    Wrong(String),
}

impl Place {
    /// Returns the place that a text names.
    pub(crate) fn named(text: OsString) -> Self {
        let scheme =
            text.to_str().and_then(|text| text.split_once("://")).map(|(scheme, _)| scheme);
        match scheme.map(str::to_ascii_lowercase).as_deref() {
            _ if text.is_empty() => Self::Wrong("it is empty".to_owned()),
            None => Self::File(text.into()),
            Some("postgres" | "postgresql") => {
                Self::Postgres(text.to_string_lossy().into_owned().into())
            }
            Some(other) => Self::Wrong(format!(
                "`{other}://` is not supported; give a file or a postgres:// URL"
            )),
        }
    }

    /// Returns the place in the user's data directory.
    pub(crate) fn in_data_directory() -> Self {
        let absolute = |path: OsString| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
        let named = std::env::var_os("XDG_DATA_HOME").and_then(absolute);
        let data = named.or_else(|| Some(choose_native_strategy().ok()?.data_dir()));
        match data {
            Some(data) => Self::File(data.join("creatify").join(FILE_NAME)),
            None => Self::Wrong("your data directory is not known; name a file".to_owned()),
        }
    }

    /// Returns the file, of a journal in a file.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Postgres(_) | Self::Wrong(_) => None,
        }
    }

    /// Returns the passwords in it, which must not be printed. One that is a part of what is shown
    /// is no secret, such as the user's name.
    pub(crate) fn passwords(&self) -> Vec<SecretString> {
        let Self::Postgres(url) = self else { return Vec::new() };
        let Ok(url) = Url::parse(url.expose_secret()) else { return Vec::new() };
        let shown = self.to_string();
        let in_query = url.query_pairs().filter(|(name, _)| name == "password");
        let passwords = in_query.map(|(_, value)| value.into_owned());
        let passwords = passwords.chain(url.password().map(str::to_owned));
        passwords.filter(|password| !shown.contains(password)).map(SecretString::from).collect()
    }
}

impl fmt::Display for Place {
    /// Writes it without a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(url) => match Url::parse(url.expose_secret()) {
                Ok(mut url) => {
                    // Neither fails for a URL with a host, and one without has no password.
                    let _ = url.set_password(None);
                    url.set_query(None);
                    url.set_fragment(None);
                    if url.password().is_some() {
                        f.write_str("postgres://…")
                    } else {
                        url.fmt(f)
                    }
                }
                Err(_) => f.write_str("postgres://…"),
            },
            Self::Wrong(_) => f.write_str("none"),
        }
    }
}

impl From<&OsStr> for Place {
    fn from(text: &OsStr) -> Self {
        Self::named(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Place {
        Place::from(OsStr::new(text))
    }

    #[test]
    fn a_url_is_shown_without_its_password() {
        for url in [
            "postgres://me:hunter2@db.example.com:5432/jobs",
            "postgresql://db.example.com/jobs?user=me&password=hunter2",
            "POSTGRES://me:hunter2@/jobs?host=/run/postgresql",
            "postgres://me:hunter2@[",
        ] {
            let place = named(url);
            assert!(matches!(place, Place::Postgres(_)), "{url}");
            assert!(!format!("{place} {place:?}").contains("hunter2"), "{place}");
        }
        let place = named("postgres://me:hunter2@db.example.com/jobs");
        assert_eq!(place.to_string(), "postgres://me@db.example.com/jobs");
    }

    #[test]
    fn a_password_is_a_secret_unless_it_is_shown_anyway() {
        let passwords = |url| named(url).passwords().len();
        assert_eq!(passwords("postgres://me:hunter2@db.example.com/jobs"), 1);
        assert_eq!(passwords("postgres://db.example.com/jobs?password=hunter2"), 1);
        assert_eq!(passwords("postgres://postgres:postgres@localhost/jobs"), 0);
        assert_eq!(passwords("jobs.db"), 0);
    }

    #[test]
    fn other_databases_and_nothing_are_refused() {
        for text in ["mysql://me:hunter2@db/x", "sqlite://x.db", ""] {
            let place = named(text);
            assert!(matches!(&place, Place::Wrong(why) if !why.contains("hunter2")), "{place:?}");
        }
        assert!(matches!(named("C:\\jobs.db"), Place::File(_)));
    }
}

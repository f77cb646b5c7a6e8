//! Errors of PostgreSQL in words.

use creatify::journal::JournalError;

use crate::connection::StoreError;

/// Returns the error of a journal.
pub(super) fn of(location: &str, error: StoreError) -> JournalError {
    let message = match &error {
        StoreError::NewerSchema { .. } => {
            format!("the journal {location} was written by a newer version of this program")
        }
        StoreError::Row(_) => format!("the journal {location} has a row that cannot be read"),
        StoreError::TimedOut(_) => format!("the journal {location} does not answer"),
        #[cfg(feature = "sqlite")]
        StoreError::OtherProgram => format!("the database {location} is not a journal"),
        StoreError::Database(error) => database(location, error),
    };
    JournalError::new(message).because(error)
}

fn database(location: &str, error: &sqlx::Error) -> String {
    use sqlx::Error::{Io, PoolClosed, PoolTimedOut, Protocol, Tls};
    if matches!(error, Io(_) | Tls(_) | PoolTimedOut | PoolClosed | Protocol(_)) {
        return format!("the journal {location} cannot be reached");
    }
    let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default();
    // Classes and codes of SQLSTATE.
    match (code.get(..2).unwrap_or_default(), code.as_ref()) {
        ("28", _) => format!("the journal {location} refuses the user or password"),
        (_, "3D000") => format!("the database of the journal {location} does not exist"),
        ("08", _) | (_, "57P01" | "57P02" | "57P03" | "25P03") => {
            format!("the journal {location} cannot be reached")
        }
        (_, "55P03" | "57014") => format!("the journal {location} is locked by another program"),
        (_, "25006" | "42501") => format!("the journal {location} cannot be written"),
        (_, "53100") => format!("no space is left for the journal {location}"),
        ("53", _) => format!("the journal {location} is too busy"),
        ("XX", _) => format!("the journal {location} is damaged"),
        _ => format!("the journal {location} cannot be used"),
    }
}

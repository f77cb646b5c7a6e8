//! Errors of SQLite in words.

use std::path::Path;

use creatify::journal::JournalError;

use crate::connection::StoreError;

/// Returns the error of a journal.
pub(super) fn of(path: &Path, error: StoreError) -> JournalError {
    let name = path.display();
    let message = match &error {
        StoreError::NewerSchema { .. } => {
            format!("the journal {name} was written by a newer version of this program")
        }
        StoreError::OtherProgram => format!("the file {name} is not a journal"),
        StoreError::Row(_) => format!("the journal {name} has a row that cannot be read"),
        StoreError::Database(sqlx::Error::PoolTimedOut) => {
            format!("the journal {name} is too busy")
        }
        StoreError::Database(error) => match code(error) {
            Some(BUSY | LOCKED) => format!("the journal {name} is locked by another program"),
            Some(READ_ONLY) => format!("the journal {name} cannot be written"),
            Some(IO) => format!("the disk of the journal {name} failed"),
            Some(CORRUPT) => format!("the journal {name} is damaged"),
            Some(NOT_A_DATABASE) => format!("the file {name} is damaged, or not a journal"),
            Some(FULL) => format!("no space is left for the journal {name}"),
            Some(CANNOT_OPEN) => format!("the journal {name} cannot be opened"),
            _ => format!("the journal {name} cannot be used"),
        },
        #[cfg(feature = "postgres")]
        StoreError::TimedOut(_) => format!("the journal {name} is too busy"),
    };
    JournalError::new(message).because(error)
}

/// Returns whether another program holds a lock.
pub(super) fn is_busy(error: &StoreError) -> bool {
    matches!(error, StoreError::Database(error) if matches!(code(error), Some(BUSY | LOCKED)))
}

const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const READ_ONLY: u32 = 8;
const IO: u32 = 10;
const CORRUPT: u32 = 11;
const FULL: u32 = 13;
const CANNOT_OPEN: u32 = 14;
const NOT_A_DATABASE: u32 = 26;

/// Returns the primary result code.
fn code(error: &sqlx::Error) -> Option<u32> {
    let extended: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}

//! Opening of a journal.

use std::{path::Path, sync::Arc};

use creatify::journal::{Journal, JournalError, MemoryJournal};
use creatify_journal::{PostgresJournal, SqliteJournal};
use secrecy::{ExposeSecret, SecretString};

use super::{Access, Place};

/// A journal that was opened.
pub(super) struct OpenJournal {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) origin: Origin,
}

/// The way in which a journal came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Existing,
    /// It was created now.
    Created,
    /// There is none, and nothing was created: an empty one in memory takes its place.
    Absent,
}

/// Opens the journal; creates it only to write.
pub(super) async fn open_journal(
    place: &Place,
    access: Access,
) -> Result<OpenJournal, JournalError> {
    let existing = |journal| OpenJournal { journal, origin: Origin::Existing };
    match (place, place.file()) {
        (Place::Wrong(reason), _) => Err(JournalError::new(reason)),
        (Place::Postgres(url), _) => Ok(existing(open_database(url).await?)),
        (_, None) => Err(JournalError::new("no file is named")),
        // What cannot be seen may be there.
        (_, Some(file)) if file.try_exists().unwrap_or(true) => {
            Ok(existing(open_file(file).await?))
        }
        (_, Some(_)) if access != Access::Write => {
            Ok(OpenJournal { journal: Arc::new(MemoryJournal::default()), origin: Origin::Absent })
        }
        (_, Some(file)) => {
            Ok(OpenJournal { journal: open_file(file).await?, origin: Origin::Created })
        }
    }
}

async fn open_file(path: &Path) -> Result<Arc<dyn Journal>, JournalError> {
    Ok(Arc::new(SqliteJournal::open(path).await?))
}

async fn open_database(url: &SecretString) -> Result<Arc<dyn Journal>, JournalError> {
    Ok(Arc::new(PostgresJournal::connect(url.expose_secret()).await?))
}

//! Places of journals, each empty at first.

use std::{path::PathBuf, sync::Arc};

use creatify::journal::{Journal, MemoryJournal};
use creatify_journal::{PostgresJournal, SqliteJournal};
use creatify_tests::postgres::PostgresServer;
use tempfile::TempDir;

pub enum Place {
    Memory(Arc<MemoryJournal>),
    Sqlite(TempDir),
    Postgres(String),
}

impl Place {
    pub fn memory() -> Self {
        Self::Memory(Arc::default())
    }

    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    pub fn postgres(server: &PostgresServer, name: &str) -> Self {
        Self::Postgres(server.create_database(name))
    }

    pub fn file(&self) -> PathBuf {
        let Self::Sqlite(directory) = self else { panic!("it is no file") };
        directory.path().join("journal.db")
    }

    /// Opens the journal as another process would. The one in memory has one process only.
    pub async fn open(&self) -> Arc<dyn Journal> {
        match self {
            Self::Memory(journal) => journal.clone(),
            Self::Sqlite(_) => Arc::new(SqliteJournal::open(self.file()).await.unwrap()),
            Self::Postgres(url) => Arc::new(PostgresJournal::connect(url).await.unwrap()),
        }
    }

    /// Opens it four times.
    pub async fn open_apart(&self) -> [Arc<dyn Journal>; 4] {
        [self.open().await, self.open().await, self.open().await, self.open().await]
    }
}

//! The stores under test.

use creatify_tests::postgres::PostgresServer;
use tempfile::TempDir;

/// A store that outlives the program.
pub struct Store {
    /// File or URL.
    pub location: String,
    _folder: Option<TempDir>,
    _server: Option<PostgresServer>,
}

impl Store {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = folder.path().join("journal.db").display().to_string();
        Self { location, _folder: Some(folder), _server: None }
    }

    /// Starts a server, if PostgreSQL is installed.
    pub fn postgres() -> Option<Self> {
        let server = PostgresServer::start()?;
        let location = server.create_database("journal");
        Some(Self { location, _folder: None, _server: Some(server) })
    }
}

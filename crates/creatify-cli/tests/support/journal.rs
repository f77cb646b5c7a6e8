//! Journals of tests: a file of its own, read and damaged from outside.

use std::{path::PathBuf, process::Command};

use serde_json::Value;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, SqliteConnection, raw_sql, sqlite::SqliteConnectOptions,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::{Run, run_now};

/// A journal in a folder of its own.
pub struct OwnJournal {
    folder: TempDir,
}

impl Default for OwnJournal {
    fn default() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }
}

impl OwnJournal {
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    /// Lets a command use it.
    pub fn on(&self, mut command: Command) -> Command {
        command.env("CREATIFY_JOURNAL", self.path());
        command
    }

    /// Runs a command with it, for a JSON document.
    pub fn json(&self, command: Command, arguments: &[&str]) -> Value {
        let arguments = [&["--output", "json"][..], arguments].concat();
        run_now(self.on(command), &arguments).expect(0).json()
    }

    /// Runs a command with it.
    pub fn run(&self, command: Command, arguments: &[&str]) -> Run {
        run_now(self.on(command), arguments)
    }

    /// Runs SQL in the file. Not in a test that is a future.
    pub fn sql(&self, statements: &str) {
        drop(self.lock(statements));
    }

    /// Locks the file for writing until the lock is dropped.
    pub fn locked(&self) -> Lock {
        self.lock("BEGIN EXCLUSIVE")
    }

    fn lock(&self, statements: &str) -> Lock {
        let runtime = Runtime::new().unwrap();
        let connection = runtime.block_on(async {
            let file = SqliteConnectOptions::new().filename(self.path());
            let mut connection = file.connect().await.unwrap();
            let script = raw_sql(AssertSqlSafe(statements.to_owned()));
            script.execute(&mut connection).await.unwrap();
            connection
        });
        Lock { _connection: connection, _runtime: runtime }
    }
}

/// A connection that locks a journal.
pub struct Lock {
    _connection: SqliteConnection,
    _runtime: Runtime,
}

//! Runs of the real command, as a user would start it.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)] // for tests, of which none uses all

pub mod journal;
mod prism;
pub mod process;
pub mod service;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
    time::Duration,
};

use creatify_sandbox::Sandbox;
use serde_json::Value;

/// Jobs take a fraction of a second.
pub const FAST: f64 = 400.0;
/// The template that every test uses.
pub const TEMPLATE: &str = "3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10";

/// A finished run of the command.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// Returns the JSON document on stdout, which must be the only thing there.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("{error}\nstdout: {}\nstderr: {}", self.stdout, self.stderr)
        })
    }

    /// Fails unless it ended with this exit code.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

/// Age at which the data of an earlier run of the tests is removed.
const OLD: Duration = Duration::from_secs(600);

/// Data directory of this run of the tests, so that none touches the user's journal. Accounts are
/// kept apart by the ports of their services.
static DATA_HOME: LazyLock<PathBuf> = LazyLock::new(|| {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("data-homes");
    for old in fs::read_dir(&all).into_iter().flatten().flatten() {
        let modified = old.metadata().and_then(|metadata| metadata.modified()).ok();
        if modified.and_then(|at| at.elapsed().ok()).is_some_and(|age| age > OLD) {
            let _ = fs::remove_dir_all(old.path()); // others remove it too
        }
    }
    let own = all.join(std::process::id().to_string());
    let _ = fs::remove_dir_all(&own);
    fs::create_dir_all(&own).unwrap();
    own
});

/// Returns the command, without the variables of this process that it would read.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_creatify"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CREATIFY_") {
            command.env_remove(name);
        }
    }
    command.env("XDG_DATA_HOME", &*DATA_HOME).stdin(Stdio::null());
    command
}

/// Returns the command, set up to use a sandbox.
pub fn using(sandbox: &Sandbox) -> Command {
    let mut command = command();
    command.env("CREATIFY_BASE_URL", prism::before(sandbox.base_url()));
    command.env("CREATIFY_API_ID", sandbox.api_id()).env("CREATIFY_API_KEY", sandbox.api_key());
    command
}

/// Runs a command to its end while the sandbox goes on.
pub async fn run(command: Command, arguments: &[&str]) -> Run {
    let arguments: Vec<_> = arguments.iter().map(|argument| argument.to_string()).collect();
    let running = move || {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        run_now(command, &arguments)
    };
    tokio::task::spawn_blocking(running).await.unwrap()
}

/// Runs a command to its end.
pub fn run_now(mut command: Command, arguments: &[&str]) -> Run {
    let output = command.args(arguments).output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

//! Runs the command as a user would.

#![allow(clippy::unwrap_used, clippy::expect_used)] // for tests only

mod prism;

use std::process::{Command, Stdio};

use creatify_sandbox::Sandbox;
use serde_json::Value;

/// Jobs take a fraction of a second.
pub const FAST: f64 = 400.0;
/// Of the template that every test uses.
pub const TEMPLATE: &str = "3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10";

/// What a run of the command came to.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// The one JSON document on stdout.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("{error}\nstdout: {}\nstderr: {}", self.stdout, self.stderr)
        })
    }

    /// Fails unless it ended so.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

/// The command, with nothing of this process's environment that it reads.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_creatify"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CREATIFY_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// The command, using a sandbox.
pub fn using(sandbox: &Sandbox) -> Command {
    let mut command = command();
    command.env("CREATIFY_BASE_URL", prism::before(sandbox.base_url()));
    command.env("CREATIFY_API_ID", sandbox.api_id()).env("CREATIFY_API_KEY", sandbox.api_key());
    command
}

/// Runs it to its end while the sandbox goes on.
pub async fn run(mut command: Command, arguments: &[&str]) -> Run {
    command.args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

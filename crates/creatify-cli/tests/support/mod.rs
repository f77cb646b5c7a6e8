//! Runs of the real command, as a user would start it.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)] // for tests, of which none uses all

mod prism;
pub mod process;
pub mod service;

use std::process::{Command, Stdio};

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

/// Returns the command, without the variables of this process that it would read.
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

//! A sandbox process that ends when its value is dropped.

use std::{
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStderr, Command, Stdio},
};

use anyhow::{Context, Result};

use crate::{process::quiet, workspace::cargo};

pub struct Sandbox {
    process: Child,
    /// Kept open, so that the sandbox can go on printing.
    _stderr: Lines<BufReader<ChildStderr>>,
    /// Variables that make a client use this sandbox.
    environment: Vec<(String, String)>,
}

impl Sandbox {
    /// Starts a sandbox on a free port, with further options of `creatify sandbox`.
    pub fn start(options: &[&str]) -> Result<Self> {
        quiet(cargo(&["build", "--quiet", "-p", "creatify-cli"]))?;
        let mut command = cargo(&["run", "--quiet", "-p", "creatify-cli", "--", "sandbox"]);
        command.args(options).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().context("cannot run `cargo run`")?;
        let mut stderr = BufReader::new(process.stderr.take().context("stderr is piped")?).lines();
        match environment(&mut stderr) {
            Ok(environment) => Ok(Self { process, _stderr: stderr, environment }),
            Err(error) => {
                let _ = process.kill();
                let _ = process.wait();
                Err(error)
            }
        }
    }

    pub fn url(&self) -> &str {
        self.variable("CREATIFY_BASE_URL")
    }

    /// Returns the value of an environment variable for clients.
    pub fn variable(&self, name: &str) -> &str {
        self.environment.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Makes a command use this sandbox.
    pub fn configure(&self, command: &mut Command) {
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads `export NAME=VALUE …`, which the sandbox prints for its user, on one line or on several
/// that end with a backslash.
fn environment(stderr: &mut Lines<impl BufRead>) -> Result<Vec<(String, String)>> {
    let mut all = String::new();
    let mut command = String::new();
    for line in stderr {
        let line = line?;
        let text = line.trim();
        if text.starts_with("export ") || !command.is_empty() {
            command += text.trim_end_matches('\\');
            command.push(' ');
            if !text.ends_with('\\') {
                let variables = command.split(' ').filter_map(|word| word.split_once('='));
                return Ok(variables
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect());
            }
        }
        all += &line;
        all.push('\n');
    }
    anyhow::bail!("the sandbox did not start: {all}")
}

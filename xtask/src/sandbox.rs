//! The sandbox, in a process of its own that ends with the value here.

use std::{
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStderr, Command, Stdio},
};

use anyhow::{Context, Result};

use crate::{ci::quiet, workspace::cargo};

pub struct Sandbox {
    process: Child,
    /// Kept, so that it can go on speaking.
    _said: Lines<BufReader<ChildStderr>>,
    /// What to set so that a client uses it.
    environment: Vec<(String, String)>,
}

impl Sandbox {
    /// Starts one on a free port, with further options of `creatify sandbox`.
    pub fn start(options: &[&str]) -> Result<Self> {
        quiet(cargo(&["build", "--quiet", "-p", "creatify-cli"]))?;
        let mut command = cargo(&["run", "--quiet", "-p", "creatify-cli", "--", "sandbox"]);
        command.args(options).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().context("cargo run cannot be run")?;
        let mut said = BufReader::new(process.stderr.take().context("stderr is piped")?).lines();
        match environment(&mut said) {
            Ok(environment) => Ok(Self { process, _said: said, environment }),
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

    /// What to set `name` to.
    pub fn variable(&self, name: &str) -> &str {
        self.environment.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Lets a command use it.
    pub fn used_by(&self, command: &mut Command) {
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads the line by which the sandbox tells a person how to use it: `export NAME=VALUE …`.
fn environment(said: &mut Lines<impl BufRead>) -> Result<Vec<(String, String)>> {
    let mut all = String::new();
    for line in said {
        let line = line?;
        if let Some(variables) = line.trim().strip_prefix("export ") {
            let variables = variables.split(' ').filter_map(|variable| variable.split_once('='));
            return Ok(variables
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect());
        }
        all += &line;
        all.push('\n');
    }
    anyhow::bail!("the sandbox did not start: {all}")
}

//! `cargo xtask spec prism`: the command and the sandbox, checked by Prism against openapi.yaml.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    process::{quiet, stdout},
    tools,
    workspace::{cargo, root},
};

pub fn run() -> Result<()> {
    check()?;
    println!("the command and the sandbox follow openapi.yaml");
    Ok(())
}

/// Runs the mock and the proxy, for CI.
pub fn check() -> Result<()> {
    mock()?;
    proxy()
}

/// Runs the end-to-end tests of the command with Prism's validating proxy before each sandbox.
///
/// `crates/creatify-cli/tests/support` starts the proxy. It answers requests and responses that
/// break the specification with an error, and so a test fails.
fn proxy() -> Result<()> {
    let mut test =
        cargo(&["test", "--quiet", "-p", "creatify-cli", "--tests", "--", "--test-threads", "4"]);
    test.env("TEST_THROUGH_PRISM", tools::node("prism")?.get_program());
    quiet(test)
}

/// Ids in the examples of openapi.yaml.
const TEMPLATE: &str = "3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10";
const JOB: &str = "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11";

/// Arguments of the command, and a value that its JSON must have, by pointer.
const MOCKED: [(&[&str], &str, &str); 8] = [
    (&["preview", TEMPLATE, "--var", "headline=Sale", "--no-wait"], "/id", JOB),
    (
        &["preview", TEMPLATE, "--image", "hero=https://cdn.example.com/a.png", "--sync"],
        "/status",
        "done",
    ),
    (&["create", TEMPLATE, "--model-version", "aurora_v1_fast", "--no-wait"], "/status", "pending"),
    (&["render", JOB, "--no-wait", "--force"], "/status", "in_queue"),
    (&["get", JOB], "/status", "running"),
    (&["list", JOB], "/0/id", JOB),
    (&["templates"], "/0/template_id", TEMPLATE),
    (&["balance"], "/remaining_credits", "123.5"),
];

/// Runs the command against a mock that refuses requests that break openapi.yaml.
fn mock() -> Result<()> {
    quiet(cargo(&["build", "--quiet", "-p", "creatify-cli"]))?;
    let mock = Mock::start()?;
    for (arguments, pointer, expected) in MOCKED {
        let mut command =
            cargo(&["run", "--quiet", "-p", "creatify-cli", "--", "--output", "json"]);
        command
            .args(arguments)
            .env("CREATIFY_BASE_URL", &mock.url)
            .env("CREATIFY_API_ID", "id")
            .env("CREATIFY_API_KEY", "key");
        let answer: Value = serde_json::from_str(&stdout(command)?).context("stdout is JSON")?;
        let found = answer
            .pointer(pointer)
            .map(|found| found.as_str().map_or(found.to_string(), ToOwned::to_owned));
        ensure!(
            found.as_deref() == Some(expected),
            "{arguments:?}: {pointer} is {found:?}, not {expected}"
        );
    }
    Ok(())
}

struct Mock {
    process: Child,
    url: String,
}

impl Mock {
    fn start() -> Result<Self> {
        let mut prism: Command = tools::node("prism")?;
        prism.args(["mock", "--errors", "--port", "0"]).arg(root().join("openapi.yaml"));
        let mut process = prism.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stdout = process.stdout.take();
        let mut mock = Self { process, url: String::new() };
        let mut lines =
            BufReader::new(stdout.context("stdout is piped")?).lines().map_while(Result::ok);
        let listening = |line: String| Some(line.split_once("listening on ")?.1.trim().to_owned());
        mock.url = lines.find_map(listening).context("Prism did not start")?;
        std::thread::spawn(move || lines.for_each(drop)); // Prism stops when nobody reads
        Ok(mock)
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! `cargo xtask spec prism`: do the command and the sandbox agree with a reader of openapi.yaml who knows neither of them?

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    ci::quiet,
    tools,
    workspace::{cargo, root, typed},
};

pub fn run() -> Result<()> {
    check()?;
    println!("the command keeps to openapi.yaml, and so does the sandbox towards the command");
    Ok(())
}

/// What CI runs.
pub fn check() -> Result<()> {
    mock()?;
    proxy()
}

/// The end-to-end tests of the command, with Prism's validating proxy before each sandbox: `crates/creatify-cli/tests/support` puts it
/// there. It answers what breaks the specification, on either side, with an error, and so a test fails.
fn proxy() -> Result<()> {
    let mut test =
        cargo(&["test", "--quiet", "-p", "creatify-cli", "--tests", "--", "--test-threads", "4"]);
    test.env("TEST_THROUGH_PRISM", tools::node("prism")?.get_program());
    quiet(test)
}

/// In the examples of openapi.yaml.
const TEMPLATE: &str = "3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10";
const JOB: &str = "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11";

/// What the command must make of the examples: its arguments, and where in its JSON which value stands.
const MOCKED: [(&[&str], &str, &str); 8] = [
    (&["preview", TEMPLATE, "--var", "headline=Sale", "--no-wait"], "/id", JOB),
    (
        &["preview", TEMPLATE, "--image", "hero=https://cdn.example.com/a.png", "--sync"],
        "/status",
        "done",
    ),
    (&["create", TEMPLATE, "--model-version", "aurora_v1_fast", "--no-wait"], "/status", "pending"),
    (&["render", JOB, "--no-wait"], "/status", "in_queue"),
    (&["get", JOB], "/status", "running"),
    (&["list", JOB], "/0/id", JOB),
    (&["templates"], "/0/template_id", TEMPLATE),
    (&["balance"], "/remaining_credits", "123.5"),
];

/// The command against a mock that is made from openapi.yaml alone, and refuses what breaks it.
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
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{said}`{}` failed against the mock", typed(&command));
        let answer: Value = serde_json::from_slice(&output.stdout).context("stdout is JSON")?;
        let found = answer
            .pointer(pointer)
            .map(|found| found.as_str().map_or(found.to_string(), ToOwned::to_owned));
        ensure!(
            found.as_deref() == Some(expected),
            "`{}`: {pointer} is {found:?}, not {expected}",
            typed(&command)
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
        std::thread::spawn(move || lines.for_each(drop)); // it stops when nobody listens
        Ok(mock)
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

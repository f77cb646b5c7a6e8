//! The program to be killed, as a child process.

use std::{path::Path, process::Stdio};

use creatify_sandbox::Sandbox;
use creatify_tests::kills::{Outcome, SETTINGS, STOPPED, Settings, StopAt, Strategy};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

pub struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// Returns settings for the keys, with a journal and one submission at a time.
pub fn settings(sandbox: &Sandbox, store: &str, keys: Vec<String>) -> Settings {
    Settings {
        strategy: Strategy::Journal,
        store: store.to_owned(),
        base_url: sandbox.base_url().to_owned(),
        api_id: sandbox.api_id().to_owned(),
        api_key: sandbox.api_key().to_owned(),
        keys,
        concurrency: 1,
        timeout_ms: 4_000,
        budget: None,
        stop_at: None,
    }
}

impl Program {
    pub fn start(settings: &Settings) -> Self {
        Self::run(Command::new(env!("CARGO_BIN_EXE_submit_keys")), settings)
    }

    /// Starts it with a clock that is wrong by an offset, such as `+1h`, made so by a library.
    pub fn start_at(offset: &str, libfaketime: &Path, settings: &Settings) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_submit_keys"));
        command.env("LD_PRELOAD", libfaketime).env("FAKETIME", offset);
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Self::run(command, settings)
    }

    fn run(mut command: Command, settings: &Settings) -> Self {
        command.env(SETTINGS, serde_json::to_string(settings).unwrap());
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Sends SIGKILL, and waits for the end.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Kills it when it has reached a place.
    pub async fn kill_at(settings: Settings, place: StopAt) {
        let program = Self::start(&Settings { stop_at: Some(place), ..settings });
        program.stopped().await.kill().await;
    }

    /// Waits until it has reached its place.
    pub async fn stopped(mut self) -> Self {
        while let Some(line) = self.lines.next_line().await.unwrap() {
            if line == STOPPED {
                return self;
            }
        }
        panic!("it ended without reaching its place");
    }

    /// Waits for its end, and returns the outcomes of its keys.
    pub async fn outcomes(mut self) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        while let Some(line) = self.lines.next_line().await.unwrap() {
            outcomes.push(serde_json::from_str(&line).unwrap());
        }
        assert!(self.child.wait().await.unwrap().success());
        outcomes
    }
}

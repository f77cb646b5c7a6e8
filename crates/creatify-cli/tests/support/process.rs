//! A run of the command while it runs: lines as they come, and signals.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use super::Run;

pub struct Process {
    child: Child,
    lines: Receiver<String>,
    stderr: String,
}

impl Process {
    /// Starts the command with these arguments, and reads its stderr line by line.
    pub fn start(mut command: Command, arguments: &[&str]) -> Self {
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, lines, stderr: String::new() }
    }

    /// Waits until stderr has this text in a line.
    pub fn wait_for(&mut self, text: &str) {
        while !self.stderr.lines().any(|line| line.contains(text)) {
            let line = self
                .lines
                .recv_timeout(Duration::from_secs(60))
                .unwrap_or_else(|_| panic!("there is no `{text}` on stderr: {}", self.stderr));
            self.stderr += &format!("{line}\n");
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub fn end(mut self) -> Run {
        let mut stdout = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        let status = self.child.wait().unwrap();
        self.stderr.extend(self.lines.iter().map(|line| format!("{line}\n")));
        let stderr = std::mem::take(&mut self.stderr);
        Run { code: status.code().unwrap_or(-1), stdout, stderr }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill(); // a test that failed leaves nothing behind
    }
}

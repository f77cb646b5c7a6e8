//! Endings other than success: signals, a full disk, a closed pipe. What was paid for is told.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // a test file

mod support;

use std::{
    fs::File,
    io::Read,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;
use support::{
    TEMPLATE,
    journal::OwnJournal,
    process::Process,
    service::{Answer, JOB, Service, id_in, job, previewed},
};

const OTHER: &str = "00000000-0000-4000-8000-000000000002";

/// A service that accepts everything, and whose jobs run for ever.
fn running() -> Service {
    Service::start(|request| match request.method.as_str() {
        "POST" => Answer::Json(201, job(json!({}))),
        _ => Answer::Json(200, job(json!({ "status": "running" }))),
    })
}

#[test]
fn every_signal_names_the_job_and_has_its_exit_code() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let service = running();
        let mut process =
            Process::start(service.command(), &["--output", "json", "preview", TEMPLATE]);
        process.wait_for("running");
        process.signal(signal);
        let run = process.end().expect(code);
        let resume = format!("creatify wait {JOB} --goal preview");
        assert!(run.stderr.contains(&resume), "{}", run.stderr);
        let error = &run.json()["error"];
        assert_eq!(
            (&error["kind"], &error["job_id"], &error["charge_risk"]),
            (&json!("interrupted"), &json!(JOB), &json!("charged"))
        );
    }
}

#[test]
fn a_quiet_command_names_the_job_too() {
    let service = running();
    let process = Process::start(service.command(), &["-q", "preview", TEMPLATE]);
    service.wait_for(2);
    process.signal("TERM");
    let run = process.end().expect(143);
    assert!(run.stderr.contains(JOB), "{}", run.stderr);
    assert_eq!(run.stdout, "");
}

#[test]
fn an_interrupted_wait_for_several_jobs_tells_what_is_known() {
    let service = Service::start(|request| match id_in(&request.path).as_deref() {
        Some(OTHER) => Answer::Json(
            200,
            previewed(json!({ "id": OTHER, "video_output": "https://media.example.com/v.mp4" })),
        ),
        Some(_) => Answer::Json(200, job(json!({ "status": "running" }))),
        None => Answer::Json(404, json!({ "detail": "No lists." })),
    });
    let arguments = ["-v", "--output", "json", "wait", JOB, OTHER];
    let mut process = Process::start(service.command(), &arguments);
    process.wait_for(&format!("{OTHER}: done"));
    process.wait_for(&format!("{JOB}: running"));
    process.signal("INT");
    let run = process.end().expect(130);
    let document = run.json();
    assert_eq!(
        (&document[0]["result"], &document[1]["result"]),
        (&json!("interrupted"), &json!("done"))
    );
    assert!(run.stderr.contains(&format!("creatify wait {JOB} --goal video")), "{}", run.stderr);
}

#[test]
fn stdin_does_not_keep_the_command_from_ending() {
    for signal in ["INT", "TERM"] {
        let service = running();
        let mut command = service.command();
        command.stdin(Stdio::piped());
        let mut child = command
            .args(["-vv", "preview", TEMPLATE, "--vars", "-"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let open_stdin = child.stdin.take(); // `wait` would close it
        wait_until_signals_are_caught(child.id());
        kill(child.id(), signal);
        let status = child.wait().unwrap();
        drop(open_stdin);
        assert_eq!(status.code(), Some(if signal == "INT" { 130 } else { 143 }));
        assert_eq!(service.requests().len(), 0);
    }
}

#[test]
fn a_locked_journal_does_not_keep_the_command_from_ending() {
    let service = running();
    let journal = OwnJournal::default();
    journal.run(service.command(), &["preview", TEMPLATE, "--no-wait"]).expect(0);
    let _lock = journal.locked();
    let mut command = journal.on(service.command());
    let child = command.args(["create", TEMPLATE]).stderr(Stdio::piped()).spawn().unwrap();
    wait_until_signals_are_caught(child.id());
    kill(child.id(), "TERM");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143));
    assert_eq!(service.posts().len(), 1);
}

#[test]
fn a_download_that_hangs_does_not_keep_the_command_from_ending() {
    let url = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let own = url.clone();
    let service = Service::start(move |request| match id_in(&request.path) {
        Some(_) => {
            let video = format!("{}/v/x.mp4", own.get().unwrap());
            Answer::Json(200, previewed(json!({ "video_output": video })))
        }
        None => Answer::Silence,
    });
    url.set(service.url.clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("v.mp4");
    let arguments = ["--output", "json", "download", JOB, "-o", out.to_str().unwrap()];
    let process = Process::start(service.command(), &arguments);
    service.wait_for(2);
    process.signal("HUP");
    let run = process.end().expect(129);
    assert_eq!(run.json()["error"]["kind"], "interrupted");
}

#[test]
fn the_answer_under_way_is_awaited_and_told() {
    let (answer, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let service = Service::start(move |request| {
        if request.method == "POST" {
            gate.lock().unwrap().recv().unwrap();
            return Answer::Json(201, job(json!({})));
        }
        Answer::Json(200, job(json!({ "status": "running" })))
    });
    let mut process = Process::start(service.command(), &["--output", "json", "create", TEMPLATE]);
    service.wait_for(1);
    process.signal("INT");
    process.wait_for("waiting up to");
    answer.send(()).unwrap();
    let run = process.end().expect(130);
    assert!(run.stderr.contains(&format!("creatify wait {JOB} --goal video")), "{}", run.stderr);
    assert_eq!(run.json()["error"]["job_id"], JOB);
}

#[test]
fn an_answer_that_does_not_come_leaves_the_outcome_unknown() {
    let service = Service::start(|_| Answer::Silence);
    let mut process = Process::start(service.command(), &["--output", "json", "create", TEMPLATE]);
    service.wait_for(1);
    process.signal("TERM");
    process.wait_for("waiting up to");
    process.signal("TERM"); // a second signal ends the wait
    let run = process.end().expect(143);
    assert!(run.stderr.contains("creatify list"), "{}", run.stderr);
    assert_eq!(run.json()["error"]["charge_risk"], "unknown");
}

#[test]
fn a_command_under_nohup_survives_the_terminal() {
    let service = running();
    let mut command = Command::new("nohup");
    let creatify = service.command();
    command.arg(creatify.get_program()).stdin(Stdio::null());
    for (name, value) in creatify.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut process = Process::start(command, &["wait", JOB]);
    process.wait_for("running");
    assert_eq!(caught_signals(process.id()) & SIGHUP, 0);
    process.signal("HUP");
    process.signal("TERM"); // it is there to be ended
    process.end().expect(143);
}

#[test]
fn a_full_disk_is_an_error_with_the_line_that_resumes() {
    let service = Service::start(|_| Answer::Json(201, previewed(json!({}))));
    for arguments in [
        &["-q", "--output", "json", "preview", TEMPLATE, "--no-wait"][..],
        &["preview", TEMPLATE],
        &["wait", JOB, "--goal", "preview"],
    ] {
        let mut command = service.command();
        command.args(arguments).stdout(File::options().write(true).open("/dev/full").unwrap());
        let output = command.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("cannot be written to stdout"), "{stderr}");
        assert!(stderr.contains(&format!("creatify wait {JOB} --goal preview")), "{stderr}");
    }
}

#[test]
fn a_closed_pipe_is_silent() {
    let service = Service::start(|_| Answer::Json(200, previewed(json!({}))));
    for arguments in [&["get", JOB][..], &["completions", "bash"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = service.command();
        let mut child =
            command.args(arguments).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        drop(command); // which holds the pipe's other end
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
    }
}

#[test]
fn a_signal_ends_the_command_within_moments() {
    let service = running();
    let mut process = Process::start(service.command(), &["preview", TEMPLATE]);
    process.wait_for("running");
    let sent = Instant::now();
    process.signal("INT");
    process.end().expect(130);
    assert!(sent.elapsed() < Duration::from_secs(3));
}

fn kill(pid: u32, signal: &str) {
    let pid = pid.to_string();
    assert!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success());
}

const SIGHUP: u64 = 1;
const SIGTERM: u64 = 1 << 14;

/// Returns the signals that a process handles itself.
fn caught_signals(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap()
}

fn wait_until_signals_are_caught(pid: u32) {
    while caught_signals(pid) & SIGTERM == 0 {
        std::thread::yield_now();
    }
}

//! Settings: the key file, variables that are set to nothing, the sandbox switch, usage errors.

#![allow(clippy::unwrap_used)] // a test file

mod support;

use std::fs;

use serde_json::json;
use support::{
    TEMPLATE, command,
    journal::OwnJournal,
    run_now,
    service::{Answer, JOB, KEY, Service, job, previewed},
};

fn done() -> Service {
    Service::start(|_| Answer::Json(201, previewed(json!({}))))
}

#[test]
fn the_key_is_read_from_a_file() {
    let service = done();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    fs::write(&file, format!("{KEY}\n")).unwrap();
    let path = file.to_str().unwrap();
    let without_key = || {
        let mut command = service.command();
        command.env_remove("CREATIFY_API_KEY");
        command
    };
    run_now(without_key(), &["--api-key-file", path, "get", JOB]).expect(0);
    let mut from_variable = without_key();
    from_variable.env("CREATIFY_API_KEY_FILE", path);
    run_now(from_variable, &["get", JOB]).expect(0);

    let missing = run_now(without_key(), &["--api-key-file", "/nonexistent", "get", JOB]).expect(2);
    assert!(missing.stderr.contains("--api-key-file /nonexistent"), "{}", missing.stderr);
    fs::write(&file, "\n").unwrap();
    let empty = run_now(without_key(), &["get", JOB, "--api-key-file", path]).expect(2);
    assert!(empty.stderr.contains("empty"), "{}", empty.stderr);
    run_now(without_key(), &["get", JOB, "--api-key", KEY, "--api-key-file", path]).expect(2);
}

#[test]
fn a_key_on_the_command_line_is_warned_about() {
    let service = done();
    let warned = run_now(service.command(), &["get", JOB, "--api-key", KEY]).expect(0).stderr;
    assert!(warned.contains("--api-key-file") && !warned.contains(KEY), "{warned}");
    assert_eq!(run_now(service.command(), &["get", JOB]).expect(0).stderr, "");
}

#[test]
fn a_variable_that_is_set_to_nothing_is_unset() {
    let service = done();
    for name in [
        "CREATIFY_API_KEY_FILE",
        "CREATIFY_JOURNAL",
        "CREATIFY_ASK_ABOVE",
        "CREATIFY_RATE_CARD",
        "CREATIFY_OUTPUT",
        "CREATIFY_SANDBOX",
        "CREATIFY_MAX_CREDITS",
    ] {
        let mut command = service.command();
        command.env(name, "");
        run_now(command, &["preview", TEMPLATE, "--no-wait"]).expect(0);
    }
    for name in ["CREATIFY_API_ID", "CREATIFY_API_KEY"] {
        let mut command = service.command();
        command.env(name, "");
        let missing = run_now(command, &["balance"]).expect(2).stderr;
        assert!(missing.contains(name), "{missing}");
    }
}

#[test]
fn the_sandbox_is_switched_on_and_off_by_its_variable() {
    for (value, code) in [("1", 0), ("true", 0), ("0", 2), ("false", 2)] {
        let mut command = command();
        command.env("CREATIFY_SANDBOX", value);
        run_now(command, &["balance"]).expect(code); // without an account, only a sandbox answers
    }
}

#[test]
fn play_money_is_never_recorded_with_real_money() {
    let folder = tempfile::tempdir().unwrap();
    let journal = OwnJournal::default();
    for arguments in [&["--sandbox", "preview", TEMPLATE, "--no-wait"][..], &["demo"]] {
        let mut command = journal.on(command());
        command.current_dir(folder.path());
        run_now(command, arguments).expect(0);
        assert!(!journal.path().exists());
    }
    for reading in ["ledger", "jobs", "resume", "reconcile", "budget"] {
        journal.run(command(), &["--sandbox", reading]).expect(2);
    }
}

#[test]
fn a_job_of_the_embedded_sandbox_is_said_to_end_with_it() {
    let arguments = ["--sandbox", "preview", TEMPLATE];
    let submitted = run_now(command(), &[&arguments[..], &["--no-wait"]].concat()).expect(0);
    let late = run_now(command(), &[&arguments[..], &["--timeout", "300ms"]].concat()).expect(7);
    for stderr in [submitted.stderr, late.stderr] {
        assert!(stderr.contains("with the sandbox") || stderr.contains("ends with this command"));
        assert!(!stderr.contains("creatify wait"), "{stderr}");
    }
}

#[test]
fn csv_cannot_be_json() {
    let service = done();
    for option in ["--csv", "--jsonl"] {
        let both = ["--output", "json", "ledger", option];
        let refused = run_now(service.command(), &both).expect(2);
        assert!(refused.stderr.contains(option), "{}", refused.stderr);
        run_now(service.command(), &["ledger", option]).expect(0);
    }
}

#[test]
fn a_quiet_command_prints_ids_only() {
    let service = done();
    for arguments in [
        &["-q", "preview", TEMPLATE][..],
        &["-q", "get", JOB],
        &["-q", "wait", JOB, "--goal", "preview"],
    ] {
        let run = run_now(service.command(), arguments).expect(0);
        assert_eq!((run.stdout, run.stderr), (format!("{JOB}\n"), String::new()));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_path_that_is_no_utf_8_is_no_panic() {
    use std::os::unix::ffi::OsStrExt;

    let url = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let own = url.clone();
    let service = Service::start(move |request| {
        if request.path.starts_with("/v/") {
            return Answer::Body(200, "video/mp4", b"\0\0\0\x18ftypmp42video".to_vec());
        }
        let video = format!("{}/v/x.mp4", own.get().unwrap());
        Answer::Json(200, previewed(json!({ "video_output": video })))
    });
    url.set(service.url.clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(std::ffi::OsStr::from_bytes(b"v\xff.mp4"));
    for format in ["json", "text"] {
        let _ = fs::remove_file(&path);
        let mut command = service.command();
        command.args(["download", JOB, "-o"]).arg(&path);
        let run = run_now(command, &["--output", format]).expect(0);
        assert!(path.exists() && run.stdout.contains("v\u{fffd}.mp4"), "{}", run.stdout);
    }
}

#[test]
fn a_download_replaces_a_file_only_when_it_is_forced() {
    let url = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let own = url.clone();
    let service = Service::start(move |request| {
        if request.path.starts_with("/v/") {
            return Answer::Body(200, "video/mp4", b"\0\0\0\x18ftypmp42video".to_vec());
        }
        let video = format!("{}/v/x.mp4", own.get().unwrap());
        Answer::Json(200, previewed(json!({ "video_output": video })))
    });
    url.set(service.url.clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("v.mp4");
    fs::write(&file, "mine").unwrap();
    let arguments = ["download", JOB, "-o", file.to_str().unwrap()];
    let refused = run_now(service.command(), &arguments).expect(2);
    assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    run_now(service.command(), &[&arguments[..], &["--force"]].concat()).expect(0);
    assert_eq!(fs::read(&file).unwrap().len(), 17);
}

#[test]
fn the_time_out_bounds_every_command() {
    let service = Service::start(|_| Answer::Silence);
    let id = job(json!({}))["id"].as_str().unwrap().to_owned();
    for (arguments, code) in [
        (&["balance"][..], 1),
        (&["templates"], 1),
        (&["get", &id], 1),
        (&["list"], 1),
        (&["download", &id, "-o", "/nonexistent/v.mp4"], 1),
        (&["wait", &id], 7),
        (&["create", TEMPLATE], 8),
        (&["preview", TEMPLATE, "--sync"], 8),
        (&["render", &id], 1),
    ] {
        let started = std::time::Instant::now();
        let arguments = [arguments, &["--timeout", "1s"]].concat();
        run_now(service.command(), &arguments).expect(code);
        let took = started.elapsed().as_secs_f32();
        assert!((0.5..4.0).contains(&took), "{arguments:?} took {took} s");
    }
}

#[test]
fn the_time_out_bounds_a_submission_that_is_throttled() {
    let service = Service::start(|_| Answer::Json(429, json!({ "detail": "Slow down." })));
    let started = std::time::Instant::now();
    let late = run_now(service.command(), &["create", TEMPLATE, "--timeout", "2s"]).expect(1);
    assert!(started.elapsed().as_secs_f32() < 4.0, "{}", late.stderr);
}

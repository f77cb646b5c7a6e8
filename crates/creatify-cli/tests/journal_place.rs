//! The place of the journal: told once, opened only when it is needed, never with its password.

#![allow(clippy::unwrap_used)] // a test file

mod support;

use std::{fs, process::Command};

use serde_json::json;
use support::{
    TEMPLATE,
    journal::OwnJournal,
    run_now,
    service::{Answer, JOB, Service, id_in, previewed},
};

fn done() -> Service {
    Service::start(|_| Answer::Json(201, previewed(json!({}))))
}

fn with_journal(mut command: Command, journal: &str) -> Command {
    command.env("CREATIFY_JOURNAL", journal);
    command
}

#[test]
fn a_user_without_any_set_up_gets_a_journal_in_the_data_directory_and_is_told_once() {
    let service = done();
    let home = tempfile::tempdir().unwrap();
    let command = || {
        let mut command = service.command();
        command.env("XDG_DATA_HOME", home.path());
        command
    };
    let file = home.path().join("creatify").join("journal.db");
    // What spends nothing makes no journal.
    for arguments in [&["get", JOB][..], &["wait", JOB, "--goal", "preview"], &["jobs"]] {
        run_now(command(), arguments).expect(0);
        assert!(!file.exists(), "{arguments:?}");
    }
    let preview = ["preview", TEMPLATE, "--no-wait"];
    let first = run_now(command(), &preview).expect(0).stderr;
    assert!(first.contains(file.to_str().unwrap()) && first.contains("--journal"), "{first}");
    let second = run_now(command(), &preview).expect(0).stderr;
    assert!(!second.contains("journal"), "{second}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&file) & 0o777, 0o600);
        assert_eq!(mode(file.parent().unwrap()) & 0o777, 0o700);
    }
}

#[test]
fn without_its_journal_a_submission_is_refused_and_nothing_is_sent() {
    let service = done();
    let folder = tempfile::tempdir().unwrap();
    let no_database = folder.path().join("notes.txt");
    fs::write(&no_database, "This is no database. ".repeat(500)).unwrap();
    for place in [no_database.to_str().unwrap(), folder.path().to_str().unwrap()] {
        for arguments in [
            &["preview", TEMPLATE][..],
            &["create", TEMPLATE, "--key", "k"],
            &["render", JOB],
            &["budget", "set", "all", "5"],
            &["jobs"],
            &["ledger"],
            &["resume"],
            &["reconcile"],
        ] {
            let arguments = [&["--output", "json"], arguments].concat();
            let refused = run_now(with_journal(service.command(), place), &arguments).expect(1);
            assert_eq!(refused.json()["error"]["kind"], "journal", "{arguments:?}");
            assert!(refused.stderr.contains("because: "), "{}", refused.stderr);
        }
        let refused = run_now(with_journal(service.command(), place), &["create", TEMPLATE]);
        assert!(refused.expect(1).stderr.contains("nothing was sent"));
    }
    assert_eq!(service.requests().len(), 0);
    let text = fs::read_to_string(&no_database).unwrap();
    assert!(text.starts_with("This is no database."), "it was damaged");
}

#[test]
fn commands_that_only_read_go_on_without_their_journal() {
    let service = Service::start(|request| match request.path.as_str() {
        path if path.contains("credits") => Answer::Json(200, json!({ "remaining_credits": 7 })),
        path if id_in(path).is_some() => Answer::Json(200, previewed(json!({}))),
        _ => Answer::Json(200, json!([])),
    });
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().to_str().unwrap();
    for arguments in [&["get", JOB][..], &["wait", JOB, "--goal", "preview"], &["list", JOB]] {
        let run = run_now(with_journal(service.command(), broken), arguments).expect(0);
        if run.stdout.contains(JOB) {
            assert_eq!(run.stderr.matches("warning: the journal").count(), 1, "{}", run.stderr);
        }
    }
    for arguments in [
        &["balance"][..],
        &["templates"],
        &["estimate", "--operation", "preview", "--seconds", "9"],
    ] {
        let run = run_now(with_journal(service.command(), broken), arguments).expect(0);
        assert_eq!(run.stderr, "", "{arguments:?}");
    }
}

#[test]
fn the_password_of_a_database_is_never_printed() {
    let service = done();
    for (url, codes) in [
        ("postgres://me:hunter2-secret@127.0.0.1:1/jobs", [1, 1, 0]),
        ("postgres://127.0.0.1:1/jobs?user=me&password=hunter2-secret", [1, 1, 0]),
        ("postgres://me:hunter2-secret@[", [1, 1, 0]),
        ("mysql://me:hunter2-secret@127.0.0.1/jobs", [2, 2, 2]),
    ] {
        let by_option = ["--journal", url];
        for (arguments, code) in
            [&["preview", TEMPLATE][..], &["-vv", "jobs"], &["get", JOB]].iter().zip(codes)
        {
            let by_variable = run_now(with_journal(service.command(), url), arguments);
            let by_option = run_now(service.command(), &[&by_option[..], arguments].concat());
            for run in [by_variable.expect(code), by_option.expect(code)] {
                let printed = format!("{}{}", run.stdout, run.stderr);
                assert!(!printed.contains("hunter2"), "{url} {arguments:?}: {printed}");
            }
        }
        for help in [&["--help"][..], &["jobs", "--nonsense"], &["jobs", "--help"]] {
            let run = run_now(with_journal(service.command(), url), help);
            assert!(!format!("{}{}", run.stdout, run.stderr).contains("hunter2"), "{help:?}");
        }
    }
    assert_eq!(service.posts().len(), 0);
}

#[test]
fn a_paid_job_that_cannot_be_entered_is_told_even_quietly() {
    let journal = std::sync::Arc::new(OwnJournal::default());
    let own = journal.clone();
    let service = Service::start(move |request| {
        if request.method == "POST" {
            // The journal breaks after the submission was entered, and before it is answered.
            own.sql("ALTER TABLE creatify_entries RENAME TO gone");
        }
        Answer::Json(201, previewed(json!({})))
    });
    let run = journal.run(service.command(), &["-q", "preview", TEMPLATE, "--no-wait"]).expect(0);
    assert_eq!(run.stdout, format!("{JOB}\n"));
    let told = run.stderr.lines().any(|line| line.contains("ERROR") && line.contains(JOB));
    assert!(told, "{}", run.stderr);
}

#[test]
fn the_old_ledger_options_are_gone() {
    let service = done();
    run_now(service.command(), &["--ledger", "spent.jsonl", "ledger"]).expect(2);
}

//! Submissions with a key: paid once, told in words, and dry runs that send nothing.

#![allow(clippy::unwrap_used)] // a test file

mod support;

use creatify_sandbox::Sandbox;
use serde_json::{Value, json};
use support::{
    FAST, TEMPLATE,
    journal::OwnJournal,
    process::Process,
    run, run_now,
    service::{Answer, JOB, Service, id_in, job, previewed},
    using,
};

/// A service whose jobs are done at once.
fn done() -> Service {
    Service::start(|_| Answer::Json(201, previewed(json!({}))))
}

#[test]
fn a_submission_with_a_key_is_sent_once_and_says_so_the_second_time() {
    let (service, journal) = (done(), OwnJournal::default());
    let preview = ["preview", TEMPLATE, "--key", "spring/1"];
    let first = journal.run(service.command(), &preview).expect(0);
    assert!(first.stderr.contains("accepted"), "{}", first.stderr);
    for quiet in [&["-q"][..], &[]] {
        let again = journal.run(service.command(), &[quiet, &preview].concat()).expect(0);
        let told = format!("already submitted with this key: job {JOB}; nothing was sent");
        assert!(again.stderr.contains(&told), "{}", again.stderr);
        assert!(again.stdout.contains(JOB), "{}", again.stdout);
    }
    let shown = journal.json(service.command(), &[&preview[..], &["--no-wait"]].concat());
    assert_eq!(shown["status"], "done", "the job is read again");
    assert_eq!(service.posts().len(), 1);
}

#[test]
fn a_key_that_was_used_for_something_else_is_2() {
    let (service, journal) = (done(), OwnJournal::default());
    journal.run(service.command(), &["preview", TEMPLATE, "--key", "k", "--no-wait"]).expect(0);
    let other = ["--output", "json", "preview", TEMPLATE, "--key", "k", "--var", "headline=Sale"];
    let refused = journal.run(service.command(), &other).expect(2);
    assert_eq!(refused.json()["error"]["kind"], "key_reused");
    assert!(refused.stderr.contains("nothing was sent"), "{}", refused.stderr);
    assert!(refused.stderr.contains("creatify jobs"), "{}", refused.stderr);
    for wrong in ["", " k", "a\nb"] {
        let usage = journal.run(service.command(), &["preview", TEMPLATE, "--key", wrong]);
        assert!(usage.expect(2).stderr.contains("--key"), "{wrong:?}");
    }
    assert_eq!(service.posts().len(), 1);
}

#[test]
fn a_failed_job_is_submitted_again_only_on_the_explicit_word() {
    let failed = json!({ "status": "failed", "failed_reason": "bad image" });
    let service = Service::start(move |request| match request.method.as_str() {
        "POST" => Answer::Json(201, job(json!({}))),
        _ => Answer::Json(200, job(failed.clone())),
    });
    let journal = OwnJournal::default();
    let preview = ["preview", TEMPLATE, "--key", "k"];
    journal.run(service.command(), &preview).expect(6);
    let again = journal.run(service.command(), &preview).expect(6);
    assert!(again.stderr.contains("--retry-failed"), "{}", again.stderr);
    assert_eq!(service.posts().len(), 1);
    journal.run(service.command(), &[&preview[..], &["--retry-failed"]].concat()).expect(6);
    assert_eq!(service.posts().len(), 2);
    let without_key = ["preview", TEMPLATE, "--retry-failed"];
    assert!(journal.run(service.command(), &without_key).expect(2).stderr.contains("--key"));
}

#[test]
fn a_dry_run_shows_the_request_and_the_cost_and_sends_nothing_that_costs() {
    let (service, journal) = (done(), OwnJournal::default());
    let dry = ["preview", TEMPLATE, "--seconds", "31", "--key", "k", "--dry-run"];
    let shown = journal.json(service.command(), &dry);
    assert_eq!((&shown["operation"], &shown["request"]["name"]), (&json!("preview"), &json!("k")));
    assert_eq!(shown["estimate"]["credits"], json!({ "min": 2, "max": 2 }));
    let text = journal.run(service.command(), &dry).expect(0);
    assert!(text.stdout.contains("2 credits") && text.stdout.contains(TEMPLATE), "{}", text.stdout);
    assert!(text.stderr.contains("nothing was sent"), "{}", text.stderr);
    assert_eq!(service.requests().len(), 0);
    let over = [&dry[..], &["--max-credits", "1"]].concat();
    journal.run(service.command(), &over).expect(5); // tells the balance
    assert!(!journal.path().exists(), "a dry run makes no journal");

    // A render is checked against its job, which is read.
    journal.run(service.command(), &["render", JOB, "--dry-run"]).expect(0);
    assert_eq!(service.posts().len(), 0);
}

#[test]
fn a_dry_run_of_what_was_sent_already_says_so() {
    let (service, journal) = (done(), OwnJournal::default());
    journal.run(service.command(), &["preview", TEMPLATE, "--key", "k", "--no-wait"]).expect(0);
    let dry = journal.run(service.command(), &["preview", TEMPLATE, "--key", "k", "--dry-run"]);
    assert!(dry.expect(0).stderr.contains("would not be sent again"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_and_its_render_may_share_a_key_which_names_the_job_everywhere() {
    let sandbox = Sandbox::builder().speed(FAST).start().await.unwrap();
    let journal = OwnJournal::default();
    let on = || journal.on(using(&sandbox));
    run(on(), &["preview", TEMPLATE, "--key", "spring/1", "--var", "a=1"]).await.expect(0);
    let render = ["render", "spring/1", "--key", "spring/1"];
    run(on(), &render).await.expect(0);
    let again = run(on(), &render).await.expect(0);
    assert!(again.stderr.contains("already submitted"), "{}", again.stderr);
    let id = run(on(), &["-q", "get", "spring/1"]).await.expect(0).stdout;
    let folder = tempfile::tempdir().unwrap();
    let into = format!("{}/", folder.path().display());
    let prefix = &id[..6];
    for arguments in [
        &["wait", "spring/1"][..],
        &["wait", prefix],
        &["wait", &format!("preview:{prefix}")],
        &["get", prefix],
        &["list", prefix],
        &["download", "spring/1", "-o", &into],
    ] {
        let shown = run(on(), arguments).await.expect(0).stdout;
        assert!(shown.contains(id.trim()), "{arguments:?}: {shown}");
    }
    assert_eq!(sandbox.charged(), 5.into());
}

#[test]
fn an_ambiguous_name_lists_the_candidates_and_an_unknown_one_is_refused() {
    let other = "7c0a2d0e-0000-4000-8000-000000000002";
    let service = Service::start(move |request| {
        let made = if request.path.contains("preview") { JOB } else { other };
        let id = id_in(&request.path).unwrap_or_else(|| made.to_owned());
        Answer::Json(201, previewed(json!({ "id": id })))
    });
    let journal = OwnJournal::default();
    for command in ["preview", "create"] {
        let arguments = [command, TEMPLATE, "--key", "both", "--no-wait"];
        journal.run(service.command(), &arguments).expect(0);
    }
    for name in ["7c0a2d0e", "both"] {
        let refused = journal.run(service.command(), &["wait", name]).expect(2);
        assert!(refused.stderr.contains(JOB), "{}", refused.stderr);
        assert!(refused.stderr.contains(other), "{}", refused.stderr);
    }
    let quiet = journal.run(service.command(), &["-q", "get", "7c0a2d0e-5"]).expect(0);
    assert_eq!(quiet.stdout, format!("{JOB}\n"));
    let sent = service.requests().len();
    for command in ["get", "wait", "download", "render", "list"] {
        let refused = journal.run(service.command(), &[command, "nobody"]).expect(2);
        assert!(refused.stderr.contains("`nobody`"), "{}", refused.stderr);
    }
    assert_eq!(service.requests().len(), sent);
}

#[test]
fn a_key_in_use_is_7() {
    let (service, journal) = (done(), OwnJournal::default());
    let preview = ["--output", "json", "preview", TEMPLATE, "--key", "k", "--timeout", "1s"];
    journal.run(service.command(), &preview).expect(0);
    // As if another process were sending it.
    let until = "2999-01-01T00:00:00Z";
    journal.sql(&format!(
        "UPDATE creatify_entries SET state = 'sending', entry = json_set(entry, '$.state', \
         'sending', '$.lease', json_object('owner', json_extract(entry, '$.id'), 'until', \
         '{until}'))"
    ));
    let in_use = journal.run(service.command(), &preview).expect(7);
    assert_eq!(in_use.json()["error"]["kind"], "key_in_use");
    assert!(in_use.stderr.contains("nothing was sent"), "{}", in_use.stderr);
    assert!(in_use.stderr.contains("outcome is awaited"), "{}", in_use.stderr);
    assert_eq!(service.posts().len(), 1);
}

#[test]
#[cfg(unix)]
fn a_command_that_was_killed_and_is_run_again_pays_once() {
    let service = Service::start(|request| match (request.method.as_str(), id_in(&request.path)) {
        ("POST", _) => Answer::Silence, // it is killed meanwhile
        (_, Some(_)) => Answer::Json(200, previewed(json!({}))),
        (_, None) => {
            let made = json!({ "name": "k", "created_at": chrono::Utc::now() });
            Answer::Json(200, json!([job(made)]))
        }
    });
    let journal = OwnJournal::default();
    let preview = ["preview", TEMPLATE, "--key", "k"];
    let process = Process::start(journal.on(service.command()), &preview);
    service.wait_for(1);
    process.signal("KILL");
    process.end().expect(-1);
    // Its lease expires.
    journal.sql(
        "UPDATE creatify_entries SET entry = json_set(entry, '$.lease.until', \
         '2026-01-01T00:00:00Z')",
    );
    let again = journal.run(service.command(), &preview).expect(0);
    assert!(again.stderr.contains("already submitted with this key"), "{}", again.stderr);
    assert!(again.stderr.contains("its job is searched for"), "{}", again.stderr);
    assert_eq!(service.posts().len(), 1);
}

#[test]
fn scripts_are_never_asked() {
    let (service, journal) = (done(), OwnJournal::default());
    let mut command = journal.on(service.command());
    command.env("CREATIFY_ASK_ABOVE", "0");
    run_now(command, &["create", TEMPLATE, "--seconds", "600", "--no-wait"]).expect(0);
    assert_eq!(service.posts().len(), 1);
}

/// Runs a command on a terminal of the program `script`, with a line typed into it.
#[cfg(target_os = "linux")]
fn on_a_terminal(mut command: std::process::Command, arguments: &[&str], typed: &str) -> String {
    use std::io::Write;
    let line = [&[env!("CARGO_BIN_EXE_creatify")][..], arguments].concat().join(" ");
    let mut script = std::process::Command::new("script");
    for (name, value) in command.args(arguments).get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    script.args(["-qec", &line, "/dev/null"]);
    script.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = script.spawn().unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn a_person_is_asked_before_something_dear_is_sent() {
    if std::process::Command::new("script").arg("--version").output().is_err() {
        eprintln!("skipped: the program `script` is not installed");
        return;
    }
    let (service, journal) = (done(), OwnJournal::default());
    let dear = ["create", TEMPLATE, "--seconds", "600", "--no-wait"];
    let command = || journal.on(service.command());
    let declined = on_a_terminal(command(), &dear, "n\n");
    assert!(declined.contains("may cost 100 credits"), "{declined}");
    assert!(declined.contains("nothing was sent"), "{declined}");
    assert_eq!(service.posts().len(), 0);
    on_a_terminal(command(), &dear, "y\n");
    assert_eq!(service.posts().len(), 1);
    let approved = on_a_terminal(command(), &[&dear[..], &["--yes"]].concat(), "");
    assert!(!approved.contains("may cost"), "{approved}");
    let cheap = ["preview", TEMPLATE, "--seconds", "30", "--no-wait", "--key", "k"];
    let unasked = on_a_terminal(command(), &cheap, "");
    assert!(!unasked.contains("may cost"), "{unasked}");
    assert_eq!(service.posts().len(), 3);

    // Nothing is spent on what was submitted already, so nobody is asked.
    let mut asking = command();
    asking.env("CREATIFY_ASK_ABOVE", "0");
    let replayed = on_a_terminal(asking, &cheap, "");
    assert!(replayed.contains("already submitted"), "{replayed}");
    let value: Value = journal.json(service.command(), &["jobs"]);
    assert_eq!(value.as_array().unwrap().len(), 3);
}

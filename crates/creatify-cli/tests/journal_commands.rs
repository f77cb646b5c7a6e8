//! What the journal knows: `jobs`, `resume`, `reconcile` and `budget`.

#![allow(clippy::unwrap_used)] // a test file

mod support;

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use support::{
    TEMPLATE,
    journal::OwnJournal,
    service::{Answer, JOB, Service, id_in, job, previewed},
};

const OTHER: &str = "00000000-0000-4000-8000-000000000002";

/// A service whose answers to submissions are lost, and that lists these jobs.
fn losing(listed: Option<Value>) -> Service {
    Service::start(move |request| match (request.method.as_str(), id_in(&request.path)) {
        ("POST", _) => Answer::Body(502, "text/html", b"<h1>Bad Gateway</h1>".to_vec()),
        (_, Some(id)) => Answer::Json(200, previewed(json!({ "id": id }))),
        (_, None) => match &listed {
            Some(jobs) => Answer::Json(200, jobs.clone()),
            None => Answer::Json(404, json!({ "detail": "No lists." })),
        },
    })
}

/// Lets the lost submissions be of long ago, so that a list proves something at once.
fn age(journal: &OwnJournal) {
    let at = "2026-01-01T00:00:00Z";
    journal.sql(&format!(
        "UPDATE creatify_entries SET record = \
         json_set(record, '$.sent_at', '{at}', '$.given_up_at', '{at}')"
    ));
}

fn lose(service: &Service, journal: &OwnJournal, arguments: &[&str]) {
    journal.run(service.command(), &[&["preview", TEMPLATE], arguments].concat()).expect(8);
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap()
}

#[test]
fn jobs_tells_in_words_what_was_paid_is_open_and_is_unknown() {
    let answers = Mutex::new(vec![502, 422, 201, 201]);
    let service = Service::start(move |request| {
        if request.method != "POST" {
            let running = json!({ "status": "failed", "failed_reason": "bad image" });
            return Answer::Json(200, job(running));
        }
        match answers.lock().unwrap().pop().unwrap() {
            201 if request.path.contains("preview") => {
                Answer::Json(201, previewed(json!({ "id": OTHER })))
            }
            201 => Answer::Json(201, job(json!({}))),
            status => Answer::Json(status, json!({ "detail": "No." })),
        }
    });
    let journal = OwnJournal::default();
    let submit = |command: &str, key: &str, more: &[&str]| {
        let arguments = [&[command, TEMPLATE, "--key", key, "--no-wait"], more].concat();
        journal.run(service.command(), &arguments)
    };
    submit("preview", "paid", &["--label", "spring", "--seconds", "30"]).expect(0);
    submit("create", "open one", &["--seconds", "30"]).expect(0);
    submit("create", "refused", &[]).expect(4);
    submit("create", "lost", &["--seconds", "30"]).expect(8);

    let all = journal.json(service.command(), &["jobs"]);
    let told: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (text(entry, "key"), text(entry, "operation"), text(entry, "status")))
        .collect();
    assert_eq!(
        told,
        [
            ("paid", "preview", "done"),
            ("open one", "create", "submitted"),
            ("refused", "create", "not_accepted"),
            ("lost", "create", "unknown"),
        ]
    );
    assert_eq!((&all[0]["charged"], &all[0]["job_id"]), (&json!(1), &json!(OTHER)));
    assert_eq!(all[1]["next"], format!("creatify wait {JOB} --goal video"));
    assert_eq!(all[3]["next"], "creatify reconcile lost");

    let table = journal.run(service.command(), &["jobs"]).expect(0).stdout;
    for words in ["KEY", "not accepted", "up to 5", "spring", "creatify reconcile lost"] {
        assert!(table.contains(words), "{words}: {table}");
    }
    let keys = |arguments: &[&str]| {
        let arguments = [&["jobs"], arguments].concat();
        let shown = journal.json(service.command(), &arguments);
        let keys = shown.as_array().unwrap().iter().map(|entry| text(entry, "key").to_owned());
        keys.collect::<Vec<_>>()
    };
    assert_eq!(keys(&["--open"]), ["open one", "lost"]);
    assert_eq!(keys(&["--unknown"]), ["lost"]);
    assert_eq!(keys(&["--label", "spring"]), ["paid"]);
    assert_eq!(keys(&["--limit", "2"]), ["refused", "lost"]);
    assert_eq!(keys(&["--since", "2100-01-01"]), [""; 0]);
    assert_eq!(keys(&["--failed"]), [""; 0]);
    journal.run(service.command(), &["wait", "open one"]).expect(6);
    assert_eq!(keys(&["--failed"]), ["open one"]);
    let cut = journal.run(service.command(), &["jobs", "--limit", "2"]).expect(0).stderr;
    assert!(cut.contains("--limit"), "{cut}");
    journal.run(service.command(), &["jobs", "--open", "--failed"]).expect(2);
    journal.run(service.command(), &["jobs", "--since", "yesterday"]).expect(2);
}

#[test]
fn jobs_budgets_and_the_ledger_are_offline_and_need_no_api_key() {
    let service = losing(None);
    let journal = OwnJournal::default();
    for arguments in [&["jobs"][..], &["ledger"], &["budget"], &["budget", "set", "all", "5"]] {
        let mut command = journal.on(service.command());
        command.env_remove("CREATIFY_API_KEY");
        support::run_now(command, arguments).expect(0);
        let mut nobody = journal.on(service.command());
        nobody.env_remove("CREATIFY_API_ID");
        let refused = support::run_now(nobody, arguments).expect(2);
        assert!(refused.stderr.contains("CREATIFY_API_ID"), "{}", refused.stderr);
    }
    assert_eq!(service.requests().len(), 0);
    let mut other = journal.on(service.command());
    other.env("CREATIFY_API_ID", "another-account");
    let budgets = support::run_now(other, &["--output", "json", "budget"]).expect(0).json();
    assert_eq!(budgets, json!([]), "accounts never mix");
}

#[test]
fn resume_waits_for_every_open_job_and_names_the_unknown_ones() {
    let posts = Mutex::new(0);
    let service = Service::start(move |request| {
        if request.method == "POST" {
            let mut posts = posts.lock().unwrap();
            *posts += 1;
            return match *posts {
                1 => Answer::Json(201, job(json!({}))),
                2 => Answer::Json(201, job(json!({ "id": OTHER }))),
                _ => Answer::Body(502, "text/html", b"<h1>Bad Gateway</h1>".to_vec()),
            };
        }
        match id_in(&request.path) {
            Some(id) => Answer::Json(200, previewed(json!({ "id": id }))),
            None => Answer::Json(404, json!({ "detail": "No lists." })),
        }
    });
    let journal = OwnJournal::default();
    let none = journal.run(service.command(), &["--output", "json", "resume"]).expect(0);
    assert_eq!(none.json(), json!([]));
    for key in ["one", "two"] {
        let arguments = ["preview", TEMPLATE, "--key", key, "--no-wait"];
        journal.run(service.command(), &arguments).expect(0);
    }
    lose(&service, &journal, &["--key", "lost"]);
    let run = journal.run(service.command(), &["--output", "json", "resume"]).expect(0);
    assert_eq!((&run.json()[0]["id"], &run.json()[1]["id"]), (&json!(JOB), &json!(OTHER)));
    assert!(run.stderr.contains("creatify reconcile lost"), "{}", run.stderr);
    assert_eq!(journal.json(service.command(), &["resume"]), json!([]));
}

#[test]
fn the_reconcile_line_of_a_lost_answer_adopts_the_job_with_its_key_and_sends_nothing() {
    let made = json!({ "name": "spring/1", "created_at": chrono::Utc::now() });
    let service = losing(Some(json!([job(made)])));
    let journal = OwnJournal::default();
    let lost = ["preview", TEMPLATE, "--key", "spring/1", "--timeout", "20s"];
    let lost = journal.run(service.command(), &lost).expect(8);
    assert!(lost.stderr.contains("settle it with: creatify reconcile spring/1"), "{}", lost.stderr);
    let sent = service.posts().len();
    let settled = journal.json(service.command(), &["reconcile", "spring/1"]);
    assert_eq!(
        (&settled[0]["key"], &settled[0]["result"], &settled[0]["job"]["id"]),
        (&json!("spring/1"), &json!("adopted"), &json!(JOB))
    );
    assert_eq!(journal.json(service.command(), &["jobs"])[0]["status"], "submitted");
    assert_eq!(journal.json(service.command(), &["reconcile"]), json!([]));
    let again = journal.json(service.command(), &["reconcile", "spring/1"]);
    assert_eq!(again[0]["result"], "submitted");
    assert_eq!(service.posts().len(), sent);
}

#[test]
fn a_likely_match_is_proposed_and_adopted_only_on_a_persons_word() {
    let made = json!({ "name": "Sale", "created_at": "2026-01-01T00:00:05Z" });
    let service = losing(Some(json!([job(made)])));
    let journal = OwnJournal::default();
    lose(&service, &journal, &["--name", "Sale"]);
    age(&journal);
    let proposed = journal.json(service.command(), &["reconcile"]);
    assert_eq!(
        (&proposed[0]["result"], &proposed[0]["job"]["id"]),
        (&json!("likely"), &json!(JOB))
    );
    let words = journal.run(service.command(), &["reconcile"]).expect(0).stdout;
    assert!(words.contains("--adopt") && words.contains("--not-accepted"), "{words}");
    assert_eq!(journal.json(service.command(), &["jobs"])[0]["status"], "unknown");
    let adopted = journal.json(service.command(), &["reconcile", "--adopt"]);
    assert_eq!(adopted[0]["result"], "adopted");
    assert_eq!(service.posts().len(), 1);
}

#[test]
fn several_matches_are_listed_and_one_is_adopted_by_its_id() {
    let made =
        |id: &str| job(json!({ "id": id, "name": "Sale", "created_at": "2026-01-01T00:00:05Z" }));
    let service = losing(Some(json!([made(JOB), made(OTHER)])));
    let journal = OwnJournal::default();
    lose(&service, &journal, &["--name", "Sale"]);
    age(&journal);
    let ambiguous = journal.json(service.command(), &["reconcile"]);
    assert_eq!(ambiguous[0]["result"], "ambiguous");
    assert_eq!(ambiguous[0]["candidates"].as_array().unwrap().len(), 2);
    let key = text(&ambiguous[0], "key").to_owned();
    let by_id = ["reconcile", &key, "--adopt", "--job", OTHER];
    let adopted = journal.json(service.command(), &by_id);
    assert_eq!(
        (&adopted[0]["result"], &adopted[0]["job"]["id"]),
        (&json!("adopted"), &json!(OTHER))
    );

    // A job that another submission has is refused.
    lose(&service, &journal, &["--key", "second"]);
    let taken = ["reconcile", "second", "--adopt", "--job", OTHER];
    let refused = journal.run(service.command(), &taken).expect(2);
    assert!(refused.stderr.contains(&key), "{}", refused.stderr);
    for wrong in [
        &["reconcile", "--not-accepted"][..],
        &["reconcile", "second", "--job", OTHER],
        &["reconcile", "--adopt", "--job", OTHER],
        &["reconcile", "second", "--adopt", "--not-accepted"],
        &["reconcile", "nobody"],
    ] {
        journal.run(service.command(), wrong).expect(2);
    }
    assert_eq!(service.posts().len(), 2);
}

#[test]
fn what_is_declared_not_accepted_may_be_submitted_again() {
    let lost = Arc::new(Mutex::new(true));
    let is_lost = lost.clone();
    let service = Service::start(move |request| match request.method.as_str() {
        "POST" if *is_lost.lock().unwrap() => {
            Answer::Body(502, "text/html", b"<h1>Bad Gateway</h1>".to_vec())
        }
        "POST" => Answer::Json(201, previewed(json!({}))),
        _ => Answer::Json(200, json!([])),
    });
    let journal = OwnJournal::default();
    lose(&service, &journal, &["--key", "k"]);
    age(&journal);
    let not_found = journal.json(service.command(), &["reconcile", "k"]);
    assert_eq!(
        (&not_found[0]["result"], &not_found[0]["job"]),
        (&json!("not_found"), &Value::Null)
    );
    // Until then it is not sent again.
    lose(&service, &journal, &["--key", "k", "--timeout", "2s"]);
    assert_eq!(service.posts().len(), 1);
    let released = journal.json(service.command(), &["reconcile", "k", "--not-accepted"]);
    assert_eq!(released[0]["result"], "not_accepted");
    *lost.lock().unwrap() = false;
    journal.run(service.command(), &["preview", TEMPLATE, "--key", "k", "--no-wait"]).expect(0);
    assert_eq!(service.posts().len(), 2);
    let late = journal.run(service.command(), &["reconcile", "k", "--not-accepted"]).expect(2);
    assert!(late.stderr.contains("done already"), "{}", late.stderr);
}

#[test]
fn a_service_without_lists_is_said_to_be_one() {
    let service = losing(None);
    let journal = OwnJournal::default();
    lose(&service, &journal, &["--key", "k"]);
    assert_eq!(journal.json(service.command(), &["reconcile"])[0]["result"], "unsupported");
}

#[test]
fn a_budget_holds_for_every_process_and_its_refusal_tells_all_figures() {
    let service = Service::start(|request| match request.method.as_str() {
        "POST" => Answer::Json(201, job(json!({}))),
        _ => Answer::Json(200, job(json!({ "status": "running" }))),
    });
    let journal = OwnJournal::default();
    let set = ["budget", "set", "spring", "6", "--per", "month", "--label", "spring"];
    let budgets = journal.json(service.command(), &set);
    let figures = |budgets: &Value| {
        let of = |field: &str| budgets[0][field].clone();
        json!([
            of("name"),
            of("limit"),
            of("period"),
            of("label"),
            of("reserved"),
            of("spent"),
            of("available")
        ])
    };
    assert_eq!(figures(&budgets), json!(["spring", 6, "month", "spring", 0, 0, 6]));
    let create = ["create", TEMPLATE, "--seconds", "30", "--no-wait"];
    let labelled = [&create[..], &["--label", "spring"]].concat();
    journal.run(service.command(), &labelled).expect(0);
    let budgets = journal.json(service.command(), &["budget"]);
    assert_eq!(figures(&budgets), json!(["spring", 6, "month", "spring", 5, 0, 1]));

    let over = [&["--output", "json"], &labelled[..]].concat();
    let refused = journal.run(service.command(), &over).expect(5);
    assert_eq!(refused.json()["error"]["kind"], "over_budget");
    for figure in ["at most 5 credits", "limit 6 a month", "spent 0", "reserved 5", "available 1"] {
        assert!(refused.stderr.contains(figure), "{figure}: {}", refused.stderr);
    }
    assert!(refused.stderr.contains("creatify budget"), "{}", refused.stderr);
    let dry = [&labelled[..], &["--dry-run"]].concat();
    journal.run(service.command(), &dry).expect(5);
    let unpriced = ["create", TEMPLATE, "--label", "spring"];
    let refused = journal.run(service.command(), &unpriced).expect(2);
    assert!(refused.stderr.contains("--seconds"), "{}", refused.stderr);
    assert_eq!(service.posts().len(), 1);

    journal.run(service.command(), &create).expect(0); // another label
    let raised = journal.json(service.command(), &["budget", "set", "spring", "20.5"]);
    assert_eq!(figures(&raised), json!(["spring", 20.5, "once", null, 10, 0, 10.5]));
    let table = journal.run(service.command(), &["budget"]).expect(0).stdout;
    assert!(table.contains("AVAILABLE") && table.contains("20.5"), "{table}");
    for wrong in ["-1", "lots"] {
        journal.run(service.command(), &["budget", "set", "x", "--", wrong]).expect(2);
    }
}

#[test]
fn a_render_whose_outcome_is_unknown_prevents_another_one_and_says_how_to_settle_it() {
    let service = losing(None);
    let journal = OwnJournal::default();
    journal.run(service.command(), &["render", JOB, "--key", "first"]).expect(8);
    let refused = journal.run(service.command(), &["render", JOB]).expect(2);
    assert!(refused.stderr.contains("creatify reconcile first"), "{}", refused.stderr);
    assert_eq!(service.posts().len(), 1);
}

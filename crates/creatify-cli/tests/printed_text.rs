//! Text of the service and of files, as it is printed: harmless to terminals and spreadsheets, and
//! without the key.

#![allow(clippy::unwrap_used)] // a test file

mod support;

use serde_json::{Value, json};
use support::{
    TEMPLATE,
    journal::OwnJournal,
    run_now,
    service::{Answer, JOB, KEY, Service, job, previewed},
};

/// Escape sequences, a line break, a carriage return, C1 controls and a right-to-left override.
const HOSTILE: &str = "a\x1b[2Kb\nstatus  done\r\x1b]0;x\x07\u{9b}31m\u{202e}z";

fn is_harmless(text: &str) -> bool {
    text.chars().all(|character| {
        character == '\n' || !(character.is_control() || "\u{202e}\u{2066}".contains(character))
    })
}

#[test]
fn control_characters_of_the_service_are_made_visible() {
    let hostile = || {
        Service::start(|request| {
            if request.path.starts_with("/api/custom_templates") {
                return Answer::Json(
                    200,
                    json!([{ "template_id": TEMPLATE, "name": HOSTILE, "aspect_ratio": HOSTILE }]),
                );
            }
            let fields = json!({
                "name": HOSTILE, "status": HOSTILE, "failed_reason": HOSTILE, "preview": HOSTILE,
            });
            match (request.method.as_str(), request.path.contains("ids=")) {
                ("POST", _) => Answer::Json(400, json!({ "detail": HOSTILE, HOSTILE: [HOSTILE] })),
                (_, true) => Answer::Json(200, json!([job(fields)])),
                _ if request.path == "/api/custom_template_jobs/" => {
                    Answer::Json(200, json!([job(fields)]))
                }
                _ => Answer::Json(200, job(fields)),
            }
        })
    };
    let service = hostile();
    for (arguments, code) in [
        (&["get", JOB][..], 0),
        (&["list"], 0),
        (&["templates"], 0),
        (&["create", TEMPLATE], 4),
        (&["wait", JOB, "--timeout", "1s"], 7),
        (&["-vv", "wait", JOB, "--timeout", "1s"], 7),
    ] {
        for format in ["text", "json"] {
            let arguments = [&["--output", format], arguments].concat();
            let run = run_now(service.command(), &arguments).expect(code);
            assert!(is_harmless(&run.stdout), "{arguments:?}: {:?}", run.stdout);
            assert!(is_harmless(&run.stderr), "{arguments:?}: {:?}", run.stderr);
            if format == "json" {
                run.json();
            }
        }
    }
    let text = run_now(service.command(), &["get", JOB]).expect(0).stdout;
    assert_eq!(text.matches("\nstatus").count(), 1, "{text}");
    // In JSON the value itself stays what it is.
    let json = run_now(service.command(), &["--output", "json", "get", JOB]).expect(0).json();
    assert_eq!(json["name"], HOSTILE);
}

#[test]
fn the_key_that_the_service_echoes_is_never_printed() {
    let echo = |status: &'static str| {
        Service::start(move |request| {
            let text = format!("your key is {KEY}!");
            let encoded = KEY.replace('-', "%2D");
            let fields = json!({
                "name": text, "status": if status.is_empty() { KEY } else { status },
                "failed_reason": text, "preview": format!("https://app.example.com/?k={encoded}"),
                "variables": { KEY: { "type": "text", "properties": { "content": text } } },
                KEY: text, "video_output": "",
            });
            match request.method.as_str() {
                "POST" => Answer::Json(201, job(fields)),
                _ if request.path.starts_with("/api/custom_templates") => {
                    Answer::Json(200, json!([{ "template_id": KEY, "name": text }]))
                }
                _ if request.path == "/api/custom_template_jobs/" => {
                    Answer::Json(200, json!([job(fields)]))
                }
                _ => Answer::Json(200, job(fields)),
            }
        })
    };
    for status in ["", "done", "failed"] {
        let service = echo(status);
        for arguments in [
            &["get", JOB][..],
            &["list"],
            &["templates"],
            &["preview", TEMPLATE, "--timeout", "1s"],
            &["-vv", "wait", JOB, "--timeout", "1s"],
            &["wait", JOB, "--timeout", "1s", "--goal", "preview"],
        ] {
            for format in ["text", "json"] {
                let arguments = [&["--output", format], arguments].concat();
                let run = run_now(service.command(), &arguments);
                let printed = run.stdout + &run.stderr;
                let decoded = printed.replace("%2D", "-");
                assert!(!decoded.contains(KEY), "{arguments:?}: {printed}");
                assert!(printed.contains("[REDACTED]") || status == "done", "{arguments:?}");
            }
        }
    }
}

#[test]
fn csv_cells_are_no_formulas() {
    let journal = OwnJournal::default();
    let service = Service::start(|_| Answer::Json(201, previewed(json!({}))));
    for model in ["=cmd|'/c calc'!A1", "+1", "-1", "@sum", "\tx"] {
        let model = format!("--model-version={model}");
        journal.run(service.command(), &["preview", TEMPLATE, "--no-wait", &model]).expect(0);
    }
    let csv = journal.run(service.command(), &["ledger", "--by", "model", "--csv"]).expect(0);
    let csv = csv.stdout;
    assert_eq!(csv.lines().count(), 6, "{csv}");
    for line in csv.lines().skip(1) {
        assert!(line.starts_with("\"'") || line.starts_with("\\u{9}"), "{line}");
    }
    let exported = journal.run(service.command(), &["ledger", "--jsonl"]).expect(0).stdout;
    assert!(exported.contains("=cmd"), "{exported}");
}

#[test]
fn warnings_are_shown_without_being_asked_for() {
    let odd = format!("\u{feff}{}", previewed(json!({})));
    let service =
        Service::start(move |_| Answer::Body(200, "application/json", odd.clone().into()));
    let run = run_now(service.command(), &["get", JOB]).expect(0);
    assert!(run.stderr.contains("WARN"), "{}", run.stderr);
    let value: Value = run_now(service.command(), &["--output", "json", "get", JOB]).json();
    assert_eq!(value["id"], JOB);
}

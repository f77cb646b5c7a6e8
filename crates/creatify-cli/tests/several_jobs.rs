//! Several jobs at once: every outcome is told, one failure stops nothing, the highest code counts.

#![allow(clippy::unwrap_used)] // a test file

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{
    run_now,
    service::{Answer, Service, id_in, job, previewed},
};

const FAILED: &str = "00000000-0000-4000-8000-000000000001";
const DONE: &str = "00000000-0000-4000-8000-000000000002";
const RUNNING: &str = "00000000-0000-4000-8000-000000000003";
const REJECTED: &str = "00000000-0000-4000-8000-000000000004";
const PREVIEWED: &str = "00000000-0000-4000-8000-000000000005";
const MISSING: &str = "00000000-0000-4000-8000-000000000006";

/// A service with one job of each kind, whose videos are its own.
fn service() -> Service {
    Service::start(move |request| {
        if request.path.starts_with("/v/") {
            return Answer::Body(200, "video/mp4", b"\0\0\0\x18ftypmp42video".to_vec());
        }
        match id_in(&request.path) {
            Some(id) if id == MISSING => Answer::Json(404, json!({ "detail": "Not found." })),
            Some(id) => Answer::Json(200, kind(&id)),
            None => Answer::Json(404, json!({ "detail": "No lists." })),
        }
    })
}

fn kind(id: &str) -> Value {
    let fields = match id {
        FAILED => json!({ "status": "failed", "failed_reason": "bad image", "credits_used": 1 }),
        REJECTED => json!({ "status": "rejected", "failed_reason": "not allowed" }),
        RUNNING => json!({ "status": "running", "progress": 40 }),
        PREVIEWED => return previewed(json!({ "id": PREVIEWED })),
        _ => {
            return previewed(json!({
                "id": id, "video_output": "https://media.example.com/v.mp4", "credits_used": 5,
            }));
        }
    };
    let mut job = job(fields);
    job["id"] = id.into();
    job
}

fn results(document: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let elements = document.as_array().unwrap();
    elements.iter().map(|element| (text(&element["id"]), text(&element["result"]))).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(id, result)| ((*id).to_owned(), (*result).to_owned())).collect()
}

#[test]
fn a_wait_tells_every_outcome_in_the_order_given() {
    let service = service();
    let ids = [FAILED, DONE, RUNNING, REJECTED, PREVIEWED];
    let arguments = [&["--output", "json", "wait"][..], &ids, &["--timeout", "2s"]].concat();
    let run = run_now(service.command(), &arguments).expect(7);
    let document = run.json();
    assert_eq!(
        results(&document),
        pairs(&[
            (FAILED, "failed"),
            (DONE, "done"),
            (RUNNING, "timed_out"),
            (REJECTED, "rejected"),
            (PREVIEWED, "no_output"),
        ])
    );
    assert_eq!(document[1]["job"]["credits_used"], 5);
    assert_eq!(document[1]["error"], Value::Null);
    assert_eq!(document[0]["error"]["kind"], "job_failed");
    assert_eq!(document[0]["job"]["failed_reason"], "bad image");
    // Only the job that goes on has a resume line, and has it once.
    let resumes: Vec<_> =
        run.stderr.lines().filter(|line| line.contains("go on with: creatify wait")).collect();
    assert_eq!(resumes.len(), 1, "{}", run.stderr);
    assert!(resumes[0].contains(&format!("creatify wait {RUNNING} --goal video")));
    assert_eq!(run.stderr.matches("error: ").count(), 4, "{}", run.stderr);
}

#[test]
fn a_wait_for_two_jobs_that_go_on_has_a_resume_line_for_each() {
    let service = service();
    let other = "00000000-0000-4000-8000-000000000007";
    let script = move |request: &support::service::Request| {
        let id = id_in(&request.path).unwrap_or_else(|| other.to_owned());
        Answer::Json(200, {
            let mut job = job(json!({ "status": "running" }));
            job["id"] = id.into();
            job
        })
    };
    drop(service);
    let service = Service::start(script);
    let run = run_now(service.command(), &["wait", RUNNING, other, "--timeout", "1s"]).expect(7);
    for id in [RUNNING, other] {
        assert!(run.stderr.contains(&format!("creatify wait {id} --goal video")), "{}", run.stderr);
    }
    assert_eq!(run.stderr.matches("error: ").count(), 2, "{}", run.stderr);
}

#[test]
fn what_finished_is_shown_as_text_beside_the_errors() {
    let service = service();
    let run = run_now(service.command(), &["wait", FAILED, DONE]).expect(6);
    assert!(run.stdout.contains(DONE) && !run.stdout.contains(FAILED), "{}", run.stdout);
    assert!(run.stderr.contains("bad image"), "{}", run.stderr);
}

#[test]
fn get_takes_several_ids_and_tells_each() {
    let service = service();
    let json = ["--output", "json", "get"];
    let jobs = run_now(service.command(), &[&json[..], &[DONE, FAILED]].concat()).expect(0).json();
    assert_eq!((&jobs[0]["id"], &jobs[1]["status"]), (&json!(DONE), &json!("failed")));
    let run = run_now(service.command(), &[&json[..], &[MISSING, DONE]].concat()).expect(4);
    assert_eq!(results(&run.json()), pairs(&[(MISSING, "refused"), (DONE, "done")]));
    assert_eq!(run.json()[0]["error"]["status"], 404);
    let ids = run_now(service.command(), &["-q", "get", DONE, FAILED]).expect(0).stdout;
    assert_eq!(ids, format!("{DONE}\n{FAILED}\n"));
}

#[test]
fn a_download_that_fails_does_not_stop_the_others() {
    let other = "00000000-0000-4000-8000-000000000008";
    let url = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let own = url.clone();
    let service = Service::start(move |request| {
        if request.path.starts_with("/v/") {
            return Answer::Body(200, "video/mp4", b"\0\0\0\x18ftypmp42video".to_vec());
        }
        let id = id_in(&request.path).unwrap();
        let video = (id != PREVIEWED).then(|| format!("{}/v/x.mp4", own.get().unwrap()));
        Answer::Json(200, previewed(json!({ "id": id, "video_output": video })))
    });
    url.set(service.url.clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let into = format!("{}/", folder.path().display());
    let ids = [DONE, PREVIEWED, other];
    let arguments = [&["--output", "json", "download"][..], &ids, &["-o", &into]].concat();
    let run = run_now(service.command(), &arguments).expect(1);
    let document = run.json();
    assert_eq!(
        results(&document),
        pairs(&[(DONE, "done"), (PREVIEWED, "no_output"), (other, "done")])
    );
    for element in [&document[0], &document[2]] {
        let path = element["path"].as_str().unwrap();
        assert_eq!(fs::metadata(path).unwrap().len(), element["bytes"].as_u64().unwrap());
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    let advice = format!("creatify render {PREVIEWED}");
    assert!(run.stderr.contains(&advice), "{}", run.stderr);
}

#[test]
fn a_previewed_job_is_told_at_once_that_it_was_not_rendered() {
    let service = service();
    let run = run_now(service.command(), &["--output", "json", "wait", PREVIEWED]).expect(1);
    assert_eq!(run.json()["error"]["kind"], "no_output");
    for advice in [
        format!("creatify render {PREVIEWED}"),
        format!("creatify wait {PREVIEWED} --goal preview"),
    ] {
        assert!(run.stderr.contains(&advice), "{}", run.stderr);
    }
    // Not the command that has just failed.
    assert!(!run.stderr.contains("--goal video"), "{}", run.stderr);
    assert_eq!(service.requests().len(), 1);
    run_now(service.command(), &["wait", PREVIEWED, "--goal", "preview"]).expect(0);
}

#[test]
fn the_journal_knows_the_goal_of_a_job() {
    let service = Service::start(|request| match request.method.as_str() {
        "POST" => Answer::Json(201, job(json!({}))),
        _ => Answer::Json(200, previewed(json!({}))),
    });
    run_now(service.command(), &["preview", support::TEMPLATE, "--no-wait"]).expect(0);
    let id = support::service::JOB;
    let waited = run_now(service.command(), &["-q", "wait", id]).expect(0);
    assert_eq!(waited.stdout, format!("{id}\n"));
}

//! Refusals around jobs that were paid for: each says what to do, and none invites a second charge.

#![allow(clippy::unwrap_used)] // a test file

mod support;

use serde_json::{Value, json};
use support::{
    Run, TEMPLATE, run_now,
    service::{Answer, JOB, Service, job, previewed},
};

fn error(run: &Run) -> Value {
    run.json()["error"].clone()
}

#[test]
fn an_accepted_job_whose_status_is_refused_is_7_with_the_line_that_resumes() {
    let service = Service::start(|request| match request.method.as_str() {
        "POST" => Answer::Json(201, job(json!({}))),
        _ => Answer::Json(401, json!({ "detail": "Invalid token." })),
    });
    let run = run_now(service.command(), &["--output", "json", "preview", TEMPLATE]).expect(7);
    assert_eq!(
        (&error(&run)["kind"], &error(&run)["charge_risk"], &error(&run)["job_id"]),
        (&json!("status_refused"), &json!("charged"), &json!(JOB))
    );
    assert!(run.stderr.contains(&format!("creatify wait {JOB} --goal preview")), "{}", run.stderr);
}

#[test]
fn a_render_of_a_running_job_is_refused_with_the_line_that_waits() {
    let service = Service::start(|_| Answer::Json(200, job(json!({ "status": "running" }))));
    let run = run_now(service.command(), &["--output", "json", "render", JOB]).expect(2);
    assert_eq!(error(&run)["kind"], "already_running");
    assert!(run.stderr.contains(&format!("creatify wait {JOB} --goal video")), "{}", run.stderr);
    assert_eq!(service.posts().len(), 0);
}

#[test]
fn a_render_of_a_rendered_job_is_refused_with_the_line_that_downloads() {
    let video = json!({ "video_output": "https://media.example.com/v.mp4" });
    let service = Service::start(move |_| Answer::Json(200, previewed(video.clone())));
    let run = run_now(service.command(), &["render", JOB]).expect(2);
    assert!(run.stderr.contains(&format!("creatify download {JOB}")), "{}", run.stderr);
    assert_eq!(service.posts().len(), 0);
}

#[test]
fn a_forced_render_is_sent() {
    let service = Service::start(|_| Answer::Json(200, job(json!({ "status": "running" }))));
    run_now(service.command(), &["render", JOB, "--force", "--no-wait"]).expect(0);
    assert_eq!(service.posts().len(), 1);
}

/// A service that wants the template and its variables again.
fn strict() -> Service {
    Service::start(|request| match request.method.as_str() {
        "POST" if request.body.contains("template_id") => {
            Answer::Json(200, previewed(json!({ "status": "running" })))
        }
        "POST" => {
            let required = json!(["This field is required."]);
            Answer::Json(400, json!({ "template_id": required, "variables": required }))
        }
        _ => Answer::Json(200, previewed(json!({}))),
    })
}

#[test]
fn a_service_that_wants_the_template_of_a_render_gets_it() {
    let service = strict();
    let refused = run_now(service.command(), &["render", JOB]).expect(4);
    let hint = format!("creatify render {JOB} --template TEMPLATE_ID");
    assert!(refused.stderr.contains(&hint), "{}", refused.stderr);
    assert!(refused.stderr.contains("template_id: This field is required."), "{}", refused.stderr);

    let arguments = ["render", JOB, "--template", TEMPLATE, "--var", "headline=Sale", "--no-wait"];
    run_now(service.command(), &arguments).expect(0);
    let sent: Value = serde_json::from_str(&service.posts()[1].body).unwrap();
    assert_eq!(sent["template_id"], TEMPLATE);
    assert_eq!(sent["variables"]["headline"]["properties"]["content"], "Sale");

    let without_template = ["render", JOB, "--var", "headline=Sale"];
    let wrong = run_now(service.command(), &without_template).expect(2);
    assert!(wrong.stderr.contains("--template"), "{}", wrong.stderr);
    assert_eq!(service.posts().len(), 2);
}

#[test]
fn an_unknown_outcome_names_the_job_if_it_is_known() {
    let service = Service::start(|request| match request.method.as_str() {
        "POST" => Answer::Body(502, "text/html", b"<h1>Bad Gateway</h1>".to_vec()),
        _ => Answer::Json(200, previewed(json!({}))),
    });
    let run = run_now(service.command(), &["--output", "json", "render", JOB]).expect(8);
    assert_eq!(error(&run)["job_id"], JOB);
    assert!(run.stderr.contains(&format!("creatify get {JOB}")), "{}", run.stderr);
    assert!(run.stderr.contains("not sent again"), "{}", run.stderr);
}

#[test]
fn a_400_that_only_mentions_credits_is_no_lack_of_them() {
    let service = Service::start(|_| {
        Answer::Json(400, json!({ "name": ["Do not write credit card numbers here."] }))
    });
    run_now(service.command(), &["create", TEMPLATE]).expect(4);
    let poor = Service::start(|_| Answer::Json(400, json!({ "detail": "Insufficient credits." })));
    run_now(poor.command(), &["create", TEMPLATE]).expect(5);
}

#[test]
fn a_download_of_a_job_that_is_not_done_says_how_to_wait_for_it() {
    let service = Service::start(|_| Answer::Json(200, job(json!({ "status": "running" }))));
    let run = run_now(service.command(), &["download", JOB]).expect(1);
    assert!(run.stderr.contains(&format!("creatify wait {JOB} --goal video")), "{}", run.stderr);
}

//! Results of each command: text or JSON of the stated shape on stdout, notes on stderr.

#![allow(clippy::unwrap_used)] // a test file

mod support;

use std::fs;

use creatify_sandbox::Sandbox;
use serde_json::{Value, json};
use support::{FAST, TEMPLATE, command, run, using};

async fn sandbox() -> Sandbox {
    Sandbox::builder().speed(FAST).start().await.unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_estimates_previews_renders_and_downloads() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = command();
    demo.current_dir(folder.path());
    let demo = run(demo, &["demo", "--output", "json"]).await.expect(0);
    let result = demo.json();
    assert_eq!(keys(&result), ["file", "preview", "video"]);
    assert!(
        result["preview"]["preview"].is_string() && result["preview"].get("video_output").is_none()
    );
    assert!(result["video"]["video_output"].is_string());
    let video = fs::read(folder.path().join(result["file"].as_str().unwrap())).unwrap();
    assert_eq!(&video[4..8], b"ftyp");
    for word in ["Estimate", "Preview", "Render", "Download", "5 credits spent"] {
        assert!(demo.stderr.contains(word), "{word}: {}", demo.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_replaces_the_file_of_another_demo_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let here = || {
        let mut command = command();
        command.current_dir(folder.path());
        command
    };
    fs::write(folder.path().join("creatify-demo.mp4"), "of an earlier demo").unwrap();
    run(here(), &["demo"]).await.expect(0);
    assert!(fs::read(folder.path().join("creatify-demo.mp4")).unwrap().len() > 100);
    fs::write(folder.path().join("mine.mp4"), "mine").unwrap();
    let refused = run(here(), &["demo", "-o", "mine.mp4"]).await.expect(2);
    assert!(refused.stderr.contains("mine.mp4"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(folder.path().join("mine.mp4")).unwrap(), "mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_is_made_rendered_listed_and_downloaded() {
    let sandbox = sandbox().await;
    let preview = [
        "--output",
        "json",
        "preview",
        TEMPLATE,
        "--var",
        "headline=Summer sale",
        "--image",
        "hero=https://cdn.example.com/a.png",
    ];
    let preview = run(using(&sandbox), &[&preview[..], &["--name", "Sale", "--hidden"]].concat())
        .await
        .expect(0)
        .json();
    assert_eq!(
        (&preview["status"], &preview["name"], &preview["is_hidden"]),
        (&json!("done"), &json!("Sale"), &json!(true))
    );
    assert_eq!(
        preview["variables"]["headline"],
        json!({ "type": "text", "properties": { "content": "Summer sale" } })
    );
    let id = preview["id"].as_str().unwrap();

    let video = run(using(&sandbox), &["render", id, "--output", "json", "--max-credits", "4"])
        .await
        .expect(0)
        .json();
    assert_eq!((&video["id"], &video["credits_used"]), (&preview["id"], &json!(4)));
    assert!(video["video_output"].is_string());

    assert_eq!(
        run(using(&sandbox), &["get", id, "--output", "json"]).await.expect(0).json()["id"],
        preview["id"]
    );
    let listed = run(using(&sandbox), &["list", id, "--output", "json"]).await.expect(0).json();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["id"]), (1, &preview["id"]));

    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().to_str().unwrap();
    let files = run(using(&sandbox), &["download", id, "-o", into, "--output", "json"])
        .await
        .expect(0)
        .json();
    assert_eq!(keys(&files[0]), ["bytes", "id", "path"]);
    assert_eq!(
        fs::metadata(files[0]["path"].as_str().unwrap()).unwrap().len(),
        files[0]["bytes"].as_u64().unwrap()
    );
    let page = folder.path().join("page.html");
    run(using(&sandbox), &["download", id, "--preview", "-o", page.to_str().unwrap()])
        .await
        .expect(0);
    assert!(fs::read_to_string(page).unwrap().contains("Summer sale"));

    assert_eq!(
        run(using(&sandbox), &["balance", "--output", "json"]).await.expect(0).json(),
        json!({ "remaining_credits": 495 })
    );
    assert_eq!(sandbox.leaked_credentials(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_submitted_elsewhere_are_waited_for_in_the_order_given() {
    let sandbox = sandbox().await;
    let mut handles = Vec::new();
    for _ in 0..3 {
        let submitted =
            run(using(&sandbox), &["preview", TEMPLATE, "--no-wait", "--output", "json"])
                .await
                .expect(0);
        assert!(submitted.stderr.contains("creatify wait"), "{}", submitted.stderr);
        handles.push(format!("preview:{}", submitted.json()["id"].as_str().unwrap()));
    }
    handles.reverse();
    let arguments: Vec<_> = ["wait", "--output", "json"]
        .into_iter()
        .chain(handles.iter().map(String::as_str))
        .collect();
    let jobs = run(using(&sandbox), &arguments).await.expect(0).json();
    let ids: Vec<_> = jobs
        .as_array()
        .unwrap()
        .iter()
        .map(|job| format!("preview:{}", job["id"].as_str().unwrap()))
        .collect();
    assert_eq!(ids, handles);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocking_preview_and_raw_variables_work() {
    let sandbox = sandbox().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("variables.json");
    let raw = json!({ "price": { "type": "money", "properties": { "amount": "39.90" } } });
    fs::write(&file, raw.to_string()).unwrap();
    let arguments = [
        "preview",
        TEMPLATE,
        "--sync",
        "--vars",
        file.to_str().unwrap(),
        "--var",
        "headline=Hi",
        "--output",
        "json",
    ];
    let job = run(using(&sandbox), &arguments).await.expect(0).json();
    assert_eq!(job["variables"]["price"], raw["price"]);
    assert_eq!(job["variables"]["headline"]["properties"]["content"], "Hi");
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_are_listed_and_the_embedded_sandbox_needs_no_account() {
    let templates =
        run(command(), &["--sandbox", "templates", "--output", "json"]).await.expect(0).json();
    assert!(
        templates.as_array().unwrap().iter().any(|template| template["template_id"] == TEMPLATE)
    );
    let text = run(command(), &["--sandbox", "templates"]).await.expect(0);
    assert!(text.stdout.contains("Seasonal sale"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_is_offline_and_has_its_stated_shape() {
    let arguments = [
        "estimate",
        "--operation",
        "render",
        "--seconds",
        "20..45",
        "--model-version",
        "aurora_v1",
        "--count",
        "2",
    ];
    let estimate =
        run(command(), &[&arguments[..], &["--output", "json"]].concat()).await.expect(0).json();
    assert_eq!(
        estimate,
        json!({
            "operation": "render", "model_version": "aurora_v1", "rate_card": "blocks", "count": 2,
            "seconds": { "min": 20, "max": 45 }, "credits": { "min": 78, "max": 120 },
            "basis": "inferred",
        })
    );
    let other = [
        "estimate",
        "--operation",
        "create",
        "--seconds",
        "28.5",
        "--model-version",
        "aurora_v1_fast",
        "--rate-card",
        "per-second",
    ];
    let estimate =
        run(command(), &[&other[..], &["--output", "json"]].concat()).await.expect(0).json();
    assert_eq!(
        (&estimate["credits"], &estimate["basis"]),
        (&json!({ "min": 14.5, "max": 14.5 }), &json!("documented"))
    );
    let text = run(command(), &arguments).await.expect(0).stdout;
    assert!(text.contains("78 to 120") && text.contains("inferred"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_prints_its_url_and_injects_faults() {
    use std::io::BufRead;
    let folder = tempfile::tempdir().unwrap();
    let faults = folder.path().join("faults.yaml");
    fs::write(
        &faults,
        "faults:\n  - fault: { error_before: 403 }\n    operations: [get_remaining_credits]\n",
    )
    .unwrap();
    let arguments = ["sandbox", "--output", "json", "--faults", faults.to_str().unwrap()];
    let mut serving =
        command().args(arguments).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut document = String::new();
    let mut lines = std::io::BufReader::new(serving.stdout.take().unwrap()).lines();
    while serde_json::from_str::<Value>(&document).is_err() {
        document += &lines.next().unwrap().unwrap();
    }
    let served: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(keys(&served), ["base_url"]);
    let mut client = command();
    client
        .env("CREATIFY_BASE_URL", served["base_url"].as_str().unwrap())
        .env("CREATIFY_API_ID", "x")
        .env("CREATIFY_API_KEY", "y");
    run(client, &["balance"]).await.expect(3);
    serving.kill().unwrap();
    serving.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn help_has_examples_and_completions_know_every_command() {
    let help = run(command(), &["--help"]).await.expect(0).stdout;
    for command in [
        "demo",
        "estimate",
        "preview",
        "create",
        "render",
        "wait",
        "download",
        "sandbox",
        "Examples:",
        "Exit codes:",
    ] {
        assert!(help.contains(command), "{command}");
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(
            run(command(), &["completions", shell]).await.expect(0).stdout.contains("download")
        );
    }
    assert!(run(command(), &["preview", "--help"]).await.expect(0).stdout.contains("Examples:"));
}

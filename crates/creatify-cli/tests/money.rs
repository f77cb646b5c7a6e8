//! Amounts of money: plans, dollars, custom rate cards, the ledger, and prices that do not fit.

#![allow(clippy::unwrap_used)] // a test file

mod support;

use std::fs;

use creatify_sandbox::Sandbox;
use serde_json::{Value, json};
use support::{FAST, TEMPLATE, command, journal::OwnJournal, run, using};

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_estimated_as_a_whole_and_in_dollars() {
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.json");
    let steps = json!({ "steps": [
        { "operation": "preview", "seconds": 30, "count": 10 },
        { "operation": "render", "seconds": "20..45", "count": 10, "percent": 40 },
    ] });
    fs::write(&plan, steps.to_string()).unwrap();
    let arguments = ["estimate", "--plan", plan.to_str().unwrap(), "--plan-name", "API Starter"];
    let estimate =
        run(command(), &[&arguments[..], &["--output", "json"]].concat()).await.expect(0).json();
    assert_eq!(estimate["credits"], json!({ "min": 26, "max": 42 }));
    assert_eq!(estimate["usd"], json!({ "min": "5.148", "max": "8.316" }));
    assert!(run(command(), &arguments).await.expect(0).stdout.contains("$5.148 to $8.316"));

    fs::write(&plan, "{\"steps\": [{\"operation\": \"destroy\"}]}").unwrap();
    assert!(run(command(), &arguments).await.expect(2).stderr.contains("destroy"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_custom_rate_card_is_used_and_its_errors_name_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let card = folder.path().join("card.yaml");
    fs::write(
        &card,
        "name: negotiated\nrates:\n  - { operation: create, credits: 4.5, block_seconds: 30 }\n",
    )
    .unwrap();
    let card = card.to_str().unwrap();
    let arguments = [
        "estimate",
        "--operation",
        "create",
        "--seconds",
        "31",
        "--rate-card",
        card,
        "--output",
        "json",
    ];
    let estimate = run(command(), &arguments).await.expect(0).json();
    assert_eq!(
        (&estimate["rate_card"], &estimate["credits"]["max"]),
        (&json!("negotiated"), &json!(9))
    );
    fs::write(card, "name: negotiated\nrates:\n  - { operation: create, credits: 4.5 }\n").unwrap();
    assert!(run(command(), &arguments).await.expect(2).stderr.contains("line 3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_totals_what_several_processes_spent() {
    let sandbox = Sandbox::builder().speed(FAST).start().await.unwrap();
    let journal = OwnJournal::default();
    let keeping = || journal.on(using(&sandbox));
    let done = run(keeping(), &["create", TEMPLATE, "--seconds", "20..30", "--show-balance"])
        .await
        .expect(0);
    assert!(
        done.stderr.contains("estimated 5 credits, charged 5 credits, balance 495 credits"),
        "{}",
        done.stderr
    );

    // Submitted by one process, waited for by another.
    let submitted =
        run(keeping(), &["preview", TEMPLATE, "--seconds", "30", "--no-wait", "--output", "json"])
            .await
            .expect(0)
            .json();
    let total = async || {
        run(keeping(), &["ledger", "--output", "json"]).await.expect(0).json()["total"].clone()
    };
    assert_eq!((&total().await["charged"], &total().await["reserved"]), (&json!(5), &json!(1)));
    run(keeping(), &["wait", &format!("preview:{}", submitted["id"].as_str().unwrap())])
        .await
        .expect(0);
    assert_eq!((&total().await["charged"], &total().await["reserved"]), (&json!(6), &json!(0)));
    assert_eq!(sandbox.charged(), 6.into());

    let csv = run(keeping(), &["ledger", "--by", "operation", "--csv"]).await.expect(0).stdout;
    assert_eq!(csv.lines().nth(1), Some("create,1,1,5,5,0,0,0"));
    let text = run(keeping(), &["ledger", "--by", "template"]).await.expect(0).stdout;
    assert!(text.contains(TEMPLATE) && text.contains("total"), "{text}");
    assert_eq!(
        run(keeping(), &["ledger", "--since", "2100-01-01", "--output", "json"])
            .await
            .expect(0)
            .json()["total"]["calls"],
        0
    );
    let exported = run(keeping(), &["ledger", "--jsonl"]).await.expect(0).stdout;
    let entries: Vec<Value> =
        exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(entries.len(), 2);
    assert_eq!((&entries[0]["operation"], &entries[0]["charged"]), (&json!("create"), &json!(5)));
    assert!(!exported.contains(sandbox.api_key()), "{exported}");

    // Of another account, nothing is shown.
    let mut other = keeping();
    other.env("CREATIFY_API_ID", "another-account");
    let total = run(other, &["ledger", "--output", "json"]).await.expect(0).json();
    assert_eq!(total["total"]["calls"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_change_is_reported_with_the_option_that_switches() {
    let sandbox = Sandbox::builder().speed(FAST).rate_card("per-second").start().await.unwrap();
    let create = ["create", TEMPLATE, "--model-version", "aurora_v1"];
    let told = run(using(&sandbox), &create).await.expect(0).stderr;
    assert!(told.contains("does not fit") && told.contains("--rate-card per-second"), "{told}");
    let fitting = run(using(&sandbox), &[&create[..], &["--rate-card", "per-second"]].concat())
        .await
        .expect(0)
        .stderr;
    assert!(!fitting.contains("does not fit"), "{fitting}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_from_the_environment_holds() {
    let sandbox = Sandbox::builder().speed(FAST).start().await.unwrap();
    let mut limited = using(&sandbox);
    limited.env("CREATIFY_MAX_CREDITS", "4.5");
    run(limited, &["create", TEMPLATE, "--seconds", "30"]).await.expect(5);
    assert_eq!(sandbox.job_count(), 0);
}

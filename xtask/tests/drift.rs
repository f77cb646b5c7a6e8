//! Reports of `cargo xtask spec drift`: differences of saved pages, and the place of bad input.

#![allow(clippy::unwrap_used)] // a test file

use std::process::{Command, Output};

use insta::assert_snapshot;
use serde_json::{Value, json};

/// Runs it in the folder of the pages.
fn drift(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["spec", "drift"]).args(arguments);
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pages")).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> &str {
    str::from_utf8(&output.stdout).unwrap()
}

#[test]
fn a_page_that_says_what_we_say_has_no_difference() {
    let output = drift(&["preview_async.md"]);
    assert_snapshot!(stdout(&output));
    assert_eq!(code(&output), 0);
}

#[test]
fn what_is_wider_on_purpose_is_shown_with_all() {
    assert_snapshot!(stdout(&drift(&["--all", "preview_async.md"])));
}

#[test]
fn fields_and_enum_values_that_drifted_are_named_with_their_provenance() {
    let output = drift(&["get_job.md"]);
    assert_snapshot!(stdout(&output));
    assert_eq!(code(&output), 1);
}

#[test]
fn a_new_price_is_named_beside_the_cards_and_its_words() {
    let output = drift(&["create.md"]);
    assert_snapshot!(stdout(&output));
    assert_eq!(code(&output), 1);
}

#[test]
fn prices_in_html_and_words_and_deprecations_are_found() {
    let output = drift(&["html.md"]);
    assert_snapshot!(stdout(&output));
    assert_eq!(code(&output), 1);
}

#[test]
fn on_a_page_with_several_operations_a_price_needs_a_named_operation() {
    let text = stdout(&drift(&["two_operations.md"])).to_owned();
    assert!(
        text.contains(
            "a price: it does not say which operation or model it speaks of\n      theirs 1 credit for every 30 s, line 3: "
        ),
        "{text}"
    );
    assert!(
        text.contains("price of render with standard: fits no card\n      theirs 9 credits for every 30 s, line 3: "),
        "{text}"
    );
    assert_eq!(text.matches("9 credits").count(), 2, "said once, and quoted: {text}");
}

#[test]
fn bad_input_is_named_by_file_and_line_and_the_rest_is_compared() {
    let output = drift(&["bad", "get_job.md"]);
    assert_snapshot!(str::from_utf8(&output.stderr).unwrap());
    assert!(stdout(&output).contains(
        "GET /api/custom_template_jobs/{job_id} (get_custom_template_job): 7 differences"
    ));
    assert_eq!(code(&output), 2);
}

#[test]
fn a_file_that_is_not_there_is_named_and_the_rest_is_compared() {
    let output = drift(&["nothing.md", "preview_async.md"]);
    assert!(str::from_utf8(&output.stderr).unwrap().starts_with("error: nothing.md:1: "));
    assert!(stdout(&output).contains("1 operation compared, no difference, 1 part not read"));
    assert_eq!(code(&output), 2);
    assert_eq!(code(&drift(&["../src"])), 2, "a folder that is not there");
}

#[test]
fn our_own_document_has_not_drifted_from_itself() {
    let output = drift(&["../../../openapi.yaml"]);
    assert_eq!(stdout(&output).lines().last(), Some("8 operations compared, no difference"));
    assert_eq!(code(&output), 0);
}

#[test]
fn only_a_file_with_several_operations_lists_our_operations_that_it_lacks() {
    let lacks =
        |output: &Output| stdout(output).matches("we have, they lack\n    operation").count();
    assert_eq!(lacks(&drift(&["two_operations.json"])), 6);
    assert_eq!(lacks(&drift(&["one_operation.json"])), 0);
}

#[test]
fn json_is_one_document_with_all_of_it() {
    let output = drift(&["--json", "bad/unresolved.md", "create.md"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["problems"], &report["differences"]), (&2.into(), &5.into()));
    assert_eq!(report["files"][0]["problems"][0]["line"], 14);
    let findings = report["files"][1]["compared"][0]["findings"].as_array().unwrap();
    let differs: Vec<_> = findings.iter().filter(|finding| finding["kind"] == "differs").collect();
    let expected = json!({
        "kind": "differs",
        "place": "price of create with aurora_v1_fast",
        "fact": "fits no card",
        "theirs": "12 credits for every 15 s",
        "ours": "10 credits for every 15 s on card blocks (seed), 0.5 credits a second on card per-second (documented)",
        "quoted": { "line": 9, "words": "| aurora_v1_fast | 12 credits per 15 seconds |" },
    });
    assert_eq!(differs, [&expected]);
    assert_eq!(code(&output), 2);
}

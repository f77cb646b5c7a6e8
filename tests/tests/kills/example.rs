//! The example of `creatify-journal`: killed and run again, it pays once.

use std::{path::Path, process::Stdio};

use creatify::OperationId;
use creatify_sandbox::Sandbox;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// Starts the example, and returns its first line.
async fn start(sandbox: &Sandbox, folder: &Path) -> (Child, String) {
    let mut example = Command::new(env!("CARGO_BIN_EXE_once"))
        .current_dir(folder)
        .env("CREATIFY_API_ID", sandbox.api_id())
        .env("CREATIFY_API_KEY", sandbox.api_key())
        .env("CREATIFY_BASE_URL", sandbox.base_url())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(example.stdout.as_mut().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    (example, line)
}

#[tokio::test]
async fn the_example_is_killed_and_run_again_and_pays_once() {
    let sandbox = Sandbox::builder().speed(100.0).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut words = Vec::new();
    for _ in 0..2 {
        let (mut example, line) = start(&sandbox, folder.path()).await;
        words.push(line.rsplit_once(' ').unwrap().1.to_owned());
        example.kill().await.unwrap();
    }
    let (mut example, line) = start(&sandbox, folder.path()).await;
    words.push(line.rsplit_once(' ').unwrap().1.to_owned());
    assert!(example.wait().await.unwrap().success());
    assert_eq!(words, ["sent", "found", "found"]);
    assert_eq!(sandbox.request_count(OperationId::CreateCustomTemplateJob), 1);
    assert!(folder.path().join("sku-4711.mp4").exists());
}

#[test]
fn the_readme_shows_the_example() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/creatify-journal");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let example = read("examples/once.rs");
    let code = &example[example.find("use std").unwrap()..];
    assert!(read("README.md").contains(code), "the README shows another program");
}

//! A large video costs little memory. Alone in its file, so that nothing else is measured.

#![cfg(target_os = "linux")] // reads /proc
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test file that shows what it measured

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
};

use creatify::{Client, Credentials, Goal, Job};
use serde_json::json;

const GIBIBYTE: u64 = 1024 * 1024 * 1024;

/// Serves that many bytes to whoever asks; gives its URL.
fn server(bytes: u64) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/video.mp4", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-length: {bytes}\r\n\r\n"
        )
        .unwrap();
        let chunk = [7; 64 * 1024];
        (0..bytes / chunk.len() as u64).for_each(|_| stream.write_all(&chunk).unwrap());
    });
    url
}

/// The most memory that this process has had since it was asked to forget, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_gibibyte_costs_less_than_16_mib_of_memory() {
    let client = Client::builder().credentials(Credentials::new("id", "key").unwrap());
    // Only an API on this machine may name a file on it.
    let client = client.base_url("http://127.0.0.1:9").build().unwrap();
    let job = |url: String| -> Job {
        let id = "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11";
        let job = json!({ "id": id, "status": "done", "video_output": url });
        serde_json::from_value(job).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    client
        .download(&job(server(64 * 1024)), Goal::Video, folder.path().join("small.mp4"))
        .await
        .unwrap();

    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = peak();
    let file = client
        .download(&job(server(GIBIBYTE)), Goal::Video, folder.path().join("large.mp4"))
        .await
        .unwrap();
    let used = peak() - before;
    println!("{} bytes, {used} KiB of memory", file.bytes);
    assert_eq!((file.bytes, fs::metadata(&file.path).unwrap().len()), (GIBIBYTE, GIBIBYTE));
    assert!(used < 16 * 1024, "{used} KiB");
}

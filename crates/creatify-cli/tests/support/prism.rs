//! Prism as a validating proxy between the command and a sandbox: with
//! `TEST_THROUGH_PRISM=path/to/prism`, as `cargo xtask spec prism` sets it, an exchange that breaks
//! openapi.yaml is answered with an error.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    process::{ChildStdin, Command, Stdio},
    sync::{LazyLock, Mutex},
};

struct Proxy {
    url: String,
    /// The proxy ends when this closes, and so with the tests at the latest.
    _open: ChildStdin,
}

static PROXIES: LazyLock<Mutex<HashMap<String, Proxy>>> = LazyLock::new(Mutex::default);

/// Returns the URL by which a sandbox is reached.
pub fn before(url: &str) -> String {
    let Some(prism) = std::env::var_os("TEST_THROUGH_PRISM") else { return url.to_owned() };
    let mut proxies = PROXIES.lock().unwrap();
    proxies.entry(url.to_owned()).or_insert_with(|| start(&prism, url)).url.clone()
}

fn start(prism: &std::ffi::OsStr, url: &str) -> Proxy {
    let mut command = Command::new("sh");
    command.args(["-c", r#""$@" < /dev/null & read -r _; kill $!"#, "sh"]).arg(prism);
    command.args([
        "proxy",
        "--errors",
        "--port",
        "0",
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi.yaml"),
        url,
    ]);
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let listening = |line: std::io::Result<String>| {
        Some(line.unwrap().split_once("listening on ")?.1.trim().to_owned())
    };
    let url = lines.find_map(listening).expect("Prism starts");
    let open = process.stdin.take().unwrap();
    std::thread::spawn(move || {
        lines.for_each(drop); // it stops when nobody listens
        process.wait()
    });
    Proxy { url, _open: open }
}

//! `cargo xtask ci`: the checks of CI, with one line for each step and the output of failed ones.

use std::{
    fs,
    os::unix::fs::symlink,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::{
    fuzz, interop, prepared,
    process::{output, quiet, stdout},
    spec, tools, words,
    workspace::{cargo, root},
};

#[derive(Args)]
pub struct Options {
    /// Run only these steps
    steps: Vec<String>,
    /// Continue after a failed step
    #[arg(long)]
    keep_going: bool,
    /// List the steps
    #[arg(long)]
    list: bool,
}

/// A step: its name, its purpose and its function.
struct Step(&'static str, &'static str, fn() -> Result<()>);

const STEPS: &[Step] = &[
    Step("test", "all tests, by the README's command", test),
    Step("kills", "hundreds of kills -9 on SQLite and PostgreSQL, and a thousand videos", kills),
    Step("fmt", "formatting", || quiet(cargo(&["fmt", "--all", "--check"]))),
    Step("words", "plain headers and docs, and no replaced names", words::check),
    Step("clippy", "lints, warnings denied", || {
        quiet(cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))
    }),
    Step("doc", "rustdoc, warnings denied", || {
        let mut doc = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
        doc.env("RUSTDOCFLAGS", "-D warnings");
        quiet(doc)
    }),
    Step("deny", "licences, bans and sources of all dependencies", tools::deny),
    Step("fuzz", "every fuzz target for a few seconds, from its seeds", fuzz::smoke),
    Step("publish", "packaging of every crate, from the packaged files alone", publish),
    Step("demo", "the README's demo: a video in under 30 s", demo),
    Step("lint", "the rules of openapi.yaml, and an example that breaks each", spec::lint::check),
    Step("diff", "versions and changelog entries for breaking changes", spec::diff::check),
    Step("changes", "reports of regen and spec diff on prepared changes", || {
        prepared::self_test(false)
    }),
    Step("interop", "clients in TypeScript and Python, generated, checked and run", interop::check),
    Step("schemathesis", "100 generated requests to each operation", spec::schemathesis::check),
    Step("prism", "the command against a mock and a validating proxy", spec::prism::check),
    Step("docs", "the reference in a browser, with every cost, without network", spec::docs::check),
];

/// Variable that makes tests fail, not skip, where there is no PostgreSQL.
const REQUIRE_POSTGRES: &str = "CREATIFY_REQUIRE_POSTGRES";
const DEMO_LIMIT: Duration = Duration::from_secs(30);

pub fn run(options: &Options) -> Result<()> {
    if options.list {
        STEPS.iter().for_each(|Step(name, purpose, _)| println!("{name:12} {purpose}"));
        return Ok(());
    }
    for name in &options.steps {
        ensure!(
            STEPS.iter().any(|Step(known, ..)| known == name),
            "there is no step `{name}`; see --list"
        );
    }
    versions()?;
    let started = Instant::now();
    let mut failed = Vec::new();
    for Step(name, _, step) in STEPS.iter().filter(|Step(name, ..)| {
        options.steps.is_empty() || options.steps.iter().any(|wanted| wanted == name)
    }) {
        let began = Instant::now();
        match step() {
            Ok(()) => println!("ok    {name:12} {:6.1} s", began.elapsed().as_secs_f64()),
            Err(error) => {
                println!(
                    "FAIL  {name:12} {:6.1} s\n{error:#}\nrepeat it with: cargo xtask ci {name}",
                    began.elapsed().as_secs_f64()
                );
                failed.push(*name);
                if !options.keep_going {
                    break;
                }
            }
        }
    }
    println!("total              {:6.1} s", started.elapsed().as_secs_f64());
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

fn versions() -> Result<()> {
    for arguments in [["--version"].as_slice(), &["clippy", "--version"], &["fmt", "--version"]] {
        println!("{}", stdout(cargo(arguments))?.trim());
    }
    Ok(())
}

/// Prints the totals of all tests, and their output only if one failed.
fn test() -> Result<()> {
    let mut command = cargo(&["test", "--workspace", "--quiet"]);
    command.env("INSTA_UPDATE", "no").env(REQUIRE_POSTGRES, "1");
    let output = output(&mut command)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let count = |word: &str| -> usize {
        let results = text.lines().filter(|line| line.starts_with("test result:"));
        results
            .filter_map(|line| {
                line.split([';', '.'])
                    .find_map(|part| part.trim().strip_suffix(word)?.trim().parse::<usize>().ok())
            })
            .sum()
    };
    let (passed, failed, ignored) = (count("passed"), count("failed"), count("ignored"));
    let result = if output.status.success() { "ok" } else { "FAILED" };
    // In cargo's format, which other tools recognise.
    println!("test result: {result}. {passed} passed; {failed} failed; {ignored} ignored");
    if !output.status.success() {
        bail!("{text}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    ensure!(passed > 0, "no test was run");
    Ok(())
}

/// Runs the long tests. The databases are those of the tests themselves.
fn kills() -> Result<()> {
    let mut command = cargo(&["test", "--quiet", "-p", "creatify-tests"]);
    command.args(["--test", "kills", "--test", "soak", "--", "--ignored", "--skip", "no_byte"]);
    command.env(REQUIRE_POSTGRES, "1");
    quiet(command)
}

fn publish() -> Result<()> {
    let mut arguments = vec!["publish", "--dry-run", "--workspace", "--quiet"];
    if std::env::var_os("CI").is_none() {
        arguments.push("--allow-dirty");
    }
    let mut publish = cargo(&arguments);
    publish.env("CARGO_HOME", cargo_home()?);
    quiet(publish)
}

/// Lays out a CARGO_HOME below `target` that shares everything but the unpacked crates.
///
/// A dry run unpacks the packaged crates there by name and version, and a later run does not
/// notice that their contents changed.
fn cargo_home() -> Result<PathBuf> {
    let shared = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let shared = shared.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let shared = shared.context("there is no home directory")?;
    let home = root().join("target/publish");
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    fs::create_dir_all(home.join("registry"))?;
    for (folder, own) in [("", "registry"), ("registry", "src")] {
        let Ok(entries) = fs::read_dir(shared.join(folder)) else { continue };
        for entry in entries {
            let name = entry?.file_name();
            if name != own && !name.to_string_lossy().starts_with(".package-cache") {
                symlink(shared.join(folder).join(&name), home.join(folder).join(&name))?;
            }
        }
    }
    Ok(home)
}

fn demo() -> Result<()> {
    quiet(cargo(&["build", "--quiet", "-p", "creatify-cli"]))?;
    let folder = tempfile::tempdir()?;
    let mut demo = cargo(&["run", "--quiet", "-p", "creatify-cli", "--", "demo", "--out"]);
    let file = folder.path().join("demo.mp4");
    demo.arg(&file);
    let began = Instant::now();
    quiet(demo)?;
    ensure!(began.elapsed() < DEMO_LIMIT, "the demo took {:?}", began.elapsed());
    let video = fs::read(&file).context("the demo left no video")?;
    ensure!(video.get(4..8) == Some(b"ftyp"), "the demo's video is no MP4 file");
    let left: Vec<_> = fs::read_dir(root())?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    ensure!(
        !left.iter().any(|name| name.ends_with(".mp4") || name.ends_with(".part")),
        "the demo left files in the workspace: {left:?}"
    );
    Ok(())
}

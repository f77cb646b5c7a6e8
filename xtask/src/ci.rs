//! `cargo xtask ci`: what CI runs. Quiet when green, clear when red.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::{
    fuzz, interop, prepared, spec, tools,
    workspace::{cargo, root, typed},
};

#[derive(Args)]
pub struct Options {
    /// Only these steps
    steps: Vec<String>,
    /// Go on after a step that failed
    #[arg(long)]
    keep_going: bool,
    /// Name the steps
    #[arg(long)]
    list: bool,
}

/// A step: its name, what it is for, and how it is done.
struct Step(&'static str, &'static str, fn() -> Result<()>);

const STEPS: &[Step] = &[
    Step("test", "the README's test command", test),
    Step("fmt", "formatting", || quiet(cargo(&["fmt", "--all", "--check"]))),
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
    Step(
        "lint",
        "openapi.yaml keeps its rules, and each rule sees what breaks it",
        spec::lint::check,
    ),
    Step(
        "diff",
        "a change that breaks or costs has its new version and its entry in CHANGELOG.md",
        spec::diff::check,
    ),
    Step("changes", "what regen and spec diff say of six prepared changes", || {
        prepared::self_test(false)
    }),
    Step("interop", "clients in TypeScript and Python, generated, checked and run", interop::check),
    Step(
        "schemathesis",
        "the sandbox keeps to openapi.yaml at 100 made-up requests an operation",
        spec::schemathesis::check,
    ),
    Step(
        "prism",
        "the command against a mock, and its tests through a validating proxy",
        spec::prism::check,
    ),
    Step(
        "docs",
        "the reference shows every operation with its cost, in a browser, and loads nothing",
        spec::docs::check,
    ),
];

const DEMO_LIMIT: Duration = Duration::from_secs(30);

pub fn run(options: &Options) -> Result<()> {
    if options.list {
        STEPS.iter().for_each(|Step(name, what, _)| println!("{name:8} {what}"));
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
            Ok(()) => println!("ok    {name:8} {:6.1} s", began.elapsed().as_secs_f64()),
            Err(error) => {
                println!(
                    "FAIL  {name:8} {:6.1} s\n{error:#}\nrepeat it with: cargo xtask ci {name}",
                    began.elapsed().as_secs_f64()
                );
                failed.push(*name);
                if !options.keep_going {
                    break;
                }
            }
        }
    }
    println!("total          {:6.1} s", started.elapsed().as_secs_f64());
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

fn versions() -> Result<()> {
    for arguments in [["--version"].as_slice(), &["clippy", "--version"], &["fmt", "--version"]] {
        println!("{}", String::from_utf8_lossy(&output(&mut cargo(arguments))?.stdout).trim());
    }
    Ok(())
}

/// The totals of all tests; what they said only if one failed.
fn test() -> Result<()> {
    let mut command = cargo(&["test", "--workspace", "--quiet"]);
    command.env("INSTA_UPDATE", "no");
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
    // In cargo's own words: the outer CI reads them.
    println!("test result: {result}. {passed} passed; {failed} failed; {ignored} ignored");
    if !output.status.success() {
        bail!("{text}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    ensure!(passed > 0, "no test was run");
    Ok(())
}

fn publish() -> Result<()> {
    forget_packaged_crates()?;
    let mut arguments = vec!["publish", "--dry-run", "--workspace", "--quiet"];
    if std::env::var_os("CI").is_none() {
        arguments.push("--allow-dirty");
    }
    quiet(cargo(&arguments))
}

/// Cargo unpacks the crates of a dry run by path and version, and does not look again when their contents have changed: crates that depend
/// on each other would be checked against those of an earlier run.
fn forget_packaged_crates() -> Result<()> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let Some(home) = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))) else {
        return Ok(());
    };
    let Ok(registries) = fs::read_dir(home.join("registry/src")) else { return Ok(()) };
    for registry in registries {
        let registry = registry?.path();
        // Those of a dry run have no host in their name.
        if !registry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('-')) {
            continue;
        }
        for unpacked in fs::read_dir(&registry)? {
            let unpacked = unpacked?.path();
            if unpacked
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("creatify"))
            {
                fs::remove_dir_all(unpacked)?;
            }
        }
    }
    Ok(())
}

fn demo() -> Result<()> {
    let build = cargo(&["build", "--quiet", "-p", "creatify-cli"]);
    quiet(build)?;
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
        "the demo left files behind: {left:?}"
    );
    Ok(())
}

pub fn output(command: &mut Command) -> Result<Output> {
    command.output().with_context(|| format!("`{}` cannot be run", typed(command)))
}

/// Runs a command and shows what it printed only if it fails.
pub fn quiet(mut command: Command) -> Result<()> {
    let output = output(&mut command)?;
    if !output.status.success() {
        bail!(
            "{}{}`{}` failed",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
            typed(&command)
        );
    }
    Ok(())
}

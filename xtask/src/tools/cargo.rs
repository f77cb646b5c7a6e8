//! Tools from crates.io.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::Result;

use crate::{
    ci::quiet,
    workspace::{cargo, root},
};

const CARGO_DENY: &str = "0.20.2";
const CARGO_FUZZ: &str = "0.13.2";
const CARGO_SEMVER_CHECKS: &str = "0.51.0";

/// Checks licences, bans and sources of all dependencies by `deny.toml`. It fetches no advisories.
pub fn deny() -> Result<()> {
    let mut deny = Command::new(installed("cargo-deny", CARGO_DENY)?);
    deny.args(["--locked", "check", "licenses", "bans", "sources"]).current_dir(root());
    quiet(deny)
}

/// Compares the public items of a crate with those of a revision. It is built to work on stable toolchains.
pub fn semver_checks() -> Result<Command> {
    Ok(Command::new(installed("cargo-semver-checks", CARGO_SEMVER_CHECKS)?))
}

/// The path of cargo-fuzz.
pub fn cargo_fuzz() -> Result<PathBuf> {
    installed("cargo-fuzz", CARGO_FUZZ)
}

/// The path of a tool, which is installed first if it is not there in this version.
fn installed(tool: &str, version: &str) -> Result<PathBuf> {
    let folder = root().join("target/tools");
    let binary = folder.join("bin").join(tool);
    let is_there = Command::new(&binary).arg("--version").stderr(Stdio::null()).output();
    if !is_there
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim().ends_with(version))
    {
        println!("installing {tool} {version}, once");
        let mut install =
            cargo(&["install", tool, "--version", version, "--locked", "--quiet", "--root"]);
        install.arg(&folder);
        quiet(install)?;
    }
    Ok(binary)
}

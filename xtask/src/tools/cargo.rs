//! Tools from crates.io.

use std::{path::PathBuf, process::Command};

use anyhow::Result;

use crate::{
    process::quiet,
    workspace::{cargo, root},
};

/// Checks licences, bans and sources of all dependencies by `deny.toml`. Fetches no advisories.
pub fn deny() -> Result<()> {
    let mut deny = Command::new(installed("cargo-deny", "0.20.2")?);
    deny.args(["--locked", "check", "licenses", "bans", "sources"]).current_dir(root());
    quiet(deny)
}

/// Returns cargo-semver-checks, which compares the public items of a crate with a revision.
pub fn semver_checks() -> Result<Command> {
    Ok(Command::new(installed("cargo-semver-checks", "0.51.0")?))
}

/// Returns the path of cargo-fuzz.
pub fn cargo_fuzz() -> Result<PathBuf> {
    installed("cargo-fuzz", "0.13.2")
}

/// Returns the path of a tool. Cargo leaves it alone if this version is there already.
fn installed(tool: &str, version: &str) -> Result<PathBuf> {
    let folder = root().join("target/tools");
    let mut install =
        cargo(&["install", tool, "--version", version, "--locked", "--quiet", "--root"]);
    install.arg(&folder);
    quiet(install)?;
    Ok(folder.join("bin").join(tool))
}

//! Tools and libraries from npm, as lock files pin them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::install::{installed, version};
use crate::{process::quiet, workspace::root};

const INSTALL: &str =
    "install Node.js 20.19 or newer with npm (Debian: apt-get install nodejs npm)";

/// Returns a tool of `xtask/tools/package.json`, to be run in the workspace.
pub fn node(tool: &str) -> Result<Command> {
    let modules = node_modules("node", &root().join("xtask/tools"))?;
    let mut command = Command::new(modules.join(".bin").join(tool));
    command.current_dir(root());
    command
        .env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")
        .env("NO_COLOR", "1");
    Ok(command)
}

/// Installs the packages of a lock file apart from it, without running their install scripts.
pub fn node_modules(name: &str, project: &Path) -> Result<PathBuf> {
    let lock_file = project.join("package-lock.json");
    let pins = fs::read_to_string(&lock_file).with_context(|| lock_file.display().to_string())?;
    let folder = installed(name, &pins, |folder| {
        version("node", "--version", INSTALL)?;
        version("npm", "--version", INSTALL)?;
        for file in ["package.json", "package-lock.json"] {
            fs::copy(project.join(file), folder.join(file))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(folder);
        quiet(npm)
    })?;
    Ok(folder.join("node_modules"))
}

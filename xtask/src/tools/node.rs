//! Tools from npm, as `xtask/tools/package-lock.json` pins them.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

use crate::{ci::quiet, workspace::root};

const INSTALL: &str = "install Node.js 20.19 or newer with npm (Debian: apt-get install nodejs npm)";

/// A tool that lies in `node_modules/.bin`, to be run in the workspace.
pub fn node(tool: &str) -> Result<Command> {
    let folder = super::installed("node", &lock_file(&root().join("xtask/tools"))?, |folder| {
        install(&root().join("xtask/tools"), folder)
    })?;
    let mut command = Command::new(folder.join("node_modules/.bin").join(tool));
    command.current_dir(root());
    command.env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true").env("NO_COLOR", "1");
    Ok(command)
}

/// Installs the packages of a project into another folder. Nothing that a package brings is run meanwhile.
fn install(project: &Path, into: &Path) -> Result<()> {
    super::version("node", INSTALL)?;
    super::version("npm", INSTALL)?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(project.join(file), into.join(file))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(into);
    quiet(npm)
}

fn lock_file(project: &Path) -> Result<String> {
    let path = project.join("package-lock.json");
    fs::read_to_string(&path).with_context(|| path.display().to_string())
}

//! Tools from PyPI, as `xtask/tools/requirements.txt` pins them, in a virtual environment.

use std::{fs, process::Command};

use anyhow::{Context, Result};

use super::install::{installed, version};
use crate::{process::quiet, workspace::root};

const INSTALL: &str =
    "install Python 3.11 or newer with venv and pip (Debian: apt-get install python3-venv)";

/// Returns a tool of the environment's `bin`, to be run in the workspace.
pub fn python(tool: &str) -> Result<Command> {
    let requirements = root().join("xtask/tools/requirements.txt");
    let pins =
        fs::read_to_string(&requirements).with_context(|| requirements.display().to_string())?;
    // An environment belongs to the Python that made it.
    let pins = format!("{}\n{pins}", version("python3", "--version", INSTALL)?);
    let folder = installed("python", &pins, |folder| {
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv"]).arg(folder);
        quiet(venv).context(INSTALL)?;
        let mut pip = Command::new(folder.join("bin/pip"));
        pip.args(
            "install --quiet --disable-pip-version-check --require-hashes --requirement".split(' '),
        )
        .arg(&requirements);
        quiet(pip)
    })?;
    let mut path = vec![folder.join("bin")];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let mut command = Command::new(folder.join("bin").join(tool));
    // Generators look for their formatters there.
    command.env("PATH", std::env::join_paths(path)?).env("NO_COLOR", "1").current_dir(root());
    Ok(command)
}

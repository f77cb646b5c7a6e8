//! Which tools does maintenance call? All have pinned versions and are installed under `target/tools` when they are first needed.

mod cargo;
mod node;
mod python;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

pub use cargo::{cargo_fuzz, deny, semver_checks};
pub use node::{node, node_modules};
pub use python::python;

use crate::workspace::root;

/// The folder of the tools called `name`, in which `install` has run for exactly these pins.
fn installed(name: &str, pins: &str, install: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let tools = root().join("target/tools");
    fs::create_dir_all(&tools)?;
    let _one_at_a_time = lock(&tools.join(format!("{name}.lock")))?;
    let folder = tools.join(name);
    let installed_from = folder.join("installed-from");
    if !fs::read_to_string(&installed_from).is_ok_and(|installed| installed == pins) {
        eprintln!("installing packages for {name}, once");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir(&folder)?;
        install(&folder)?;
        fs::write(installed_from, pins)?;
    }
    Ok(folder)
}

fn lock(path: &Path) -> Result<File> {
    let file = File::create(path)?;
    file.lock()?;
    Ok(file)
}

/// What a program says of its version; an error that says what to install when it cannot be run.
pub fn version(program: &str, option: &str, install: &str) -> Result<String> {
    let output = Command::new(program).arg(option).stderr(Stdio::null()).output();
    let output = output.ok().filter(|output| output.status.success());
    let output = output.with_context(|| format!("`{program}` cannot be run: {install}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

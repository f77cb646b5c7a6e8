//! Folders of packages that are installed once for each set of pins.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use crate::workspace::root;

/// Returns the folder of the packages called `name`, after running `install` if the pins changed.
pub fn installed(
    name: &str,
    pins: &str,
    install: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let tools = root().join("target/tools");
    fs::create_dir_all(&tools)?;
    let lock = File::create(tools.join(format!("{name}.lock")))?;
    lock.lock()?; // until the end of this function
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

/// Returns the version that a program reports; the error of a missing one says what to install.
pub fn version(program: &str, option: &str, install: &str) -> Result<String> {
    let output = Command::new(program).arg(option).stderr(Stdio::null()).output();
    let output = output.ok().filter(|output| output.status.success());
    let output = output.with_context(|| format!("`{program}` cannot be run: {install}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

//! The workspace: its folder, its tracked files, and cargo and git inside it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use crate::process::stdout;

/// Returns the folder of the workspace.
pub fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

/// Returns a command for the cargo that started this program.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Runs git and returns its standard output without the final line break.
pub fn git(arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(root());
    Ok(stdout(command)?.trim_end().to_owned())
}

/// Lists the files below `folder` that git tracks or would track, relative to the workspace.
pub fn tracked(folder: &str) -> Result<Vec<PathBuf>> {
    let listed = git(&["ls-files", "-z", "--cached", "--others", "--exclude-standard", folder])?;
    let files = listed.split_terminator('\0').map(PathBuf::from);
    Ok(files.filter(|file| root().join(file).symlink_metadata().is_ok()).collect())
}

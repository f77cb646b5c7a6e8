//! Child processes that stay quiet unless they fail.

use std::{
    path::Path,
    process::{Command, Output},
};

use anyhow::{Context, Result, bail};

/// Runs a command to its end, whether it succeeds or not.
pub fn output(command: &mut Command) -> Result<Output> {
    command.output().with_context(|| format!("cannot run `{}`", typed(command)))
}

/// Runs a command and returns its standard output; the error of a failed one has all its output.
pub fn stdout(mut command: Command) -> Result<String> {
    let output = output(&mut command)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("{text}{}`{}` failed", String::from_utf8_lossy(&output.stderr), typed(&command));
    }
    Ok(text)
}

/// Runs a command and shows its output only if it fails.
pub fn quiet(command: Command) -> Result<()> {
    stdout(command).map(drop)
}

/// Formats a command as one would type it.
pub fn typed(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned());
    words.collect::<Vec<_>>().join(" ")
}

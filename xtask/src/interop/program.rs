//! The two programs of a built client.

use std::{path::Path, process::Command};

/// Commands of a client that is ready to run.
pub struct Programs {
    /// Computes the estimates of a file and compares them.
    pub check_estimates: Command,
    /// Makes a preview, and some requests that are refused.
    pub preview: Command,
}

impl Programs {
    /// Both are one executable in `folder`, with a different argument.
    pub fn new(executable: &Path, folder: &Path, check_estimates: &str, preview: &str) -> Self {
        let program = |argument: &str| {
            let mut command = Command::new(executable);
            command.arg(argument).current_dir(folder);
            command
        };
        Self { check_estimates: program(check_estimates), preview: program(preview) }
    }
}

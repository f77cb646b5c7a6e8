//! `completions`: the script for a shell.

use crate::{args, error::CliError, session::Session};

pub(crate) fn completions(session: &Session, shell: clap_complete::Shell) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "creatify", &mut script);
    session.output.text(String::from_utf8_lossy(&script).trim_end())
}

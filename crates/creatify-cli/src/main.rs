//! The `creatify` command. Its result goes to stdout, everything else to stderr.

mod args;
mod commands;
mod entry;
mod error;
mod interruption;
mod job_names;
mod journal;
mod open_jobs;
mod outcome;
mod output;
mod progress;
mod report;
mod session;
mod signals;

use std::{io, process::ExitCode, sync::Arc};

use tokio::runtime::{Builder, Runtime};

use crate::{
    args::Command,
    error::CliError,
    output::{Notes, Output, logs},
    session::{Session, Settings},
    signals::Signals,
};

fn main() -> ExitCode {
    let (args, key_source) = args::parse();
    let notes = if args.global.quiet { Notes::Hidden } else { Notes::Shown };
    let output = Output::new(args.global.output, notes);
    logs::set_up(args.global.verbose, &output);
    let (access, read_timeout) = (args.command.journal_access(), args.command.read_timeout());
    let settings = Settings::new(args.global, key_source, read_timeout);
    let session = Arc::new(Session::new(settings, access, output.clone()));
    match run(&session, args.command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output.line(&format!("error: the command could not be started: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs a command until it ends or a signal comes, and returns the exit code.
///
/// Signals have a runtime and thread of their own, so that they are noticed even while a file lock
/// or stdin blocks the command.
fn run(session: &Arc<Session>, command: Command) -> io::Result<u8> {
    let signal_runtime = Builder::new_current_thread().enable_all().build()?;
    let runtime = Runtime::new()?;
    let code = signal_runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let working = runtime.spawn(run_and_report(session.clone(), command));
        tokio::pin!(working);
        let signal = tokio::select! {
            code = &mut working => return Ok(code.unwrap_or_else(|_| panicked(session))),
            signal = signals.next() => signal,
        };
        Ok(interruption::tell(session, signal, &mut signals, working).await)
    });
    runtime.shutdown_background(); // what still blocks is not waited for
    code
}

async fn run_and_report(session: Arc<Session>, command: Command) -> u8 {
    match commands::run(&session, command).await {
        Ok(()) => 0,
        Err(error) => report::report(&session, &error).await,
    }
}

/// Tells of the jobs that are open after a panic, whose message is on stderr already.
fn panicked(session: &Session) -> u8 {
    let error = CliError::other("the command ended unexpectedly; this is a bug");
    report::report_plainly(session, &error)
}

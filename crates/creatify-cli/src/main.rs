//! The `creatify` command. stdout carries the result and nothing else; everything else goes to stderr.

mod args;
mod commands;
mod exit;
mod output;
mod progress;
mod session;

use std::process::ExitCode;

use clap::Parser;

use crate::{args::Args, session::Session};

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    output::set_up_logs(args.global.verbose);
    let session = Session::new(&args.global);
    let run = commands::run(&session, args.command);
    tokio::select! {
        result = run => match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => exit::report(&session, &failure).await,
        },
        _ = tokio::signal::ctrl_c() => exit::interrupted(&session),
    }
}

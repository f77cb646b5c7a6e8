//! Which command does what? One file for each story.

mod demo;
mod download;
mod estimate;
mod ledger;
mod read;
mod sandbox;
mod submit;
mod wait;

use clap::CommandFactory;

use crate::{
    args::{Args, Command},
    exit::Failure,
    session::Session,
};

pub(crate) async fn run(session: &Session, command: Command) -> Result<(), Failure> {
    match command {
        Command::Demo { file } => demo::demo(session, &file).await,
        Command::Templates => read::templates(session).await,
        Command::Balance => read::balance(session).await,
        Command::Estimate(estimate) => estimate::estimate(session, &estimate),
        Command::Preview { template, sync, options } => {
            submit::preview(session, template, sync, options).await
        }
        Command::Create { template, options } => submit::create(session, template, options).await,
        Command::Render { job_id, options } => submit::render(session, job_id, options).await,
        Command::Get { job_id } => read::get(session, job_id).await,
        Command::List { job_ids } => read::list(session, &job_ids).await,
        Command::Wait { job_ids, goal, timeout } => {
            wait::wait(session, &job_ids, goal.map(Into::into), timeout).await
        }
        Command::Download { job_ids, out, preview } => {
            download::download(session, &job_ids, &out, preview).await
        }
        Command::Ledger(options) => ledger::ledger(session, &options),
        Command::Sandbox(options) => sandbox::serve(session, &options).await,
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Args::command(),
                "creatify",
                &mut std::io::stdout(),
            );
            Ok(())
        }
    }
}

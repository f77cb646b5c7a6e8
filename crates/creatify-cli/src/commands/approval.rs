//! Approval by a person: the cost is shown and asked for before something dear is sent.

use std::io::{self, IsTerminal};

use creatify::credits::Estimate;

use super::{known_submission::KnownSubmission, submit::Request};
use crate::{
    args,
    error::CliError,
    output::layout::credits_in_words,
    session::{Session, Target},
};

/// Asks for approval if the submission is dear and somebody is there to answer.
pub(super) async fn ask(
    session: &Session,
    known: Option<&KnownSubmission>,
    request: &Request<'_>,
    options: &args::Submission,
) -> Result<(), CliError> {
    let somebody_is_there = io::stdin().is_terminal() && io::stderr().is_terminal();
    let is_play_money = session.target() == Target::EmbeddedSandbox;
    // Nothing is spent on what was sent already.
    if options.yes || is_play_money || !somebody_is_there || known.is_some() {
        return Ok(());
    }
    // What a dry run refuses, the submission refuses too, with the same words.
    let estimate = request.clone().dry_run().await.ok().and_then(|dry_run| dry_run.estimate);
    let Some(estimate) = estimate.filter(|estimate| estimate.credits.max > options.ask_above)
    else {
        return Ok(());
    };
    let output = session.output.clone();
    let question = question(&estimate);
    let answer = tokio::task::spawn_blocking(move || output.ask(&question)).await;
    match answer {
        Ok(Ok(answer)) if is_yes(&answer) => Ok(()),
        Ok(Err(error)) => Err(CliError::other(format!("the answer cannot be read: {error}"))),
        _ => Err(CliError::usage("not approved; nothing was sent")),
    }
}

fn question(estimate: &Estimate) -> String {
    format!(
        "This {} may cost {} ({}, {}). Submit it? [y/N]",
        estimate.operation,
        credits_in_words(&estimate.credits),
        estimate.seconds,
        estimate.model_version
    )
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        for yes in ["y\n", "Y", "yes\r\n", " YES "] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "n", "no", "yep", "y y"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}

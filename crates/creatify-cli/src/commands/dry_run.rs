//! `--dry-run`: the checked request and its estimate, without sending anything that costs.

use creatify::DryRun;

use super::{
    known_submission::KnownSubmission,
    submit::{Request, in_terms_of_options},
};
use crate::{
    error::CliError,
    output::{
        ResultText,
        layout::{self, credits_in_words},
        visible_lines,
    },
    session::Session,
};

pub(super) async fn show(
    session: &Session,
    known: Option<&KnownSubmission>,
    request: Request<'_>,
) -> Result<(), CliError> {
    if let Some(known) = known {
        known.tell_dry_run(session);
    }
    let dry_run = request.dry_run().await.map_err(in_terms_of_options)?;
    session.output.show(&dry_run, || ResultText { full: text(&dry_run), short: cost(&dry_run) })?;
    session.output.note("nothing was sent");
    Ok(())
}

fn cost(dry_run: &DryRun) -> String {
    match &dry_run.estimate {
        Some(estimate) => credits_in_words(&estimate.credits),
        None => "not known; --seconds gives the expected duration".to_owned(),
    }
}

fn text(dry_run: &DryRun) -> String {
    let mut rows = vec![("operation", dry_run.operation.to_string()), ("cost", cost(dry_run))];
    if let Some(estimate) = &dry_run.estimate {
        let basis = format!("{} (basis: {})", estimate.rate_card, estimate.basis);
        rows.extend([("for", estimate.seconds.to_string()), ("rate card", basis)]);
    }
    let body = serde_json::to_string_pretty(&dry_run.request).unwrap_or_default();
    format!("{}\n\n{}", layout::aligned(&rows), visible_lines(&body))
}

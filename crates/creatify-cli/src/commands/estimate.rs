//! `estimate`: what would it cost? Offline and free.

use crate::{args, exit::Failure, output, session::Session};

pub(crate) fn estimate(session: &Session, options: &args::Estimate) -> Result<(), Failure> {
    let card = options.rate_card.clone().unwrap_or_default();
    let estimate = card
        .estimate(options.operation, &options.model_version, options.seconds, options.count)
        .map_err(|error| Failure::usage(error.to_string()))?;
    output::show(session, &estimate, || {
        let mut rows = vec![
            ("credits", estimate.credits.to_string()),
            ("for", format!("{} × {} of {}, {}", estimate.count, estimate.operation, estimate.seconds, estimate.model_version)),
            ("rate card", format!("{} (basis: {})", estimate.rate_card, estimate.basis)),
        ];
        rows.extend(estimate.assumptions.iter().map(|assumption| ("assuming", assumption.to_string())));
        output::aligned(&rows)
    })
}

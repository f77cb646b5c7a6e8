//! A submission that was made earlier with the same key, so that nothing is sent again.

use creatify::{
    Client,
    credits::BillableOperation,
    journal::{Entry, EntryState, Filter},
};

use crate::{args, error::CliError, output::shell::shell_word, session::Session};

/// The latest attempt with the key, which prevents another one.
pub(super) struct KnownSubmission(Entry);

/// Returns the earlier submission, if the journal has one.
pub(super) async fn find(
    client: &Client,
    operation: BillableOperation,
    options: &args::Submission,
) -> Result<Option<KnownSubmission>, CliError> {
    let Some(key) = &options.key else { return Ok(None) };
    let entries = client.entries(Filter::default().key(key.clone())).await?;
    let latest = entries.into_iter().rfind(|entry| entry.operation == operation);
    Ok(latest.filter(|entry| prevents(entry, options)).map(KnownSubmission))
}

fn prevents(entry: &Entry, options: &args::Submission) -> bool {
    let is_repeated = options.retry_failed && entry.has_failed();
    entry.state != EntryState::Released && !is_repeated
}

impl KnownSubmission {
    /// Says what the command waits for before it has a result.
    pub(super) fn tell_wait(&self, session: &Session) {
        match self.0.state {
            EntryState::Sending => session.output.note(
                "another process was sending this submission; its outcome is awaited, and nothing \
                 is sent",
            ),
            EntryState::Unknown => session.output.note(
                "the outcome of this submission is unknown; its job is searched for, and nothing \
                 is sent",
            ),
            _ => {}
        }
    }

    /// Says that a dry run is of something that was sent already.
    pub(super) fn tell_dry_run(&self, session: &Session) {
        let Entry { key, operation, .. } = &self.0;
        session.output.note(&format!(
            "the {operation} with the key {} is in the journal already, and would not be sent again",
            shell_word(key.as_str())
        ));
    }
}

//! `resume`: the wait for everything that is open in the journal.

use std::time::Duration;

use creatify::{
    JobHandle,
    journal::{Entry, EntryState, Filter},
};

use super::wait;
use crate::{entry, error::CliError, job_names::NamedJob, output::ResultText, session::Session};

pub(crate) async fn resume(session: &Session, timeout: Duration) -> Result<(), CliError> {
    let entries = session.journal().await?.entries(Filter::default().open()).await?;
    for entry in &entries {
        match entry.state {
            EntryState::Unknown => session.output.line(&entry::unknown_in_words(entry)),
            EntryState::Sending => session.output.note(&format!(
                "the {} with the key {} is being sent by another process",
                entry.operation, entry.key
            )),
            _ => {}
        }
    }
    let jobs = open_jobs(&entries);
    if jobs.is_empty() {
        session.output.note("no job is open");
        let none: [(); 0] = [];
        let text = || ResultText { full: String::new(), short: String::new() };
        return session.output.show(&none, text);
    }
    wait::wait_for(session, &jobs, None, timeout).await
}

/// Returns each open job once, with the goal of its latest submission.
fn open_jobs(entries: &[Entry]) -> Vec<NamedJob> {
    let mut jobs: Vec<NamedJob> = Vec::new();
    let submitted = entries.iter().filter(|entry| entry.state == EntryState::Submitted);
    for JobHandle { id, goal } in submitted.filter_map(Entry::handle) {
        match jobs.iter_mut().find(|job| job.id == id) {
            Some(job) => job.goal = Some(goal),
            None => jobs.push(NamedJob { id, goal: Some(goal) }),
        }
    }
    jobs
}

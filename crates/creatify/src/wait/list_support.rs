//! Whether several jobs can be asked for in one request. The service does not promise its list.

use std::collections::HashMap;

use creatify_api::limits;

use super::pending::PendingPoll;
use crate::{
    error::{Error, ErrorKind},
    http::CallOptions,
    job::{Job, JobId},
    jobs::JobReader,
};

/// Present knowledge about the service's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum ListSupport {
    /// It is used.
    #[default]
    Offered,
    /// It was wrong once, which may be an accident.
    Doubted,
    /// It is not offered, or not to be relied on: every job is asked for alone from now on.
    Refused,
}

/// Result of one list request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListResult {
    /// All jobs that were asked for, in one answer.
    Complete,
    /// Something is missing, or it does not decode.
    Wrong,
    /// Not offered, or in pages, which cost as many requests as the jobs alone.
    Useless,
    /// No answer, or a passing failure, which says nothing about the list.
    Failed,
}

impl ListSupport {
    pub(super) fn after(self, result: ListResult) -> Self {
        match (self, result) {
            (Self::Refused, _) | (_, ListResult::Useless) | (Self::Doubted, ListResult::Wrong) => {
                if self != Self::Refused {
                    tracing::info!("the service's list of jobs is not used any more");
                }
                Self::Refused
            }
            (_, ListResult::Wrong) => Self::Doubted,
            (_, ListResult::Complete) => Self::Offered,
            (before, ListResult::Failed) => before,
        }
    }
}

/// A failed poll is followed by another, so each needs few attempts.
const MAX_ATTEMPTS: u32 = 2;

fn options(jobs: &JobReader) -> CallOptions {
    let options = jobs.executor.options();
    CallOptions { max_attempts: MAX_ATTEMPTS.min(options.max_attempts), ..options }
}

/// Asks for one job.
pub(super) async fn one(jobs: &JobReader, id: JobId) -> Result<Job, Error> {
    jobs.get(id, options(jobs)).await
}

/// Asks for several jobs in one request and answers those polls that the list shows. Those that are
/// left must be made alone.
pub(super) async fn several(jobs: &JobReader, pending: &mut Vec<PendingPoll>) -> ListResult {
    let mut ids: Vec<_> = pending.iter().map(|poll| poll.id).collect();
    ids.sort_unstable();
    ids.dedup(); // two may wait for one job
    debug_assert!(ids.len() <= limits::IDS);
    let page = match jobs.first_page(&ids, options(jobs)).await {
        Ok(page) => page,
        Err(error) => {
            let result = match error.kind() {
                ErrorKind::Undecodable => return ListResult::Wrong,
                // Each job alone will tell.
                ErrorKind::Refused | ErrorKind::Credentials => return ListResult::Useless,
                _ => ListResult::Failed,
            };
            pending.drain(..).for_each(|poll| poll.answer(Err(error.clone())));
            return result;
        }
    };
    let shown: HashMap<JobId, Job> = page.jobs.into_iter().map(|job| (job.id(), job)).collect();
    for index in (0..pending.len()).rev() {
        if let Some(job) = shown.get(&pending[index].id) {
            pending.swap_remove(index).answer(Ok(job.clone()));
        }
    }
    match (page.has_more, pending.is_empty()) {
        (true, _) => ListResult::Useless,
        (false, true) => ListResult::Complete,
        (false, false) => ListResult::Wrong,
    }
}

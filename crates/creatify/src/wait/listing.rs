//! How are jobs asked for: several in one request, or each alone? The list is not promised by the service.

use std::collections::HashMap;

use creatify_api::limits;

use super::watcher::Wanted;
use crate::{
    call::Patience,
    client::Client,
    error::{Error, ErrorKind},
    job::{Job, JobId},
    pages::Listing as _,
};

/// What is known of the service's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Listing {
    /// It is used.
    #[default]
    Offered,
    /// It was wrong once; once may be an accident.
    Doubted,
    /// It is not offered, or not to be relied on: every job is asked for alone from now on.
    Refused,
}

/// What a list turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listed {
    /// All that was asked for, in one answer.
    Right,
    /// Something is missing, or it does not decode.
    Wrong,
    /// Not offered, or in pages, which cost as many requests as the jobs alone.
    Useless,
    /// No answer, or a passing failure. It says nothing.
    Failed,
}

impl Listing {
    pub(super) fn after(self, listed: Listed) -> Self {
        match (self, listed) {
            (Self::Refused, _) | (_, Listed::Useless) | (Self::Doubted, Listed::Wrong) => {
                if self != Self::Refused {
                    tracing::info!(
                        "the service's list of jobs is not used any more; each job is asked for alone"
                    );
                }
                Self::Refused
            }
            (_, Listed::Wrong) => Self::Doubted,
            (_, Listed::Right) => Self::Offered,
            (before, Listed::Failed) => before,
        }
    }
}

/// A look that fails is not the end, so it need not be stubborn.
const ATTEMPTS: u32 = 2;

fn patience(client: &Client) -> Patience {
    let patience = client.patience();
    Patience { attempts: ATTEMPTS.min(patience.attempts), ..patience }
}

/// Asks for one job.
pub(super) async fn one(client: &Client, id: JobId) -> Result<Job, Error> {
    client.get_job(id, patience(client)).await
}

/// Asks for several jobs in one request and answers those that it shows. Those that are left must be asked for alone.
pub(super) async fn several(client: &Client, wanted: &mut Vec<Wanted>) -> Listed {
    let mut ids: Vec<_> = wanted.iter().map(|wanted| wanted.id).collect();
    ids.sort_unstable();
    ids.dedup(); // two may wait for one job
    debug_assert!(ids.len() <= limits::IDS);
    let list = match client.first_page_of_jobs(&ids, patience(client)).await {
        Ok(list) => list,
        Err(error) => {
            let listed = match error.kind() {
                ErrorKind::Undecodable => return Listed::Wrong,
                ErrorKind::Refused | ErrorKind::Credentials => return Listed::Useless, // each job alone will tell
                _ => Listed::Failed,
            };
            wanted.drain(..).for_each(|wanted| wanted.answer(Err(error.clone())));
            return listed;
        }
    };
    let (jobs, next) = list.split();
    let shown: HashMap<JobId, Job> =
        jobs.into_iter().map(Job::from).map(|job| (job.id(), job)).collect();
    for index in (0..wanted.len()).rev() {
        if let Some(job) = shown.get(&wanted[index].id) {
            wanted.swap_remove(index).answer(Ok(job.clone()));
        }
    }
    match next.filter(|next| !next.is_empty()) {
        Some(_) => Listed::Useless,
        None if wanted.is_empty() => Listed::Right,
        None => Listed::Wrong,
    }
}

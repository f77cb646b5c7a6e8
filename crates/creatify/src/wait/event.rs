//! Events of a wait.

use super::forecast::Eta;
use crate::{error::Error, job::Job};

/// An event of a wait.
#[derive(Debug)]
#[non_exhaustive]
pub enum WaitEvent {
    /// The job's status or progress changed.
    #[non_exhaustive]
    Progress {
        /// The job.
        job: Job,
        /// Time at which it will probably end, while it runs and something tells.
        eta: Option<Eta>,
    },
    /// Reading the job's status failed. The job goes on, and so does the wait.
    PollFailed(Error),
    /// The goal is reached. This is the last event.
    Completed(Job),
}

//! Polls that wait for their turn.

use tokio::{sync::oneshot, time::Instant};

use crate::{
    error::Error,
    job::{Job, JobId},
};

/// A poll that was entered and not made yet.
#[derive(Debug)]
pub(super) struct PendingPoll {
    pub(super) id: JobId,
    pub(super) number: u64,
    pub(super) earliest: Instant,
    pub(super) batching: Batching,
    pub(super) answer: oneshot::Sender<Result<Job, Error>>,
}

/// Permission to request a job together with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Batching {
    Allowed,
    /// A list lacked the job: only a request for it alone shows whether it exists.
    Alone,
}

impl PendingPoll {
    pub(super) fn answer(self, answer: Result<Job, Error>) {
        // This fails if nobody waits for it any more.
        drop(self.answer.send(answer));
    }
}

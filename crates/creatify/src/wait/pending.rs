//! Polls that wait for their turn.

use tokio::{sync::oneshot, time::Instant};

use crate::{
    error::Error,
    job::{Job, JobId},
};

/// A poll that was asked for and not made yet.
#[derive(Debug)]
pub(super) struct PendingPoll {
    pub(super) id: JobId,
    pub(super) number: u64,
    pub(super) earliest: Instant,
    pub(super) batching: Batching,
    pub(super) answer: oneshot::Sender<Result<Job, Error>>,
}

/// Permission to ask for a job together with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Batching {
    Allowed,
    /// It was missing from a list: only asking for it alone tells.
    Alone,
}

impl PendingPoll {
    pub(super) fn answer(self, answer: Result<Job, Error>) {
        // Nobody waits for it any more, if this fails.
        drop(self.answer.send(answer));
    }
}

//! Jobs that were paid for and whose result has not been told: what must be said before the command
//! ends, however it ends.

use std::time::Duration;

use creatify::JobHandle;
use tokio::sync::watch;

/// The submissions and jobs of one run.
#[derive(Debug, Default)]
pub(crate) struct OpenJobs(watch::Sender<State>);

#[derive(Debug, Clone, Default)]
struct State {
    /// Billable requests whose answer has not come.
    sending: usize,
    jobs: Vec<JobHandle>,
}

/// State of the billable requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sending {
    Idle,
    UnderWay,
}

impl OpenJobs {
    /// Marks a billable request as under way, until [`accepted`](Self::accepted) or
    /// [`not_accepted`](Self::not_accepted).
    pub(crate) fn sending(&self) {
        self.0.send_modify(|state| state.sending += 1);
    }

    pub(crate) fn accepted(&self, job: JobHandle) {
        self.0.send_modify(|state| {
            state.sending = state.sending.saturating_sub(1);
            state.jobs.push(job);
        });
    }

    /// Notes that the answer to a billable request came, and that it is told with the error.
    pub(crate) fn not_accepted(&self) {
        self.0.send_modify(|state| state.sending = state.sending.saturating_sub(1));
    }

    /// Adds a job that was submitted earlier.
    pub(crate) fn add(&self, job: JobHandle) {
        self.0.send_modify(|state| state.jobs.push(job));
    }

    /// Removes a job whose end or resume line has been told. Returns whether it was there.
    pub(crate) fn told(&self, job: JobHandle) -> bool {
        self.0.send_if_modified(|state| {
            let before = state.jobs.len();
            state.jobs.retain(|other| *other != job);
            state.jobs.len() < before
        })
    }

    pub(crate) fn all(&self) -> Vec<JobHandle> {
        self.0.borrow().jobs.clone()
    }

    pub(crate) fn is_sending(&self) -> Sending {
        if self.0.borrow().sending > 0 { Sending::UnderWay } else { Sending::Idle }
    }

    /// Waits for the answer to the request that is under way, for a while.
    pub(crate) async fn answered(&self, limit: Duration) {
        let mut states = self.0.subscribe();
        let answered = states.wait_for(|state| state.sending == 0);
        let _ = tokio::time::timeout(limit, answered).await; // the caller asks again
    }
}

/// Returns the command that goes on with a job.
pub(crate) fn resume_line(job: JobHandle) -> String {
    format!("creatify wait {} --goal {}", job.id, job.goal)
}

//! The engine that polls for all waits of a client and its clones: jobs that are due at about the
//! same time share a request. It runs only while somebody waits.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use creatify_api::limits;
use tokio::{
    sync::{Notify, oneshot},
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{
    hints::{HintReliability, Hints, Seen},
    list_support::{self, ListSupport},
    pending::{Batching, PendingPoll},
};
use crate::{
    error::Error,
    job::{Job, JobId},
    jobs::JobReader,
    sync::lock,
};

/// Requests that the engine has under way at once. A slow one must not keep the others waiting; a
/// flood of them would not help.
const MAX_CONCURRENT: usize = 8;
/// A job may be polled before it is due, in a request that is made anyway, once this part of its
/// delay has passed.
const EARLIEST: f64 = 0.5;

/// Handle of the engine. Cheap to clone; clones share it.
#[derive(Clone)]
pub(crate) struct PollBatcher {
    jobs: JobReader,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Something earlier is due, or nobody waits any more.
    changed: Notify,
}

/// Polls to be made.
#[derive(Debug, Default)]
struct Queue {
    /// Polls by the time at which they are due; the number keeps those of the same moment apart.
    due: BTreeMap<(Instant, u64), PendingPoll>,
    /// Times of the polls in `due`, by their numbers.
    times: HashMap<u64, Instant>,
    entered: u64,
    hints: Hints,
    /// Number of waits that have not got their answer yet.
    waiting: usize,
    engine: Engine,
    list_support: ListSupport,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Engine {
    #[default]
    Stopped,
    Running,
}

/// A poll that was asked for. Dropped, it is taken back.
struct PollGuard {
    shared: Arc<Shared>,
    number: u64,
    answer: oneshot::Receiver<Result<Job, Error>>,
}

impl PollBatcher {
    pub(crate) fn new(jobs: JobReader) -> Self {
        Self { jobs, shared: Arc::default() }
    }

    pub(crate) fn jobs(&self) -> &JobReader {
        &self.jobs
    }

    /// Polls a job when it is due, or a little earlier in a request that is made anyway. At most
    /// one request, and one more when a list does not show it.
    pub(super) async fn poll(&self, id: JobId, due: Instant) -> Result<Job, Error> {
        loop {
            // Without an answer the engine ended with the runtime it ran on; it starts again on
            // this one.
            let mut guard = self.enter(id, due);
            if let Ok(answer) = (&mut guard.answer).await {
                return answer;
            }
        }
    }

    /// Notes that somebody waits for a job, so that hints about it count.
    pub(super) fn watch(&self, id: JobId) -> WatchGuard {
        self.shared.queue().hints.watch(id);
        WatchGuard { shared: self.shared.clone(), id }
    }

    /// Makes the polls of a job due at once, unless hints about it told nothing a short time ago.
    pub(crate) fn hint(&self, id: JobId) {
        let mut queue = self.shared.queue();
        if let Some(due) = queue.hints.hint(id, Instant::now()) {
            queue.advance(id, due);
            drop(queue);
            self.shared.changed.notify_one();
        }
    }

    fn enter(&self, id: JobId, due: Instant) -> PollGuard {
        let now = Instant::now();
        let earliest = now + due.saturating_duration_since(now).mul_f64(EARLIEST);
        let (sender, answer) = oneshot::channel();
        let mut queue = self.shared.queue();
        queue.waiting += 1;
        queue.entered += 1;
        let number = queue.entered;
        let due = queue.hints.due(id).map_or(due, |hinted| hinted.min(due));
        let is_next = queue.next_due().is_none_or(|first| due < first);
        let batching = Batching::Allowed;
        queue.insert(due, PendingPoll { id, number, earliest, batching, answer: sender });
        let engine = std::mem::replace(&mut queue.engine, Engine::Running);
        drop(queue);
        if engine == Engine::Stopped {
            // The guard is made here: a task that is dropped before it ever ran must tell, too.
            let guard = RunGuard(Some(self.shared.clone()));
            tokio::spawn(self.clone().run(guard));
        } else if is_next {
            self.shared.changed.notify_one();
        }
        PollGuard { shared: self.shared.clone(), number, answer }
    }

    /// Runs the engine.
    async fn run(self, mut guard: RunGuard) {
        let mut requests = JoinSet::new();
        loop {
            let next_due = {
                let mut queue = self.shared.queue();
                if queue.waiting == 0 {
                    queue.engine = Engine::Stopped;
                    guard.0 = None;
                    return; // requests under way end with it
                }
                let now = Instant::now();
                while requests.len() < MAX_CONCURRENT
                    && let Some(request) = queue.next_request(now)
                {
                    requests.spawn(self.clone().make(request));
                }
                queue.next_due().filter(|_| requests.len() < MAX_CONCURRENT)
            };
            let next_due = next_due.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
            tokio::select! {
                () = self.shared.changed.notified() => {}
                Some(_) = requests.join_next() => {}
                () = sleep_until(next_due) => {}
            }
        }
    }

    /// Makes these polls, in one request if there are several, and gives each its answer.
    async fn make(self, mut polls: Vec<PendingPoll>) {
        if let [_] = polls.as_slice() {
            let only = polls.remove(0);
            let job = list_support::one(&self.jobs, only.id).await;
            return only.answer(job);
        }
        let result = list_support::several(&self.jobs, &mut polls).await;
        let mut queue = self.shared.queue();
        queue.list_support = queue.list_support.after(result);
        // Jobs that the list did not show are asked for alone, before they are called not found.
        for mut missing in polls {
            missing.batching = Batching::Alone;
            queue.insert(Instant::now(), missing);
        }
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        lock(&self.queue)
    }
}

impl Queue {
    fn insert(&mut self, due: Instant, poll: PendingPoll) {
        self.times.insert(poll.number, due);
        self.due.insert((due, poll.number), poll);
    }

    fn remove(&mut self, number: u64) -> Option<PendingPoll> {
        let due = self.times.remove(&number)?;
        self.due.remove(&(due, number))
    }

    fn next_due(&self) -> Option<Instant> {
        self.due.first_key_value().map(|((due, _), _)| *due)
    }

    /// Makes the polls of a job due at this time, if they are due later.
    fn advance(&mut self, id: JobId, due: Instant) {
        let later: Vec<_> = self
            .due
            .range((due, u64::MAX)..)
            .filter(|(_, poll)| poll.id == id)
            .map(|((_, number), _)| *number)
            .collect();
        for number in later {
            if let Some(poll) = self.remove(number) {
                self.insert(due, poll);
            }
        }
    }

    /// Takes the polls of the next request: one that is due, and those that come along.
    fn next_request(&mut self, now: Instant) -> Option<Vec<PendingPoll>> {
        let mut request = Vec::new();
        while request.is_empty() {
            let (_, number) = *self.due.first_key_value().map(|(place, _)| place)?;
            let first =
                self.next_due().filter(|due| *due <= now).and_then(|_| self.remove(number))?;
            // One that was put back after a list may have been given up meanwhile.
            request.extend(Some(first).filter(|first| !first.answer.is_closed()));
        }
        if self.list_support == ListSupport::Refused || request[0].batching == Batching::Alone {
            return Some(self.noted(request, now));
        }
        let comes_along =
            |poll: &PendingPoll| poll.earliest <= now && poll.batching == Batching::Allowed;
        let soonest = self.due.iter().take(4 * limits::IDS).filter(|(_, poll)| comes_along(poll));
        let numbers: Vec<_> =
            soonest.map(|((_, number), _)| *number).take(limits::IDS - 1).collect();
        request.extend(numbers.into_iter().filter_map(|number| self.remove(number)));
        Some(self.noted(request, now))
    }

    fn noted(&mut self, request: Vec<PendingPoll>, now: Instant) -> Vec<PendingPoll> {
        request.iter().for_each(|poll| self.hints.polled(poll.id, now));
        request
    }
}

impl Drop for PollGuard {
    fn drop(&mut self) {
        let mut queue = self.shared.queue();
        queue.remove(self.number);
        queue.waiting -= 1;
        if queue.waiting == 0 {
            self.shared.changed.notify_one();
        }
    }
}

/// Held by a wait, so that hints about its job count.
pub(super) struct WatchGuard {
    shared: Arc<Shared>,
    id: JobId,
}

impl WatchGuard {
    /// Notes the status that a poll of a job with a webhook URL showed.
    pub(super) fn seen(&self, seen: Seen) {
        self.shared.queue().hints.seen(self.id, seen);
    }

    pub(super) fn reliability(&self) -> HintReliability {
        self.shared.queue().hints.reliability()
    }
}

impl Drop for WatchGuard {
    fn drop(&mut self) {
        self.shared.queue().hints.unwatch(self.id);
    }
}

/// Held while the engine runs. When it is dropped with its runtime, waits must not hang.
struct RunGuard(Option<Arc<Shared>>);

impl Drop for RunGuard {
    fn drop(&mut self) {
        if let Some(shared) = &self.0 {
            let mut queue = shared.queue();
            queue.engine = Engine::Stopped;
            queue.due.clear();
            queue.times.clear();
        }
    }
}

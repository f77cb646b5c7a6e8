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

/// Most requests that the engine has under way at once. More than one, so that a slow request does
/// not delay the rest; bounded, to spare the service.
const MAX_CONCURRENT: usize = 8;
/// Part of a job's delay after which its poll may join a request that is made anyway.
const EARLIEST: f64 = 0.5;

/// List requests in a row that may fail before a job is requested alone.
const MAX_LIST_FAILURES: u32 = 6;
/// Lists in a row that may fail, while jobs alone are read, before no list is asked for any more.
const MAX_USELESS_LISTS: u32 = 12;

/// Handle of the engine. Cheap to clone; clones share it.
#[derive(Clone)]
pub(crate) struct PollBatcher {
    jobs: JobReader,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Notified when an earlier poll is due, or nobody waits any more.
    changed: Notify,
}

/// Polls to be made.
#[derive(Debug, Default)]
struct Queue {
    /// Polls by the time at which they are due; the number tells those of the same moment apart.
    due: BTreeMap<(Instant, u64), PendingPoll>,
    /// Times of the polls in `due`, by their numbers.
    times: HashMap<u64, Instant>,
    entered: u64,
    hints: Hints,
    /// Number of waits that have not got their answer yet.
    waiting: usize,
    engine: Engine,
    list_support: ListSupport,
    /// Number of list requests in a row that failed.
    list_failures: u32,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Engine {
    #[default]
    Stopped,
    Running,
}

/// A poll that was entered. Dropping this removes it.
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
            // The sender was dropped because the engine's runtime shut down. Enter the poll again,
            // which restarts the engine on this runtime.
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

    /// Makes the polls of a job due at once, unless a recent hint about it showed nothing new.
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
            // Created before the spawn, so that a task dropped before its first poll still resets
            // the engine.
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
                    return; // requests under way are cancelled
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
        match list_support::several(&self.jobs, &mut polls).await {
            Ok(result) => {
                let mut queue = self.shared.queue();
                queue.list_support = queue.list_support.after(result);
                queue.list_failures = 0;
            }
            Err(error) => self.list_failed(&mut polls, error).await,
        }
        let mut queue = self.shared.queue();
        // A job that the list lacks is requested alone before it counts as not found.
        for mut missing in polls {
            missing.batching = Batching::Alone;
            queue.insert(Instant::now(), missing);
        }
    }
}

impl PollBatcher {
    /// Answers the polls of a list request that failed. After some failures in a row, a job is
    /// requested alone, to see whether the list fails or the whole service.
    async fn list_failed(&self, polls: &mut Vec<PendingPoll>, error: Error) {
        let failures = {
            let mut queue = self.shared.queue();
            queue.list_failures += 1;
            queue.list_failures
        };
        if failures >= MAX_LIST_FAILURES
            && let Some(probe) = polls.pop()
        {
            let answer = list_support::one(&self.jobs, probe.id).await;
            let list_is_useless = answer.is_ok();
            probe.answer(answer);
            if list_is_useless {
                if failures >= MAX_USELESS_LISTS {
                    self.shared.queue().list_support = ListSupport::Refused;
                }
                return; // the others are asked for alone
            }
        }
        polls.drain(..).for_each(|poll| poll.answer(Err(error.clone())));
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

    /// Takes the polls of the next request: one that is due, and others that may join it.
    fn next_request(&mut self, now: Instant) -> Option<Vec<PendingPoll>> {
        let mut request = Vec::new();
        while request.is_empty() {
            let (_, number) = *self.due.first_key_value().map(|(place, _)| place)?;
            let first =
                self.next_due().filter(|due| *due <= now).and_then(|_| self.remove(number))?;
            // Its wait may have ended since the poll was put back after a list.
            request.extend(Some(first).filter(|first| !first.answer.is_closed()));
        }
        if self.list_support == ListSupport::Refused || request[0].batching == Batching::Alone {
            return Some(self.noted(request, now));
        }
        let may_join =
            |poll: &PendingPoll| poll.earliest <= now && poll.batching == Batching::Allowed;
        let soonest = self.due.iter().take(4 * limits::IDS).filter(|(_, poll)| may_join(poll));
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

/// Held while the engine runs. When it is dropped with its runtime, it drops all polls, so that
/// their waits do not hang.
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

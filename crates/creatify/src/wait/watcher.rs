//! Who asks for the jobs that are due? One engine for all waits of a client and its clones: jobs that are due at about the same time share
//! a request. It runs only while somebody waits.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use creatify_api::limits;
use tokio::{
    sync::{Notify, oneshot},
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::listing::{self, Listing};
use crate::{
    client::Client,
    error::Error,
    job::{Job, JobId},
};

/// Requests that the engine has under way at once. A slow one must not keep the others waiting; a flood of them would not help.
const AT_ONCE: usize = 8;
/// A job may be looked at before it is due, in a request that is made anyway, once this part of its pause has passed.
const EARLIEST: f64 = 0.5;

#[derive(Debug, Default, Clone)]
pub(crate) struct Watcher(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    desk: Mutex<Desk>,
    /// Something earlier is due, or nobody waits any more.
    changed: Notify,
}

/// What is asked for.
#[derive(Debug, Default)]
struct Desk {
    /// By when it is due; the number keeps those of the same moment apart.
    due: BTreeMap<(Instant, u64), Wanted>,
    entered: u64,
    /// Waits that have not got their answer yet.
    waiting: usize,
    working: bool,
    listing: Listing,
}

#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) id: JobId,
    earliest: Instant,
    together: Together,
    answer: oneshot::Sender<Result<Job, Error>>,
}

/// Whether a job may be asked for with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Together {
    Yes,
    /// It was missing from a list: only asking for it alone tells.
    No,
}

impl Wanted {
    pub(super) fn answer(self, answer: Result<Job, Error>) {
        // Nobody waits for it any more, if this fails.
        drop(self.answer.send(answer));
    }
}

/// A look that was asked for. Dropped, it is taken back.
struct Ticket {
    watcher: Watcher,
    place: (Instant, u64),
    answer: oneshot::Receiver<Result<Job, Error>>,
}

impl Client {
    /// Looks at a job when it is due, or a little earlier in a request that is made anyway. Free; at most one request, and one more when a
    /// list does not show it.
    pub(super) async fn look(&self, id: JobId, due: Instant) -> Result<Job, Error> {
        loop {
            // Without an answer the engine ended with the runtime it ran on; it starts again on this one.
            let mut ticket = self.watcher().enter(self, id, due);
            if let Ok(answer) = (&mut ticket.answer).await {
                return answer;
            }
        }
    }
}

impl Watcher {
    fn enter(&self, client: &Client, id: JobId, due: Instant) -> Ticket {
        let now = Instant::now();
        let earliest = now + due.saturating_duration_since(now).mul_f64(EARLIEST);
        let (answer, ticket) = oneshot::channel();
        let mut desk = self.desk();
        desk.waiting += 1;
        let place = desk.place(due);
        let is_next = desk.due.first_key_value().is_none_or(|(first, _)| place < *first);
        desk.due.insert(place, Wanted { id, earliest, together: Together::Yes, answer });
        let starts = !std::mem::replace(&mut desk.working, true);
        drop(desk);
        if starts {
            // Made here: a task that is dropped before it ever ran must tell, too.
            tokio::spawn(work(client.clone(), Working(Some(self.clone()))));
        } else if is_next {
            self.0.changed.notify_one();
        }
        Ticket { watcher: self.clone(), place, answer: ticket }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.desk.lock().unwrap_or_else(PoisonError::into_inner) // its changes are whole or not made
    }

    /// Asks for these, in one request if there are several, and gives each its answer.
    async fn ask(self, client: Client, mut wanted: Vec<Wanted>) {
        if let [_] = wanted.as_slice() {
            let only = wanted.remove(0);
            let job = listing::one(&client, only.id).await;
            return only.answer(job);
        }
        let listed = listing::several(&client, &mut wanted).await;
        let mut desk = self.desk();
        desk.listing = desk.listing.after(listed);
        // What the list did not show is asked for alone, before it is called not found.
        for mut missing in wanted {
            missing.together = Together::No;
            let place = desk.place(Instant::now());
            desk.due.insert(place, missing);
        }
    }
}

impl Desk {
    fn place(&mut self, due: Instant) -> (Instant, u64) {
        self.entered += 1;
        (due, self.entered)
    }

    /// What to ask for now: what is due, and what comes along.
    fn next_request(&mut self, now: Instant) -> Option<Vec<Wanted>> {
        let mut request = Vec::new();
        while request.is_empty() {
            let first = self.due.first_entry().filter(|first| first.key().0 <= now)?.remove();
            // One that was put back after a list may have been given up meanwhile.
            request.extend(Some(first).filter(|first| !first.answer.is_closed()));
        }
        if self.listing == Listing::Refused || request[0].together == Together::No {
            return Some(request);
        }
        let comes_along =
            |wanted: &Wanted| wanted.earliest <= now && wanted.together == Together::Yes;
        let soonest =
            self.due.iter().take(4 * limits::IDS).filter(|(_, wanted)| comes_along(wanted));
        let places: Vec<_> = soonest.map(|(place, _)| *place).take(limits::IDS - 1).collect();
        request.extend(places.iter().filter_map(|place| self.due.remove(place)));
        Some(request)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut desk = self.watcher.desk();
        desk.due.remove(&self.place);
        desk.waiting -= 1;
        if desk.waiting == 0 {
            self.watcher.0.changed.notify_one();
        }
    }
}

/// The engine.
async fn work(client: Client, mut working: Working) {
    let Some(watcher) = working.0.clone() else { return };
    let mut asking = JoinSet::new();
    loop {
        let next_due = {
            let mut desk = watcher.desk();
            if desk.waiting == 0 {
                desk.working = false;
                working.0 = None;
                return; // requests under way end with it
            }
            let now = Instant::now();
            while asking.len() < AT_ONCE
                && let Some(request) = desk.next_request(now)
            {
                asking.spawn(watcher.clone().ask(client.clone(), request));
            }
            desk.due.first_key_value().map(|((due, _), _)| *due).filter(|_| asking.len() < AT_ONCE)
        };
        tokio::select! {
            () = watcher.0.changed.notified() => {}
            Some(_) = asking.join_next() => {}
            () = sleep_until(next_due.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600))) => {}
        }
    }
}

/// Held while the engine runs. When it is dropped with its runtime, those who wait must not wait for ever.
struct Working(Option<Watcher>);

impl Drop for Working {
    fn drop(&mut self) {
        if let Some(watcher) = &self.0 {
            let mut desk = watcher.desk();
            desk.working = false;
            desk.due.clear();
        }
    }
}

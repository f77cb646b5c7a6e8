//! Shared parts of all requests: the locked state, the clock, the request log and the URLs.

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::AtomicUsize},
    time::Duration,
};

use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

use crate::{
    clock::Clock,
    faults::FaultSchedule,
    job::Job,
    requests::Requests,
    serve::ListenerGate,
    state::{Event, ServiceState},
};

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) clock: Clock,
    pub(crate) api_url: String,
    pub(crate) media_url: String,
    pub(crate) requests: Requests,
    pub(crate) faults: FaultSchedule,
    pub(crate) api_gate: ListenerGate,
    pub(crate) media_gate: ListenerGate,
    /// The number of requests that reached the media host with credentials.
    pub(crate) leaked_credentials: AtomicUsize,
    pub(crate) webhooks: mpsc::Sender<Event>,
    /// Wakes [`Service::apply_due_changes`].
    pub(crate) schedule_changed: Notify,
    pub(crate) state: Mutex<ServiceState>,
}

impl Service {
    /// Reads or changes the state, after applying all changes that are due.
    pub(crate) fn with_state<T>(&self, f: impl FnOnce(&mut ServiceState, Duration) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        for event in state.advance(now).into_iter().filter(|event| event.webhook_url.is_some()) {
            if let Err(error) = self.webhooks.try_send(event) {
                tracing::warn!(%error, "webhook dropped");
            }
        }
        let due = state.next_change();
        let result = f(&mut state, now);
        if state.next_change() != due {
            self.schedule_changed.notify_one();
        }
        result
    }

    /// Applies changes when they are due, also without requests. Never returns.
    pub(crate) async fn apply_due_changes(self: Arc<Self>) {
        loop {
            match self.with_state(|state, _| state.next_change()) {
                None => self.schedule_changed.notified().await,
                Some(due) => tokio::select! {
                    () = self.clock.sleep_until(due) => {}
                    () = self.schedule_changed.notified() => {}
                },
            }
        }
    }

    /// Returns the URL of a job's video.
    pub(crate) fn video_url(&self, job: Uuid) -> String {
        format!("{}/outputs/{job}.mp4", self.media_url)
    }

    /// Returns the URL of a job's preview.
    pub(crate) fn preview_url(&self, job: &Job) -> String {
        let date = self.clock.date(job.first.timeline.accepted).format("%Y%m%d");
        format!("{}/preview?layout=videos/{date}/{}.json", self.media_url, job.id)
    }
}

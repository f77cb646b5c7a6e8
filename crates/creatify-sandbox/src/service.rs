//! Shared parts of all requests: the locked state, the clock, the request log and the URLs.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::Uri;
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

/// The query parameter of a link to a video that replaces an expired one.
const LINK_VERSION: &str = "link";

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
    /// The current version of links to videos; links of older versions have expired.
    pub(crate) link_version: AtomicU64,
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
        let url = format!("{}/outputs/{job}.mp4", self.media_url);
        match self.link_version.load(Ordering::Relaxed) {
            0 => url,
            version => format!("{url}?{LINK_VERSION}={version}"),
        }
    }

    /// Returns true when a link to a video has expired.
    pub(crate) fn is_expired(&self, link: &Uri) -> bool {
        link_version(link) < self.link_version.load(Ordering::Relaxed)
    }

    /// Makes this link and all older ones expire.
    pub(crate) fn expire_link(&self, link: &Uri) {
        self.link_version.fetch_max(link_version(link).saturating_add(1), Ordering::Relaxed);
    }

    /// Returns the URL of a job's preview.
    pub(crate) fn preview_url(&self, job: &Job) -> String {
        let date = self.clock.date(job.first.timeline.accepted).format("%Y%m%d");
        format!("{}/preview?layout=videos/{date}/{}.json", self.media_url, job.id)
    }
}

/// Returns the version of a link; the first links have none.
fn link_version(link: &Uri) -> u64 {
    let mut query = url::form_urlencoded::parse(link.query().unwrap_or_default().as_bytes());
    let version = query.find(|(name, _)| name == LINK_VERSION);
    version.and_then(|(_, version)| version.parse().ok()).unwrap_or_default()
}

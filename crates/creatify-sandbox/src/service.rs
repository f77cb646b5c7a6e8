//! What do all requests share? The world behind its lock, the clock, the log, and where things are.

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::AtomicUsize},
    time::Duration,
};

use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

use crate::{
    clock::Clock,
    faults::Plan,
    job::Job,
    requests::Requests,
    serve::Door,
    world::{Event, World},
};

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) clock: Clock,
    pub(crate) api_url: String,
    pub(crate) media_url: String,
    pub(crate) requests: Requests,
    pub(crate) faults: Plan,
    pub(crate) api_door: Door,
    pub(crate) media_door: Door,
    /// Requests that reached the media host with credentials.
    pub(crate) leaked: AtomicUsize,
    pub(crate) webhooks: mpsc::Sender<Event>,
    /// Wakes [`Service::keep_time`].
    pub(crate) planned: Notify,
    pub(crate) world: Mutex<World>,
}

impl Service {
    /// Looks at the world, or changes it, after everything that is due has happened in it.
    pub(crate) fn with_world<T>(&self, f: impl FnOnce(&mut World, Duration) -> T) -> T {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        for event in world.advance(now).into_iter().filter(|event| event.webhook_url.is_some()) {
            if let Err(error) = self.webhooks.try_send(event) {
                tracing::warn!(%error, "webhook not sent");
            }
        }
        let due = world.next_change();
        let result = f(&mut world, now);
        if world.next_change() != due {
            self.planned.notify_one();
        }
        result
    }

    /// Makes changes happen when they are due, even when nobody asks. Never returns.
    pub(crate) async fn keep_time(self: Arc<Self>) {
        loop {
            match self.with_world(|world, _| world.next_change()) {
                None => self.planned.notified().await,
                Some(due) => tokio::select! {
                    () = self.clock.sleep_until(due) => {}
                    () = self.planned.notified() => {}
                },
            }
        }
    }

    /// Where the video of a job is, or will be.
    pub(crate) fn video_url(&self, job: Uuid) -> String {
        format!("{}/outputs/{job}.mp4", self.media_url)
    }

    /// Where the preview of a job is, or will be.
    pub(crate) fn preview_url(&self, job: &Job) -> String {
        let date = self.clock.date(job.first.plan.accepted).format("%Y%m%d");
        format!("{}/preview?layout=videos/{date}/{}.json", self.media_url, job.id)
    }
}

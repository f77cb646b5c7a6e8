//! Waiting for a job: by its goal, until a deadline, losing nothing when it is dropped.

mod batcher;
mod event;
mod forecast;
mod hints;
mod history;
mod list_support;
mod pending;
mod policy;
mod poller;
pub(crate) mod run_times;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;

pub(crate) use batcher::PollBatcher;
pub use event::WaitEvent;
pub use forecast::{CompletionForecast, Eta};
pub use hints::HintReliability;
pub use history::{History, RunTimeStats};
pub use policy::{Adaptive, ExponentialBackoff, FixedInterval, PollPolicy, PollState};
use poller::{Poller, WaitOptions};

use crate::{
    error::Error,
    job::{Job, JobHandle},
};

/// Time-out of a wait unless the caller sets another.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// A wait for a job, to be awaited or consumed as a stream of [`events`](Self::events).
///
/// Its requests are free. All waits of a client and its clones share them: up to a hundred jobs
/// that are due at about the same time are asked for at once, if the service lists them.
///
/// Dropping it at any point loses nothing: the job goes on, and its handle can be waited for again.
/// While it is not polled, it makes no requests.
///
/// # Errors
///
/// Each has the handle in [`Error::job`]: [`JobFailed`](crate::ErrorKind::JobFailed),
/// [`JobRejected`](crate::ErrorKind::JobRejected), [`NoOutput`](crate::ErrorKind::NoOutput),
/// [`TimedOut`](crate::ErrorKind::TimedOut) (the job goes on), and
/// [`StatusRefused`](crate::ErrorKind::StatusRefused) when the service refuses to tell the status
/// (the job goes on). Other failures to read the status are events, not errors.
#[must_use = "a wait does nothing unless it is awaited or its events are consumed"]
pub struct Wait {
    options: Option<WaitOptions>,
    running: Option<Running>,
    handle: JobHandle,
}

type Running = Pin<Box<dyn Future<Output = Result<Job, Error>> + Send>>;

impl Wait {
    pub(crate) fn new(
        batcher: PollBatcher,
        handle: JobHandle,
        policy: Arc<dyn PollPolicy>,
    ) -> Self {
        let options = WaitOptions {
            batcher,
            handle,
            timeout: DEFAULT_TIMEOUT,
            policy,
            run_times: None,
            known: None,
        };
        Self { options: Some(options), running: None, handle }
    }

    /// Starts from a job that was read already, which saves the first request.
    pub(crate) fn starting_from(self, job: Job) -> Self {
        self.with(|options| options.known = Some(job))
    }

    /// Bounds the whole wait: requests, retries and pauses. The last poll is made just before it
    /// passes. 20 minutes unless set.
    #[doc(alias = "deadline")]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|options| options.timeout = timeout)
    }

    /// Polls by another policy than the client's.
    #[doc(alias = "backoff")]
    pub fn poll_policy(self, policy: impl PollPolicy + 'static) -> Self {
        self.with(|options| options.policy = Arc::new(policy))
    }

    /// Sets how long jobs like this one ran, for better polls and [`Eta`]s. Unless set, the client
    /// expects what it learned from its own waits for jobs of the same template, operation and
    /// model.
    pub fn expected_run_times(self, run_times: RunTimeStats) -> Self {
        self.with(|options| options.run_times = Some(run_times))
    }

    /// Returns the events as they come. The stream ends after [`WaitEvent::Completed`] or the first
    /// error.
    ///
    /// ```no_run
    /// # use creatify::{Client, JobHandle};
    /// # async fn example(client: Client, handle: JobHandle) -> creatify::Result<()> {
    /// use creatify::wait::WaitEvent;
    /// use futures_util::StreamExt;
    ///
    /// let mut events = std::pin::pin!(client.wait(handle).events());
    /// while let Some(event) = events.next().await {
    ///     if let WaitEvent::Progress { job, .. } = event? {
    ///         println!("{}", job.status());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn events(self) -> impl Stream<Item = Result<WaitEvent, Error>> + Send + 'static {
        let options = self.options;
        async_stream::stream! {
            if let Some(options) = options {
                let mut poller = Poller::new(options);
                while let Some(event) = poller.next().await {
                    yield event;
                }
            }
        }
    }

    fn with(mut self, change: impl FnOnce(&mut WaitOptions)) -> Self {
        if let Some(options) = &mut self.options {
            change(options);
        }
        self
    }
}

impl Future for Wait {
    type Output = Result<Job, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(options) = this.options.take() {
            this.running = Some(Box::pin(run(options)));
        }
        match &mut this.running {
            Some(running) => running.as_mut().poll(context),
            // Options or a running future: one of the two is always there.
            None => Poll::Ready(Err(Error::invalid("the wait is over").of_job(this.handle))),
        }
    }
}

async fn run(options: WaitOptions) -> Result<Job, Error> {
    let handle = options.handle;
    let mut poller = Poller::new(options);
    loop {
        match poller.next().await {
            Some(Ok(WaitEvent::Completed(job))) => return Ok(job),
            Some(Err(error)) => return Err(error),
            Some(Ok(_)) => {}
            None => return Err(Error::invalid("the wait is over").of_job(handle)),
        }
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("handle", &self.handle).finish_non_exhaustive()
    }
}

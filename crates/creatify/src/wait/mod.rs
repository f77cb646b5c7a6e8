//! Waiting for a job: by its goal, until a deadline, losing nothing when it is dropped.

mod earlier;
mod history;
mod listing;
mod outlook;
mod schedule;
mod watch;
mod watcher;

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use futures_core::Stream;

pub(crate) use earlier::{Earlier, Likeness};
pub use history::{Durations, History};
pub use outlook::{Eta, Outlook};
pub use schedule::{Adaptive, Exponential, Fixed, Schedule};
pub(crate) use watcher::Watcher;

use crate::{
    client::Client,
    error::Error,
    job::{Job, JobHandle},
};
use watch::Watch;

/// How long a job is waited for unless the caller says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// A wait for a job, to be awaited or consumed as a stream of updates. Its looks are free. All waits of a client and its clones share
/// requests: up to a hundred jobs that are due at about the same time are asked for at once, if the service lists them.
///
/// Dropping it at any point loses nothing: the job goes on, and its handle can be waited for again. While it is not polled, nothing is
/// asked for.
#[derive(Debug, Clone)]
#[must_use = "a wait does nothing unless it is awaited or its updates are consumed"]
pub struct Wait {
    client: Client,
    handle: JobHandle,
    timeout: Duration,
    schedule: Arc<dyn Schedule>,
    earlier: Option<Durations>,
    known: Option<Job>,
    origin: Origin,
}

/// Who submitted the job.
#[derive(Debug, Clone, PartialEq)]
enum Origin {
    /// Anybody, any time ago.
    Elsewhere,
    /// This client, just now.
    Here(Option<Likeness>),
}

/// What a wait has to tell.
#[derive(Debug)]
#[non_exhaustive]
pub enum Update {
    /// The job's status or progress changed.
    #[non_exhaustive]
    Changed {
        /// The job.
        job: Job,
        /// When it will probably end, while it runs and something tells.
        eta: Option<Eta>,
    },
    /// A look at the job failed. The job goes on, and so does the wait.
    LookFailed(Error),
    /// The goal is reached. This is the last update.
    Reached(Job),
}

impl JobHandle {
    /// Waits for the job's goal: for at most 20 minutes, unless [`Wait::timeout`] says otherwise.
    ///
    /// # Errors
    ///
    /// Each has the handle in [`Error::job`]: [`JobFailed`](crate::ErrorKind::JobFailed), [`JobRejected`](crate::ErrorKind::JobRejected),
    /// [`NoOutput`](crate::ErrorKind::NoOutput), [`TimedOut`](crate::ErrorKind::TimedOut) (the job goes on), and
    /// [`Credentials`](crate::ErrorKind::Credentials) or [`Refused`](crate::ErrorKind::Refused) when looking at it is refused. Other failures to look
    /// are updates, not errors.
    ///
    /// ```no_run
    /// # async fn example(client: creatify::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// let handle: creatify::JobHandle = "video:7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11".parse()?;
    /// let job = handle.wait(&client).timeout(Duration::from_secs(600)).await?;
    /// println!("{:?}", job.video_output());
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&self, client: &Client) -> Wait {
        Wait::new(client.clone(), *self)
    }
}

impl Wait {
    pub(crate) fn new(client: Client, handle: JobHandle) -> Self {
        let schedule = client.schedule().clone();
        Self {
            client,
            handle,
            timeout: DEFAULT_TIMEOUT,
            schedule,
            earlier: None,
            known: None,
            origin: Origin::Elsewhere,
        }
    }

    /// Starts from the answer to a submission.
    pub(crate) fn submitted_here(mut self, answer: Job, likeness: Option<Likeness>) -> Self {
        self.known = Some(answer);
        self.origin = Origin::Here(likeness);
        self
    }

    /// Bounds the whole wait: requests, retries and pauses. The last look is taken just before it passes.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Looks at the job by another policy than the client's.
    pub fn schedule(mut self, schedule: impl Schedule + 'static) -> Self {
        self.schedule = Arc::new(schedule);
        self
    }

    /// Says how long jobs like this one ran, for better looks and [`Eta`]s. Unless said, the client expects what it learned from its own
    /// waits for jobs of the same template, operation and model.
    pub fn earlier(mut self, durations: Durations) -> Self {
        self.earlier = Some(durations);
        self
    }

    /// The updates as they come. The stream ends after [`Update::Reached`] or the first error.
    pub fn updates(self) -> impl Stream<Item = Result<Update, Error>> + Send + 'static {
        async_stream::stream! {
            let mut watch = Watch::new(self);
            while let Some(update) = watch.next().await {
                yield update;
            }
        }
    }
}

impl IntoFuture for Wait {
    type Output = Result<Job, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut watch = Watch::new(self);
            loop {
                match watch.next().await {
                    Some(Ok(Update::Reached(job))) => return Ok(job),
                    Some(Err(error)) => return Err(error),
                    Some(Ok(_)) => {}
                    None => return Err(Error::invalid("a wait was polled after its end")), // it ends with one of the above
                }
            }
        })
    }
}

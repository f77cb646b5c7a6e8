//! Downloads of videos and preview pages to disk, without credentials: streamed, resumed, bounded,
//! checked, and renamed at the end.

mod answer;
mod content;
mod destination;
mod failure;
mod mp4;
mod part;
mod retries;
mod speed;
mod transfer;

use std::{
    future::{Future, IntoFuture},
    path::{Path, PathBuf},
    pin::Pin,
    time::Duration,
};

use serde::{Serialize, Serializer};
use tokio::time::Instant;
use url::Url;

use crate::{
    error::{Error, ErrorKind},
    http::transport,
    job::{Goal, Job, JobHandle},
};
use destination::Existing;
use failure::Failure;
use part::Part;
use retries::Retries;
use speed::MinSpeed;
pub(crate) use transfer::DownloadClient;
use transfer::{Limits, ProgressHook, Transfer};

/// Larger files are refused unless [`Download::max_bytes`] says otherwise.
const MAX_BYTES: u64 = 4 * 1024 * 1024 * 1024;
const TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// As good as none, and no clock overflows.
const MAX_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 3600);

/// A file to be downloaded. Awaiting it does so.
///
/// ```no_run
/// # use creatify::{Client, Error, Job};
/// # async fn example(client: Client, job: Job) -> Result<(), Error> {
/// use std::time::Duration;
///
/// let file = client
///     .download(&job, creatify::Goal::Video, "video.mp4")
///     .overwrite()
///     .timeout(Duration::from_secs(600))
///     .on_progress(|bytes, total| println!("{bytes} of {total:?} bytes"))
///     .await?;
/// # drop(file);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is downloaded before it is awaited"]
pub struct Download<'c> {
    client: &'c DownloadClient,
    handle: JobHandle,
    link: Option<String>,
    destination: PathBuf,
    existing: Existing,
    limits: Limits,
    on_progress: Option<ProgressHook>,
}

/// A file that was downloaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Downloaded {
    /// Path of the file. Serialized as text, with replacement characters if it is not UTF-8.
    #[serde(serialize_with = "as_text")]
    pub path: PathBuf,
    /// Length of the file.
    pub bytes: u64,
}

impl<'c> Download<'c> {
    pub(crate) fn new(
        client: &'c DownloadClient,
        job: &Job,
        output: Goal,
        destination: PathBuf,
    ) -> Self {
        Self {
            client,
            handle: JobHandle { id: job.id(), goal: output },
            link: job.output(output).map(str::to_owned),
            destination,
            existing: Existing::Keep,
            limits: Limits {
                max_bytes: MAX_BYTES,
                timeout: TIMEOUT,
                min_speed: MinSpeed::default(),
            },
            on_progress: None,
        }
    }

    /// Replaces a file that is there already, and a `NAME.part` that no download has left. Without
    /// this, they are kept and the download fails before it sends anything. Devices, pipes and
    /// directories are never replaced.
    #[doc(alias = "force")]
    pub fn overwrite(mut self) -> Self {
        self.existing = Existing::Overwrite;
        self
    }

    /// Refuses files larger than this; 4 GiB by default.
    pub fn max_bytes(mut self, max_bytes: u64) -> Self {
        self.limits.max_bytes = max_bytes;
        self
    }

    /// Sets the time for the whole download with all its attempts; 1 hour by default. What has
    /// arrived when it passes is kept for a later download, if the storage can resume it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.limits.timeout = timeout.min(MAX_TIMEOUT);
        self
    }

    /// Sets the lowest speed, as a mean over a window; 1024 bytes a second over 60 s by default.
    /// Below it the connection is given up and another one is tried, a few times. A speed of 0
    /// permits everything.
    pub fn min_speed(mut self, bytes_per_second: u64, window: Duration) -> Self {
        let window = window.clamp(Duration::from_secs(1), MAX_TIMEOUT);
        self.limits.min_speed = MinSpeed { bytes_per_second, window };
        self
    }

    /// Calls a function with the bytes that are there and the length of the whole file, if it is
    /// known: when an answer begins and after each piece of it. The bytes can become fewer when the
    /// download has to start over.
    #[doc(alias = "progress bar")]
    pub fn on_progress(mut self, hook: impl FnMut(u64, Option<u64>) + Send + 'static) -> Self {
        self.on_progress = Some(Box::new(hook));
        self
    }

    async fn run(self) -> Result<Downloaded, Error> {
        let handle = self.handle;
        let Some(link) = &self.link else {
            let message = format!("the job has no {} yet", handle.goal);
            return Err(Error::new(ErrorKind::NoOutput, message).of_job(handle));
        };
        let fetched = match self.check_link(link) {
            Ok(link) => self.fetch(link).await,
            Err(failure) => Err(failure),
        };
        fetched.map_err(|failure| failure.into_error(handle))
    }

    fn check_link(&self, link: &str) -> Result<Url, Failure> {
        let link = Url::parse(link)
            .map_err(|error| Failure::new(format!("its link is not a URL ({error})")))?;
        transport::check_link(&self.client.api, &link).map_err(Failure::new)?;
        Ok(link)
    }

    async fn fetch(self, link: Url) -> Result<Downloaded, Failure> {
        let Self { client, handle, existing, limits, .. } = self;
        let path = destination::file(&self.destination, handle, &link);
        destination::check(&path, existing)?;
        let deadline = Instant::now() + limits.timeout;
        let mut transfer = Transfer {
            client,
            handle,
            part: Part::open(&path, &link, existing).await?,
            link,
            limits,
            deadline,
            retries: Retries::new(),
            on_progress: self.on_progress,
        };
        let result = tokio::time::timeout_at(deadline, transfer.run()).await;
        let part = &mut transfer.part;
        match result {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => return Err(failure),
            Err(_) => {
                part.flush().await?;
                let (arrived, seconds) = (part.length(), limits.timeout.as_secs_f64());
                let reason = format!("the time-out of {seconds} s passed with {arrived} bytes");
                return Err(Failure::new(reason));
            }
        }
        part.finish(&path, existing).await?;
        Ok(Downloaded { path, bytes: part.length() })
    }
}

impl<'c> IntoFuture for Download<'c> {
    type Output = Result<Downloaded, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'c>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Writes a path as text: paths are not always UTF-8, and texts of JSON are.
fn as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

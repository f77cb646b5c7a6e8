//! Downloads of videos to disk: streamed, resumed after a cut, bounded, checked, and renamed at the
//! end. Without credentials.

mod part;

use std::{
    future::{Future, IntoFuture},
    path::{Path, PathBuf},
    pin::Pin,
    time::Duration,
};

use backon::{BackoffBuilder, ExponentialBuilder};
use http::{
    StatusCode,
    header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, RANGE},
};
use serde::Serialize;
use url::Url;

use crate::{
    error::{BoxError, Error, ErrorKind},
    http::transport,
    job::{Goal, Job, JobHandle},
    jobs::JobReader,
};
use part::Part;

/// Larger files are refused unless [`Download::max_bytes`] says otherwise.
const MAX_BYTES: u64 = 4 * 1024 * 1024 * 1024;
const RETRIES: usize = 4;

/// A file to be fetched. Awaiting it does so.
#[must_use = "nothing is fetched before it is awaited"]
pub struct Download<'c> {
    client: &'c DownloadClient,
    handle: JobHandle,
    url: Option<String>,
    destination: PathBuf,
    max_bytes: u64,
}

/// A file that was fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Downloaded {
    /// Where it is.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
}

/// The client of downloads: HTTP without credentials, and the reader of jobs.
pub(crate) struct DownloadClient {
    http: reqwest::Client,
    jobs: JobReader,
    /// Whether the API itself is on this machine, so that videos may be, too.
    api: Url,
}

impl DownloadClient {
    pub(crate) fn new(jobs: JobReader, api: &Url) -> Result<Self, Error> {
        Ok(Self { http: transport::downloads()?, jobs, api: api.clone() })
    }
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
            url: job.output(output).map(str::to_owned),
            destination,
            max_bytes: MAX_BYTES,
        }
    }
}

impl<'c> IntoFuture for Download<'c> {
    type Output = Result<Downloaded, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'c>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Why an attempt ended.
enum Broken {
    /// Another attempt may succeed.
    Passing(BoxError),
    /// None will.
    Final(BoxError),
}

impl Download<'_> {
    /// Refuses files larger than this; 4 GiB by default.
    pub fn max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    async fn run(self) -> Result<Downloaded, Error> {
        let handle = self.handle;
        let failed = |source: BoxError| {
            Error::new(
                ErrorKind::Download,
                format!("the {} could not be downloaded: {source}", handle.goal),
            )
            .of_job(handle)
        };
        let Some(url) = &self.url else {
            return Err(Error::new(
                ErrorKind::NoOutput,
                format!("the job has no {} yet", handle.goal),
            )
            .of_job(handle));
        };
        let url = Url::parse(url).map_err(|error| failed(error.into()))?;
        transport::check_scheme(&url).map_err(|reason| failed(reason.into()))?;
        let path = self.path(&url);
        let mut part = Part::open(&path, &url).await.map_err(|error| failed(error.into()))?;

        let mut pauses = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(500))
            .with_max_times(RETRIES)
            .with_jitter()
            .build();
        loop {
            let before = part.length();
            let broken = match self.attempt(&url, &mut part).await {
                Ok(()) => break,
                Err(broken) => broken,
            };
            let source = match (broken, pauses.next()) {
                (Broken::Passing(source), Some(pause)) => {
                    tracing::info!(%source, bytes = part.length(), "the download broke off and goes on");
                    tokio::time::sleep(pause).await;
                    // What brings the file forward may go on as long as it does.
                    if part.length() > before {
                        pauses = ExponentialBuilder::new()
                            .with_min_delay(pause)
                            .with_max_times(RETRIES)
                            .with_jitter()
                            .build();
                    }
                    continue;
                }
                (Broken::Passing(source) | Broken::Final(source), _) => source,
            };
            part.abandon().await;
            return Err(failed(source));
        }
        if let Err(error) = part.finish(&path).await {
            part.abandon().await;
            return Err(failed(error.into()));
        }
        Ok(Downloaded { path, bytes: part.length() })
    }

    /// One request: from the beginning, or from where the part ends.
    async fn attempt(&self, url: &Url, part: &mut Part) -> Result<(), Broken> {
        let mut request = self.client.http.get(url.clone());
        if let Some((from, etag)) = part.resumable() {
            request = request.header(RANGE, format!("bytes={from}-")).header(IF_RANGE, etag);
        }
        let mut response =
            request.send().await.map_err(|error| Broken::Passing(error.without_url().into()))?;
        let status = response.status();
        match status {
            StatusCode::PARTIAL_CONTENT if Extent::of(&response).continues(part) => {}
            StatusCode::OK => {
                let etag = header(&response, ETAG)
                    .filter(|etag| !etag.starts_with("W/"))
                    .map(str::to_owned);
                part.restart(etag).await.map_err(|error| Broken::Final(error.into()))?;
            }
            // The part is whole, or is of another file. Begin again to know.
            StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PARTIAL_CONTENT => {
                part.restart(None).await.map_err(|error| Broken::Final(error.into()))?;
                return Err(Broken::Passing("the server does not resume this download".into()));
            }
            status
                if status.is_server_error()
                    || status == StatusCode::TOO_MANY_REQUESTS
                    || status == StatusCode::REQUEST_TIMEOUT =>
            {
                return Err(Broken::Passing(format!("the server answered {status}").into()));
            }
            status => return Err(Broken::Final(format!("the server answered {status}").into())),
        }
        let content_type = header(&response, CONTENT_TYPE).unwrap_or_default();
        if self.handle.goal == Goal::Video && content_type.starts_with("text/html") {
            return Err(Broken::Final(
                "the server answered with a web page instead of a video".into(),
            ));
        }
        let too_large =
            || Broken::Final(format!("the file is larger than {} bytes", self.max_bytes).into());
        // A server may send less of the rest than it was asked for; only the whole is the whole.
        let length =
            header(&response, CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
        let expected = Extent::of(&response)
            .total
            .or(length.map(|length| part.length().saturating_add(length)));
        if expected.is_some_and(|expected| expected > self.max_bytes) {
            return Err(too_large());
        }
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if part.length() + chunk.len() as u64 > self.max_bytes => {
                    return Err(too_large());
                }
                Ok(Some(chunk)) => {
                    part.append(&chunk).await.map_err(|error| Broken::Final(error.into()))?
                }
                Ok(None) => break,
                Err(error) => {
                    part.flush().await.map_err(|error| Broken::Final(error.into()))?;
                    return Err(Broken::Passing(error.without_url().into()));
                }
            }
        }
        match expected {
            Some(expected) if expected != part.length() => Err(Broken::Passing(
                format!("{} of {expected} bytes arrived", part.length()).into(),
            )),
            _ => Ok(()),
        }
    }

    /// The file itself: the destination, or a name in it when it is a directory.
    fn path(&self, url: &Url) -> PathBuf {
        let names_directory =
            self.destination.as_os_str().to_string_lossy().ends_with(std::path::is_separator);
        if !names_directory && !self.destination.is_dir() {
            return self.destination.clone();
        }
        let extension = match self.handle.goal {
            Goal::Preview => "html",
            Goal::Video => {
                let extension =
                    Path::new(url.path()).extension().and_then(|extension| extension.to_str());
                extension
                    .filter(|text| {
                        text.len() <= 5 && text.chars().all(|c| c.is_ascii_alphanumeric())
                    })
                    .unwrap_or("mp4")
            }
        };
        let id = self.handle.id;
        self.destination.join(match self.handle.goal {
            Goal::Preview => format!("{id}.preview.{extension}"),
            Goal::Video => format!("{id}.{extension}"),
        })
    }
}

fn header(response: &reqwest::Response, name: http::HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

/// What a 206 says of the bytes in it: `Content-Range: bytes 100-199/200`.
#[derive(Debug, Default)]
struct Extent<'r> {
    from: Option<u64>,
    /// How long the whole file is, if that is known.
    total: Option<u64>,
    etag: Option<&'r str>,
}

impl<'r> Extent<'r> {
    fn of(response: &'r reqwest::Response) -> Self {
        let range = header(response, CONTENT_RANGE)
            .filter(|_| response.status() == StatusCode::PARTIAL_CONTENT);
        let Some((from, rest)) =
            range.and_then(|range| range.strip_prefix("bytes ")?.split_once('-'))
        else {
            return Self::default();
        };
        let total = rest.split_once('/').and_then(|(_, total)| total.parse().ok());
        Self { from: from.parse().ok(), total, etag: header(response, ETAG) }
    }

    /// Whether it goes on where the part ends, with bytes of the same file: not every server minds `If-Range`.
    fn continues(&self, part: &Part) -> bool {
        part.resumable().is_some_and(|(from, etag)| {
            self.from == Some(from) && self.etag.is_none_or(|now| now == etag)
        })
    }
}

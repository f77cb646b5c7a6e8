//! Transfer of a file: requests until it is whole, a final failure or the deadline.

use std::time::Duration;

use chrono::Utc;
use http::header::{ACCEPT_ENCODING, IF_RANGE, RANGE};
use tokio::time::Instant;
use url::Url;

use super::{
    answer::{Answer, MayAppear, NextStep, Requested},
    content,
    failure::Failure,
    part::Part,
    retries::{Link, Retries},
    speed::{MinSpeed, SpeedMeter},
};
use crate::{
    error::Error,
    http::{CallOptions, transport},
    job::{Goal, JobHandle},
    jobs::JobReader,
};

/// Time to read the job again for a new link.
const RENEWAL_TIMEOUT: Duration = Duration::from_secs(15);

pub(super) type ProgressHook = Box<dyn FnMut(u64, Option<u64>) + Send>;

/// Bounds of a download.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) max_bytes: u64,
    pub(super) timeout: Duration,
    pub(super) min_speed: MinSpeed,
}

/// The client of downloads: HTTP without credentials, and the reader of jobs.
pub(crate) struct DownloadClient {
    pub(super) http: reqwest::Client,
    pub(super) jobs: JobReader,
    /// Base URL of the API. Only one on this machine may name files on this machine.
    pub(super) api: Url,
}

impl DownloadClient {
    pub(crate) fn new(jobs: JobReader, api: &Url) -> Result<Self, Error> {
        Ok(Self { http: transport::downloads(api)?, jobs, api: api.clone() })
    }
}

/// The transfer of one file.
pub(super) struct Transfer<'c> {
    pub(super) client: &'c DownloadClient,
    pub(super) handle: JobHandle,
    pub(super) link: Url,
    pub(super) part: Part,
    pub(super) limits: Limits,
    pub(super) deadline: Instant,
    pub(super) retries: Retries,
    pub(super) on_progress: Option<ProgressHook>,
}

/// End of an attempt that did not bring the whole file.
enum Interruption {
    /// Another attempt may succeed.
    Retry { failure: Failure, asked: Option<Duration> },
    /// It came too slowly. Another connection may be faster.
    TooSlow(Failure),
    /// The file is not there, or not under this link.
    Missing { failure: Failure, asked: Option<Duration>, may_appear: MayAppear },
    /// No other attempt would succeed.
    Final(Failure),
}

impl From<Failure> for Interruption {
    fn from(failure: Failure) -> Self {
        Self::Final(failure)
    }
}

impl Interruption {
    /// An untrusted certificate does not pass by itself.
    fn of_request(error: reqwest::Error) -> Self {
        let is_final = transport::is_untrusted(&error);
        let failure = Failure::of_request(error);
        if is_final { Self::Final(failure) } else { retry(failure) }
    }
}

fn retry(failure: Failure) -> Interruption {
    Interruption::Retry { failure, asked: None }
}

impl Transfer<'_> {
    /// Fetches the file into the part, with as many attempts as are sensible.
    pub(super) async fn run(&mut self) -> Result<(), Failure> {
        loop {
            let before = self.part.length();
            let Err(interruption) = self.attempt().await else { return Ok(()) };
            self.retries.brought(self.part.length().saturating_sub(before));
            let (failure, pause) = match interruption {
                Interruption::Final(failure) => return Err(failure),
                Interruption::Retry { failure, asked } => {
                    (failure, self.retries.after_failure(asked))
                }
                Interruption::TooSlow(failure) => (failure, self.retries.after_slow()),
                Interruption::Missing { failure, asked, may_appear } => {
                    let link = self.renew_link().await?;
                    let now = Instant::now();
                    (failure, self.retries.after_missing(now, link, may_appear, asked))
                }
            };
            let Some(pause) = pause else { return Err(failure) };
            if pause >= self.deadline.saturating_duration_since(Instant::now()) {
                let addition = format!(
                    "the next attempt would be in {} s, after the time-out",
                    pause.as_secs()
                );
                return Err(failure.and(&addition));
            }
            tracing::info!(
                reason = failure.reason(),
                bytes = self.part.length(),
                ?pause,
                "the download is tried again"
            );
            tokio::time::sleep(pause).await;
        }
    }

    /// Sends one request, for the whole file or for the rest of it, and takes the answer.
    async fn attempt(&mut self) -> Result<(), Interruption> {
        let requested = self.part.request();
        let mut request =
            self.client.http.get(self.link.clone()).header(ACCEPT_ENCODING, "identity");
        if let Requested::Rest { from, version } = requested {
            request = request.header(RANGE, format!("bytes={from}-"));
            request = request.header(IF_RANGE, &version.etag);
        }
        let mut response = request.send().await.map_err(Interruption::of_request)?;
        let status = response.status();
        let answer = Answer::read(status, response.headers(), Utc::now());
        let answered = || Failure::new(format!("the storage answered {status}"));
        let content_type = answer.content_type.as_deref();
        let resumes = matches!(requested, Requested::Rest { .. });
        let mut first = None;
        let total = match answer.next_step(requested) {
            NextStep::Append { total } => Some(total),
            NextStep::Replace { version, total } => {
                if resumes {
                    // An error document in place of the file must not cost the bytes there are.
                    first = response.chunk().await.map_err(Interruption::of_request)?;
                    let head = first.as_deref().unwrap_or_default();
                    content::check(self.handle.goal, content_type, head)
                        .map_err(|reason| retry(Failure::new(reason)))?;
                }
                self.part.restart(version).await?;
                total
            }
            NextStep::StartOver(reason) => {
                self.part.restart(None).await?;
                return Err(retry(Failure::new(reason)));
            }
            NextStep::Retry { after } => {
                return Err(Interruption::Retry { failure: answered(), asked: after });
            }
            NextStep::RenewLink { after, may_appear } => {
                let failure = answered();
                return Err(Interruption::Missing { failure, asked: after, may_appear });
            }
            NextStep::Refuse(reason) => return Err(Failure::new(reason).into()),
        };
        self.retries.found();
        self.check_size(total.unwrap_or_default())?;
        self.report_progress(total);
        if let Some(first) = first {
            self.take(&first, total, content_type).await?;
        }
        self.receive(response, total, content_type).await
    }

    /// Writes a piece of a body to the part.
    async fn take(
        &mut self,
        piece: &[u8],
        total: Option<u64>,
        content_type: Option<&str>,
    ) -> Result<(), Interruption> {
        self.check_size(self.part.length().saturating_add(piece.len() as u64))?;
        let had_head = self.part.head().len() == content::HEAD_BYTES;
        self.part.append(piece).await?;
        if !had_head && self.part.head().len() == content::HEAD_BYTES {
            self.check_content(content_type).await?;
        }
        self.report_progress(total);
        Ok(())
    }

    /// Writes a body to the part, and checks that the file is whole and what was asked for.
    async fn receive(
        &mut self,
        mut response: reqwest::Response,
        total: Option<u64>,
        content_type: Option<&str>,
    ) -> Result<(), Interruption> {
        let mut meter = SpeedMeter::new(self.limits.min_speed, Instant::now());
        loop {
            // Before the window ends or at its end, whatever comes first.
            let arrived = tokio::time::timeout_at(meter.window_end(), response.chunk()).await;
            match arrived {
                Ok(Ok(Some(chunk))) => {
                    self.take(&chunk, total, content_type).await?;
                    meter.count(chunk.len());
                }
                Ok(Ok(None)) => break,
                Ok(Err(error)) => {
                    self.part.flush().await?;
                    return Err(Interruption::of_request(error));
                }
                Err(_) => {} // the window has ended
            }
            if meter.check(Instant::now()).is_err() {
                self.part.flush().await?;
                let min = self.limits.min_speed;
                return Err(Interruption::TooSlow(Failure::new(format!(
                    "it came with less than {} bytes a second for {} s",
                    min.bytes_per_second,
                    min.window.as_secs()
                ))));
            }
        }
        self.part.flush().await?;
        match total {
            Some(total) if self.part.length() < total => {
                let arrived = self.part.length();
                return Err(retry(Failure::new(format!("{arrived} of {total} bytes arrived"))));
            }
            Some(total) if self.part.length() > total => {
                self.part.restart(None).await?;
                return Err(retry(Failure::new("more bytes arrived than the file has")));
            }
            _ => {}
        }
        self.check_content(content_type).await?;
        if total.is_none() && self.handle.goal == Goal::Video && self.part.ends_early().await? {
            self.part.restart(None).await?;
            return Err(retry(Failure::new("the video ends early, by its own contents")));
        }
        Ok(())
    }

    fn check_size(&self, bytes: u64) -> Result<(), Failure> {
        let most = self.limits.max_bytes;
        if bytes <= most {
            return Ok(());
        }
        Err(Failure::new(format!("the file is larger than {most} bytes")))
    }

    /// Discards a file that is something else than was asked for. The next attempt may bring it:
    /// storages send errors in this form, too.
    async fn check_content(&mut self, content_type: Option<&str>) -> Result<(), Interruption> {
        match content::check(self.handle.goal, content_type, self.part.head()) {
            Ok(()) => Ok(()),
            Err(reason) => {
                self.part.restart(None).await?;
                Err(retry(Failure::new(reason)))
            }
        }
    }

    fn report_progress(&mut self, total: Option<u64>) {
        if let Some(on_progress) = &mut self.on_progress {
            on_progress(self.part.length(), total);
        }
    }

    /// Reads the job again, and takes the link that it names now. One free request.
    async fn renew_link(&mut self) -> Result<Link, Failure> {
        let jobs = &self.client.jobs;
        let options = CallOptions {
            deadline: (Instant::now() + RENEWAL_TIMEOUT).min(self.deadline),
            max_attempts: 1,
            ..jobs.executor.options()
        };
        let job = match jobs.get(self.handle.id, options).await {
            Ok(job) => job,
            Err(error) => {
                tracing::info!(%error, "the job could not be read for a new link");
                return Ok(Link::Same);
            }
        };
        let link = job.output(self.handle.goal).and_then(|link| Url::parse(link).ok());
        match link.filter(|link| *link != self.link) {
            Some(link) => {
                transport::check_link(&self.client.api, &link).map_err(Failure::new)?;
                self.part.follow(&link).await?;
                self.link = link;
                Ok(Link::Renewed)
            }
            None => Ok(Link::Same),
        }
    }
}

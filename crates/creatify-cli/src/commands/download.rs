//! `download`: videos and preview pages as files.

use std::{collections::HashSet, time::Duration};

use creatify::{Client, ErrorKind, Goal, JobHandle, JobId};
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use super::several::{self, DownloadedFile};
use crate::{
    args,
    error::{CliError, has_preview_only},
    job_names,
    outcome::File,
    progress::{DownloadBar, DownloadBars},
    session::Session,
};

/// Files that are downloaded at once.
const CONCURRENT_DOWNLOADS: usize = 4;
/// The library ends a download in time and says more about it; this is for the rest.
const MARGIN: Duration = Duration::from_millis(500);

pub(crate) async fn download(session: &Session, options: &args::Download) -> Result<(), CliError> {
    let args::Download { job_ids, out, .. } = options;
    let names_directory =
        out.is_dir() || out.as_os_str().to_string_lossy().ends_with(std::path::is_separator);
    if job_ids.len() > 1 && !names_directory {
        return Err(CliError::usage(format!(
            "--out {}: several jobs need a directory; write it with a / at its end",
            out.display()
        )));
    }
    let jobs = job_names::find(session, job_ids).await?;
    // A job that is named twice is one file.
    let mut seen = HashSet::new();
    let ids: Vec<_> = jobs.iter().map(|job| job.id).filter(|id| seen.insert(*id)).collect();
    let client = session.client().await?;
    if ids.len() > 1 {
        session.outcomes.begin(&ids);
    }
    let timeout = options.timeout.timeout;
    let started = Instant::now();
    let bars = DownloadBars::new(&session.output, ids.len());
    let downloads = ids.iter().copied().enumerate().map(async |(place, id)| {
        let bar = bars.bar(id);
        let left = timeout.saturating_sub(started.elapsed());
        let download = one(session, client, id, options, left, &bar);
        let result = match Instant::now().checked_add(left.saturating_add(MARGIN)) {
            None => download.await,
            Some(deadline) => {
                let late = CliError::TimedOut { doing: "downloading", timeout };
                timeout_at(deadline, download).await.unwrap_or(Err(late))
            }
        };
        bar.end(&result);
        several::record(session, place, id, &result);
        (id, result)
    });
    // One that fails does not stop the others.
    let results = stream::iter(downloads).buffered(CONCURRENT_DOWNLOADS).collect().await;
    drop(bars); // before anything is printed below them
    several::tell(session, "\n", results).await
}

async fn one(
    session: &Session,
    client: &Client,
    id: JobId,
    options: &args::Download,
    timeout: Duration,
    bar: &DownloadBar,
) -> Result<DownloadedFile, CliError> {
    let output = if options.preview { Goal::Preview } else { Goal::Video };
    let job = client.job(id).await?;
    let mut download =
        client.download(&job, output, &options.out).timeout(timeout).on_progress(bar.reporter());
    if options.force {
        download = download.overwrite();
    }
    let downloaded = download.await.map_err(|error| match error.kind() {
        ErrorKind::NoOutput if output == Goal::Video && has_preview_only(&job) => {
            CliError::NotRendered(Box::new(job.clone()))
        }
        ErrorKind::NoOutput => {
            // It is told with the line that waits for it.
            session.open_jobs.add(JobHandle { id, goal: output });
            error.into()
        }
        _ => error.into(),
    })?;
    // A path that is no UTF-8 is shown as far as it can be.
    let path = downloaded.path.to_string_lossy().into_owned();
    if session.output.bars().is_none() {
        session.output.note(&format!("{path}: {} bytes", downloaded.bytes));
    }
    Ok(DownloadedFile { id, file: File { path, bytes: downloaded.bytes } })
}

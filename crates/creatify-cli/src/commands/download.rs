//! `download`: videos and preview pages as files.

use std::{collections::HashMap, path::Path, time::Duration};

use creatify::{Client, ErrorKind, Goal, JobHandle, JobId};
use futures_util::{StreamExt, stream};

use super::several::{self, DownloadedFile};
use crate::{
    args::JobArg,
    error::{CliError, has_preview_only},
    outcome::File,
    progress::DownloadBar,
    session::Session,
};

/// Files that are downloaded at once.
const CONCURRENT_DOWNLOADS: usize = 4;

pub(crate) async fn download(
    session: &Session,
    jobs: &[JobArg],
    out: &Path,
    output: Goal,
    timeout: Duration,
) -> Result<(), CliError> {
    let mut places: HashMap<JobId, usize> = HashMap::new();
    let mut ids = Vec::new();
    for job in jobs {
        // A job that is named twice is one file.
        places.entry(job.id).or_insert_with(|| {
            ids.push(job.id);
            ids.len()
        });
    }
    let names_directory =
        out.is_dir() || out.as_os_str().to_string_lossy().ends_with(std::path::is_separator);
    if jobs.len() > 1 && !names_directory {
        return Err(CliError::usage(format!(
            "--out {}: several jobs need a directory; write it with a / at its end",
            out.display()
        )));
    }
    let client = session.client().await?;
    if ids.len() > 1 {
        session.outcomes.begin(&ids);
    }
    let started = tokio::time::Instant::now();
    let deadline = started.checked_add(timeout);
    let downloads = ids.iter().copied().enumerate().map(async |(place, id)| {
        let bar = DownloadBar::new(&session.output, id);
        let download = one(session, client, id, out, output, &bar);
        let result = match deadline {
            None => download.await,
            Some(deadline) => {
                let late = CliError::TimedOut { doing: "downloading", timeout };
                tokio::time::timeout_at(deadline, download).await.unwrap_or(Err(late))
            }
        };
        bar.end(&result);
        several::record(session, place, id, &result);
        (id, result)
    });
    // One that fails does not stop the others.
    let results = stream::iter(downloads).buffered(CONCURRENT_DOWNLOADS).collect().await;
    several::tell(session, "\n", results).await
}

async fn one(
    session: &Session,
    client: &Client,
    id: JobId,
    out: &Path,
    output: Goal,
    bar: &DownloadBar,
) -> Result<DownloadedFile, CliError> {
    let job = client.job(id).await?;
    // `.on_progress(bar.reporter())` belongs here once the library has it.
    drop(bar.reporter());
    let downloaded = client.download(&job, output, out).await.map_err(|error| {
        match error.kind() {
            ErrorKind::NoOutput if output == Goal::Video && has_preview_only(&job) => {
                CliError::NotRendered(Box::new(job.clone()))
            }
            ErrorKind::NoOutput => {
                // It is told with the line that waits for it.
                session.open_jobs.add(JobHandle { id, goal: output });
                error.into()
            }
            _ => error.into(),
        }
    })?;
    // A path that is no UTF-8 is shown as far as it can be.
    let path = downloaded.path.to_string_lossy().into_owned();
    session.output.note(&format!("{path}: {} bytes", downloaded.bytes));
    Ok(DownloadedFile { id, file: File { path, bytes: downloaded.bytes } })
}

//! The strategy of a careful caller of the library.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use creatify::{
    ChargeRisk, Client, Error, ErrorKind, Job, JobHandle, MatchConfidence, Reconciled, RetrySafety,
};

use crate::{template, variables};

/// Finds out what became of a failed submission, as a careful caller would: when four lists in a
/// row do not show it, it counts as not accepted.
async fn settle(client: &Client, error: Error) -> Option<JobHandle> {
    if let (ChargeRisk::Charged, Some(handle)) = (error.charge_risk(), error.job()) {
        return Some(handle);
    }
    let Some(sent) = error.submission_record() else {
        assert_eq!(error.retry_safety(), RetrySafety::Safe, "{error}");
        return None;
    };
    let mut none_seen = 0;
    while none_seen < 4 {
        match client.reconcile(sent).adopt(MatchConfidence::Exact).await {
            Ok(Reconciled::Found(found)) => return Some(found.handle),
            Ok(Reconciled::NotFoundYet) => none_seen += 1,
            Ok(other) => panic!("{other:?}"),
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    client.disown(sent).await.unwrap();
    None
}

/// Makes a preview and its video.
pub async fn video(client: Client, task: usize, known: Arc<Mutex<Vec<String>>>) -> Option<Job> {
    let note = |handle: JobHandle| known.lock().unwrap().push(handle.id.to_string());
    let preview = loop {
        match client.preview(template(), variables(task)).marked_in_name().send().await {
            Ok(accepted) => break accepted.handle,
            Err(error) => {
                if let Some(handle) = settle(&client, error).await {
                    break handle;
                }
            }
        }
    };
    note(preview);
    let job = waited(&client, preview).await.unwrap();
    loop {
        let video = render(&client, &job).await;
        if let Some(video) = waited(&client, video).await {
            return Some(video);
        }
    }
}

async fn render(client: &Client, job: &Job) -> JobHandle {
    loop {
        match client.render(job.id()).send().await {
            Ok(accepted) => return accepted.handle,
            Err(error) => match error.kind() {
                // Its status is not known at the moment.
                ErrorKind::AlreadyRunning if error.charge_risk() == ChargeRisk::Unknown => {
                    tokio::time::sleep(Duration::from_secs(5)).await;
                }
                // The service itself says that the job cannot be rendered now: an earlier render,
                // taken for lost, is under way after all.
                ErrorKind::Refused if error.charge_risk() == ChargeRisk::None => {
                    tokio::time::sleep(Duration::from_secs(5)).await;
                }
                ErrorKind::AlreadyRendered | ErrorKind::AlreadyRunning => {
                    return error.job().unwrap();
                }
                _ => {
                    if let Some(handle) = settle(client, error).await {
                        return handle;
                    }
                }
            },
        }
    }
}

/// Waits for a job; `None` when it failed.
async fn waited(client: &Client, handle: JobHandle) -> Option<Job> {
    loop {
        match client.wait(handle).await {
            Ok(job) => return Some(job),
            Err(error) => match error.kind() {
                ErrorKind::JobFailed | ErrorKind::JobRejected => return None,
                _ => assert_eq!(error.retry_safety(), RetrySafety::Safe, "{error}"),
            },
        }
    }
}

//! The result of a submission that was sent before with the same key. Nothing is sent again.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    MatchConfidence, Reconcile, Reconciled, SubmittedJob, Submitter,
    send::{Origin, outcome_unknown, pending_job},
};
use crate::{
    credits::Estimate,
    error::{ChargeRisk, Error, ErrorKind, RetrySafety},
    http::CallOptions,
    job::JobHandle,
    journal::{Entry, EntryState},
};

/// Pauses between readings of the journal while another process sends the submission.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// Returns the job of a known entry, or `None` if it was released, so that it may be sent anew.
///
/// Waits for another process that is sending it, until the deadline of the call. Looks for the job
/// of one whose outcome is unknown, which is free.
pub(super) async fn replay(
    submitter: &Submitter,
    call: CallOptions,
    estimate: Option<&Estimate>,
    mut entry: Entry,
) -> Result<Option<SubmittedJob>, Error> {
    let mut pause = FIRST_PAUSE;
    loop {
        match (entry.state, entry.handle()) {
            (EntryState::Submitted | EntryState::Settled, Some(handle)) => {
                return Ok(Some(replayed(submitter, estimate, handle)));
            }
            (EntryState::Released, _) => return Ok(None),
            (EntryState::Sending, _) => {
                if Instant::now() + pause > call.deadline {
                    return Err(in_use(&entry));
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(MAX_PAUSE);
                match submitter.billing().find(entry.id).await? {
                    Some((found, _)) => entry = found,
                    None => return Ok(None),
                }
            }
            // Submitted without a job does not exist.
            _ => return reconcile(submitter, call, estimate, entry).await.map(Some),
        }
    }
}

async fn reconcile(
    submitter: &Submitter,
    call: CallOptions,
    estimate: Option<&Estimate>,
    entry: Entry,
) -> Result<SubmittedJob, Error> {
    let Some((_, Some(record))) = submitter.billing().find(entry.id).await? else {
        let message = "the outcome is unknown, and the journal does not have the request";
        return Err(Error::new(ErrorKind::Journal, message).charged(ChargeRisk::Unknown));
    };
    let reconcile = Reconcile::new(submitter, &record).adopt(MatchConfidence::Exact);
    match tokio::time::timeout_at(call.deadline, reconcile).await {
        Ok(Ok(Reconciled::Found(found))) if found.adopted => {
            Ok(replayed(submitter, estimate, found.handle))
        }
        Ok(Err(error)) => Err(outcome_unknown(record).of_entry(&entry).because(error)),
        _ => Err(outcome_unknown(record).of_entry(&entry)),
    }
}

fn replayed(submitter: &Submitter, estimate: Option<&Estimate>, handle: JobHandle) -> SubmittedJob {
    let job = pending_job(handle.id, None);
    let (estimate, first) = (estimate.cloned(), job.clone());
    SubmittedJob::new(submitter, handle, job, estimate, first, Origin::EarlierCall)
}

fn in_use(entry: &Entry) -> Error {
    let message = format!(
        "another process is sending the {} with the key `{}`; nothing was sent",
        entry.operation, entry.key
    );
    Error::new(ErrorKind::KeyInUse, message)
        .charged(ChargeRisk::Unknown)
        .with_retry_safety(RetrySafety::Safe)
}

//! Sending of a submission, and the record of its outcome.

use std::{future::Future, sync::Arc};

use chrono::Utc;
use creatify_api::{
    Client as ApiClient, Error as ApiError, JobStatus, ModelVersion, OperationId, ResponseValue,
    types,
};

use super::response_id;
use crate::{
    billing::{Billing, PendingCharge},
    credits::{DurationRange, Estimate},
    error::{ChargeRisk, Error, ErrorKind, RetrySafety, SubmissionRecord},
    http::{CallError, CallOptions, retry::Failure},
    job::{Goal, Job, JobHandle, JobId},
    jobs::JobReader,
    wait::{PollBatcher, PollPolicy, Wait},
};

/// A job that the service accepted, and charges.
#[derive(Clone)]
#[non_exhaustive]
pub struct SubmittedJob {
    /// Handle by which it is found again, in any process. Write it down.
    pub handle: JobHandle,
    /// The job as it was answered; a blocking preview is done.
    pub job: Job,
    /// Estimate of its cost, when the duration was known.
    pub estimate: Option<Estimate>,
    /// The job as it was just after it was submitted.
    first_status: Job,
    batcher: PollBatcher,
    policy: Arc<dyn PollPolicy>,
}

impl SubmittedJob {
    /// Waits for the job's goal; the same as [`Client::wait`](crate::Client::wait) with its handle,
    /// less its first request.
    pub fn wait(&self) -> Wait {
        Wait::new(self.batcher.clone(), self.handle, self.policy.clone())
            .starting_from(self.first_status.clone())
    }
}

impl std::fmt::Debug for SubmittedJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SubmittedJob")
            .field("handle", &self.handle)
            .field("job", &self.job)
            .field("estimate", &self.estimate)
            .finish_non_exhaustive()
    }
}

/// The parts of a client that submissions need. Cheap to clone; clones share everything.
#[derive(Clone)]
pub(crate) struct Submitter {
    pub(crate) batcher: PollBatcher,
    pub(crate) policy: Arc<dyn PollPolicy>,
    pub(crate) default_duration: Option<DurationRange>,
}

impl Submitter {
    pub(super) fn jobs(&self) -> &JobReader {
        self.batcher.jobs()
    }

    pub(super) fn billing(&self) -> &Billing {
        &self.batcher.jobs().billing
    }
}

/// A submission that was checked and whose credits are reserved.
pub(super) struct PreparedSubmission {
    pub(super) operation: OperationId,
    pub(super) goal: Goal,
    pub(super) model_version: ModelVersion,
    pub(super) estimate: Option<Estimate>,
    pub(super) pending: PendingCharge,
    pub(super) record: SubmissionRecord,
}

/// Sends a submission and records its outcome. It runs to the end even if the caller stops waiting
/// for it: a paid job is then found in the ledger.
pub(super) async fn send<F>(
    submitter: &Submitter,
    options: CallOptions,
    prepared: PreparedSubmission,
    request: impl Fn(ApiClient) -> F + Send + Sync + 'static,
) -> Result<SubmittedJob, Error>
where
    F: Future<Output = Result<ResponseValue<types::CustomTemplateJob>, ApiError<()>>>
        + Send
        + 'static,
{
    let record = prepared.record.clone();
    let operation = prepared.operation;
    let billing = submitter.jobs().billing.clone();
    let submitter = submitter.clone();
    let sending =
        tokio::spawn(async move { send_and_record(&submitter, options, prepared, request).await });
    sending.await.unwrap_or_else(|error| {
        // The task panicked, or the runtime is shutting down.
        billing.lost(&record.entry);
        Err(outcome_unknown(record).during(operation).because(error))
    })
}

async fn send_and_record<F>(
    submitter: &Submitter,
    options: CallOptions,
    prepared: PreparedSubmission,
    request: impl Fn(ApiClient) -> F,
) -> Result<SubmittedJob, Error>
where
    F: Future<Output = Result<ResponseValue<types::CustomTemplateJob>, ApiError<()>>>,
{
    let PreparedSubmission { operation, goal, model_version, estimate, pending, record } = prepared;
    match submitter.jobs().executor.call(operation, options, request).await {
        Ok(job) => {
            let answered = Job::from(job);
            let job = match record.job_id {
                Some(id) if answered.id() != id => {
                    tracing::warn!(%id, other = %answered.id(), "answered with another job");
                    pending_job(id, &answered)
                }
                _ => answered,
            };
            let handle = JobHandle { id: job.id(), goal };
            tracing::info!(%operation, %handle, "accepted");
            submitter.billing().accepted(pending, handle.id);
            remember(submitter, &record, handle.id, model_version);
            submitter.jobs().record(&job);
            let first_status = match record.job_id {
                // The answer to a render may have the final status from before it.
                Some(id) => pending_job(id, &job),
                None => job.clone(),
            };
            let Submitter { batcher, policy, .. } = submitter.clone();
            Ok(SubmittedJob { handle, job, estimate, first_status, batcher, policy })
        }
        Err(error) => {
            // Attempts before the last one were certainly not processed.
            let sent_at = error.sent_at.unwrap_or(record.sent_at);
            let record = SubmissionRecord { sent_at, given_up_at: Utc::now(), ..record };
            let error = refused_or_unknown(error, goal, record.clone());
            let job = error.job().map(|handle| handle.id).or(record.job_id);
            if let (true, Some(job)) = (error.charge_risk() != ChargeRisk::None, job) {
                remember(submitter, &record, job, model_version);
            }
            match (error.charge_risk(), error.job()) {
                (ChargeRisk::None, _) => submitter.billing().released(pending),
                (ChargeRisk::Charged, Some(job)) => submitter.billing().accepted(pending, job.id),
                _ => submitter.billing().unknown(pending),
            }
            Err(error)
        }
    }
}

/// Remembers a submitted job, so that waits know its age and template.
fn remember(
    submitter: &Submitter,
    record: &SubmissionRecord,
    job: JobId,
    model_version: ModelVersion,
) {
    submitter.jobs().run_times.submitted(
        job,
        record.template_id,
        record.operation,
        model_version,
        record.before.clone(),
    );
}

/// Returns a job that was just accepted, with only the fields that are certain.
fn pending_job(id: JobId, answered: &Job) -> Job {
    let json = serde_json::json!({
        "id": id,
        "status": JobStatus::Pending,
        "webhook_url": answered.webhook_url(),
    });
    serde_json::from_value(json).unwrap_or_else(|_| answered.clone()) // these fields are enough
}

fn outcome_unknown(record: SubmissionRecord) -> Error {
    let message = "the outcome is unknown: it may have been accepted and charged, and was not sent again. \
         Look for its job before you send it again";
    Error::new(ErrorKind::OutcomeUnknown(Box::new(record)), message)
}

fn refused_or_unknown(mut error: CallError, goal: Goal, record: SubmissionRecord) -> Error {
    let body = error.body.take();
    let location = error.location.take();
    let in_location = location.and_then(|location| response_id::find_in_url(&location));
    let id = match error.failure {
        // The id of a render is certain, even if the answer has another one.
        Failure::Undecodable { .. } => {
            record.job_id.or_else(|| body.and_then(|body| response_id::find(&body))).or(in_location)
        }
        // The body of a refusal may name any job; a redirect leads to the one that was made.
        Failure::Answer { status, .. } if status.is_redirection() => in_location,
        _ => None,
    };
    if error.outcome_unknown {
        let unknown = outcome_unknown(record)
            .during(error.operation)
            .answered(error.response)
            .after(error.attempts);
        let unknown = match error.source {
            Some(source) => unknown.because(source),
            None => unknown,
        };
        return match id {
            Some(id) => unknown.of_job(JobHandle { id, goal }),
            None => unknown,
        };
    }
    let was_processed = matches!(error.failure, Failure::Undecodable { .. });
    let error = error.into_error();
    match id {
        Some(id) if was_processed => error
            .of_job(JobHandle { id, goal })
            .with_retry_safety(RetrySafety::Unsafe)
            .charged(ChargeRisk::Charged),
        _ if error.charge_risk() == ChargeRisk::Charged => error.of_unknown_job(record),
        _ => error,
    }
}

//! Sending of a submission: once, and recorded whatever comes of it.

use std::{future::Future, sync::Arc};

use chrono::Utc;
use creatify_api::{
    Client as ApiClient, Error as ApiError, ModelVersion, OperationId, ResponseValue, types,
};

use super::response_id;
use crate::{
    billing::{Billing, PendingCharge},
    credits::{BillableOperation, DurationRange, Estimate},
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
    batcher: PollBatcher,
    policy: Arc<dyn PollPolicy>,
}

impl SubmittedJob {
    /// Waits for the job's goal; the same as [`Client::wait`](crate::Client::wait) with its handle,
    /// less one request when the job was answered as done.
    pub fn wait(&self) -> Wait {
        Wait::new(self.batcher.clone(), self.handle, self.policy.clone())
            .starting_from(self.job.clone())
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
    /// The job before its render.
    pub(super) before: Option<Job>,
}

/// Sends a submission and records what came of it. It goes on to its end even if the caller stops
/// waiting for it: a paid job is then found in the ledger.
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
    let submitter = submitter.clone();
    let sending =
        tokio::spawn(async move { send_and_record(&submitter, options, prepared, request).await });
    // It panicked, or the runtime is shutting down.
    sending.await.unwrap_or_else(|error| Err(outcome_unknown(record).because(error)))
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
    let PreparedSubmission { operation, goal, estimate, pending, record, .. } = prepared;
    match submitter.jobs().executor.call(operation, options, request).await {
        Ok(job) => {
            let job = of_job(Job::from(job), record.job_id);
            let handle = JobHandle { id: job.id(), goal };
            tracing::info!(%operation, %handle, "accepted");
            submitter.billing().accepted(pending, handle.id);
            let before = prepared.before.as_ref();
            let (template, billed_as) = (record.template_id, record.operation);
            submitter.jobs().run_times.submitted(
                &job,
                template,
                billed_as,
                prepared.model_version,
                before,
            );
            submitter.jobs().record(&job);
            let Submitter { batcher, policy, .. } = submitter.clone();
            Ok(SubmittedJob { handle, job, estimate, batcher, policy })
        }
        Err(error) => {
            // Attempts before the last one were certainly not processed.
            let sent_at = error.sent_at.unwrap_or(record.sent_at);
            let record = SubmissionRecord { sent_at, given_up_at: Utc::now(), ..record };
            let error = refused_or_unknown(error, goal, record);
            if let (Some(before), true) =
                (&prepared.before, error.charge_risk() != ChargeRisk::None)
            {
                let (run_times, model) = (&submitter.jobs().run_times, prepared.model_version);
                let render = BillableOperation::Render;
                run_times.submitted(before, None, render, model, Some(before));
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

/// Returns the answer to a render as being about the job that was rendered: its id is certain,
/// whatever the answer says.
fn of_job(job: Job, rendered: Option<JobId>) -> Job {
    match rendered {
        Some(id) if job.id() != id => {
            tracing::warn!(%id, answered = %job.id(), "the render was answered with another job");
            let mut answered = job.as_api().clone();
            answered.id = id.as_uuid();
            answered.into()
        }
        _ => job,
    }
}

fn outcome_unknown(record: SubmissionRecord) -> Error {
    let message =
        "the outcome is unknown: it may have been accepted and charged. It was not sent again";
    Error::new(ErrorKind::OutcomeUnknown(Box::new(record)), message)
}

fn refused_or_unknown(mut error: CallError, goal: Goal, record: SubmissionRecord) -> Error {
    let body = error.body.take();
    let location = error.location.take();
    // The id of a render is certain, whatever the answer says.
    let id = record
        .job_id
        .or_else(|| body.and_then(|body| response_id::find(&body)))
        .or_else(|| location.and_then(|location| response_id::find_in_url(&location)));
    if error.outcome_unknown {
        let is_answered = matches!(error.failure, Failure::Answer { .. });
        let unknown = outcome_unknown(record)
            .during(error.operation)
            .answered(error.response)
            .after(error.attempts);
        let unknown = match error.source {
            Some(source) => unknown.because(source),
            None => unknown,
        };
        // A refusal may speak of any job; a success that broke off speaks of its own.
        return match id {
            Some(id) if !is_answered => unknown.of_job(JobHandle { id, goal }),
            _ => unknown,
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

//! Sending of a submission, and the record of its outcome.

use std::{future::Future, pin::pin, sync::Arc};

use chrono::Utc;
use creatify_api::{Client as ApiClient, Error as ApiError, JobStatus, ResponseValue, types};

use super::{prepare::PreparedSubmission, replay::replay, response_id};
use crate::{
    billing::{Billing, PendingCharge, Start},
    credits::{DurationRange, Estimate},
    error::{ChargeRisk, Error, ErrorKind, RetrySafety},
    http::{CallError, CallOptions, retry::Failure},
    job::{Goal, Job, JobHandle, JobId},
    jobs::JobReader,
    journal::SubmissionRecord,
    wait::{PollBatcher, PollPolicy, Wait},
};

/// A job that the service accepted, and charges.
#[derive(Clone)]
#[non_exhaustive]
pub struct SubmittedJob {
    /// Handle by which it is found again, in any process. Write it down.
    pub handle: JobHandle,
    /// The job as it was answered; a blocking preview is done. Of a
    /// [replayed](Self::is_replayed) one, only the ID is known, and its status is shown as
    /// `pending`.
    pub job: Job,
    /// Estimate of its cost, when the duration was known.
    pub estimate: Option<Estimate>,
    /// The job as it was just after it was submitted.
    first_status: Job,
    origin: Origin,
    batcher: PollBatcher,
    policy: Arc<dyn PollPolicy>,
}

/// The call that submitted a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// This one.
    ThisCall,
    /// An earlier one with the same key.
    EarlierCall,
}

impl SubmittedJob {
    pub(super) fn new(
        submitter: &Submitter,
        handle: JobHandle,
        job: Job,
        estimate: Option<Estimate>,
        first_status: Job,
        origin: Origin,
    ) -> Self {
        let Submitter { batcher, policy, .. } = submitter.clone();
        Self { handle, job, estimate, first_status, origin, batcher, policy }
    }

    /// Returns whether it was submitted earlier with the same [key](crate::Create::key), so that
    /// nothing was sent now.
    pub fn is_replayed(&self) -> bool {
        self.origin == Origin::EarlierCall
    }

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

/// Enters a submission in the journal, sends it and records its outcome; or finds the job of one
/// that was sent with the same key. It runs to the end even if the caller stops waiting for it: a
/// paid job is then found in the journal.
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
    let record = prepared.new.record.clone();
    let operation = prepared.operation;
    let billing = submitter.jobs().billing.clone();
    let submitter = submitter.clone();
    let sending =
        tokio::spawn(async move { send_once(&submitter, options, prepared, request).await });
    match sending.await {
        Ok(result) => result,
        // The task panicked, or the runtime is shutting down.
        Err(error) => {
            billing.unknown(record.entry, error.to_string(), record.clone()).await;
            Err(outcome_unknown(record).during(operation).because(error))
        }
    }
}

async fn send_once<F>(
    submitter: &Submitter,
    options: CallOptions,
    prepared: PreparedSubmission,
    request: impl Fn(ApiClient) -> F + Sync,
) -> Result<SubmittedJob, Error>
where
    F: Future<Output = Result<ResponseValue<types::CustomTemplateJob>, ApiError<()>>> + Send,
{
    loop {
        match submitter.billing().begin(prepared.new.clone()).await? {
            Start::Send(pending) => {
                return send_and_record(submitter, options, prepared, pending, request).await;
            }
            Start::Known(entry) => {
                let PreparedSubmission { estimate, .. } = &prepared;
                let replayed = replay(submitter, options, estimate.as_ref(), *entry).await?;
                if let Some(replayed) = replayed {
                    return Ok(replayed);
                }
                // It was released meanwhile, so this is a new attempt.
            }
        }
    }
}

async fn send_and_record<F>(
    submitter: &Submitter,
    options: CallOptions,
    prepared: PreparedSubmission,
    pending: PendingCharge,
    request: impl Fn(ApiClient) -> F + Sync,
) -> Result<SubmittedJob, Error>
where
    F: Future<Output = Result<ResponseValue<types::CustomTemplateJob>, ApiError<()>>> + Send,
{
    let PreparedSubmission { operation, goal, estimate, new } = prepared;
    let (record, model_version) = (new.record, new.model_version);
    let billing = submitter.billing();
    let lease = &pending;
    let confirmed_request = |api| {
        let request = &request;
        async move {
            billing.confirm_lease(lease).await.map_err(ApiError::InvalidRequest)?;
            request(api).await
        }
    };
    let answer = {
        let executor = &submitter.jobs().executor;
        let mut call = pin!(executor.call(operation, options, confirmed_request));
        tokio::select! {
            biased;
            answer = &mut call => answer,
            () = billing.keep_lease(lease) => call.await,
        }
    };
    match answer {
        Ok(job) => {
            let answered = Job::from(job);
            let job = match record.job_id {
                Some(id) if answered.id() != id => {
                    tracing::warn!(%id, other = %answered.id(), "answered with another job");
                    pending_job(id, Some(&answered))
                }
                _ => answered,
            };
            let handle = JobHandle { id: job.id(), goal };
            tracing::info!(%operation, %handle, "accepted");
            billing.accepted(pending, handle.id).await;
            submitter.jobs().run_times.submitted(handle.id, &record, model_version);
            submitter.jobs().record(std::slice::from_ref(&job)).await;
            let first_status = match record.job_id {
                // The answer to a render may have the final status from before it.
                Some(id) => pending_job(id, Some(&job)),
                None => job.clone(),
            };
            let origin = Origin::ThisCall;
            Ok(SubmittedJob::new(submitter, handle, job, estimate, first_status, origin))
        }
        Err(error) => {
            // Attempts before the last one were certainly not processed.
            let sent_at = error.sent_at.unwrap_or(record.sent_at);
            let record = SubmissionRecord { sent_at, given_up_at: Utc::now(), ..record };
            let error = refused_or_unknown(error, goal, record.clone());
            let job = error.job().map(|handle| handle.id).or(record.job_id);
            if let (true, Some(job)) = (error.charge_risk() != ChargeRisk::None, job) {
                submitter.jobs().run_times.submitted(job, &record, model_version);
            }
            match (error.charge_risk(), error.job()) {
                (ChargeRisk::None, _) => billing.released(pending, error.to_string()).await,
                (ChargeRisk::Charged, Some(job)) => billing.accepted(pending, job.id).await,
                _ => billing.unknown(pending.id(), error.to_string(), record).await,
            }
            Err(error)
        }
    }
}

/// Returns a job that was just accepted, with only the fields that are certain.
pub(super) fn pending_job(id: JobId, answered: Option<&Job>) -> Job {
    let json = serde_json::json!({
        "id": id,
        "status": JobStatus::Pending,
        "webhook_url": answered.and_then(Job::webhook_url),
    });
    // Everything else of a job is optional.
    serde_json::from_value(json).unwrap_or_else(|error| unreachable!("{error}"))
}

pub(super) fn outcome_unknown(record: SubmissionRecord) -> Error {
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

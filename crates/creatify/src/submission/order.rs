//! What becomes of a submission? Sent once, it is accepted, refused, or of unknown outcome.

use std::future::Future;

use chrono::Utc;
use creatify_api::{
    Client as ApiClient, Error as ApiError, ModelVersion, OperationId, ResponseValue, types,
};

use super::{Accepted, accepted_id};
use crate::{
    accounts::Open,
    call::{Failed, Patience},
    client::Client,
    credits::Estimate,
    error::{ChargeRisk, Error, ErrorKind, Sent},
    job::{Goal, Job, JobHandle},
    retry::Fault,
    wait::Likeness,
};

/// What is about to be sent, with what was set aside for it.
pub(super) struct Order {
    pub(super) operation: OperationId,
    pub(super) goal: Goal,
    pub(super) estimate: Option<Estimate>,
    pub(super) open: Open,
    pub(super) sent: Sent,
}

/// Sends an order and enters what came of it. It goes on to its end even if the caller stops waiting for it: a job that is paid for then
/// is found in the ledger.
pub(super) async fn submit<F>(
    client: &Client,
    patience: Patience,
    order: Order,
    send: impl Fn(ApiClient) -> F + Send + Sync + 'static,
) -> Result<Accepted, Error>
where
    F: Future<Output = Result<ResponseValue<types::CustomTemplateJob>, ApiError<()>>>
        + Send
        + 'static,
{
    let sent = order.sent.clone();
    let client = client.clone();
    let sending = tokio::spawn(async move { carry_out(&client, patience, order, send).await });
    sending.await.unwrap_or_else(|error| Err(unknown(sent).because(error))) // it panicked, or the runtime is shutting down
}

async fn carry_out<F>(
    client: &Client,
    patience: Patience,
    order: Order,
    send: impl Fn(ApiClient) -> F,
) -> Result<Accepted, Error>
where
    F: Future<Output = Result<ResponseValue<types::CustomTemplateJob>, ApiError<()>>>,
{
    let Order { operation, goal, estimate, open, sent } = order;
    match client.call(operation, patience, send).await {
        Ok(job) => {
            let job = Job::from(job);
            let handle = JobHandle { id: job.id(), goal };
            tracing::info!(%operation, %handle, "accepted");
            client.accounts().accepted(open, handle.id);
            client.accounts().saw(&job);
            let likeness = likeness(client, &sent, &job);
            Ok(Accepted { handle, job, estimate, likeness })
        }
        Err(failed) => {
            // Attempts before the last one were certainly not processed.
            let sent_at = failed.sent_at.unwrap_or(sent.sent_at);
            let error =
                refused_or_unknown(failed, goal, Sent { sent_at, given_up_at: Utc::now(), ..sent });
            match (error.charge_risk(), error.job()) {
                (ChargeRisk::None, _) => client.accounts().released(open),
                (ChargeRisk::Charged, Some(job)) => client.accounts().accepted(open, job.id),
                _ => client.accounts().unknown(open),
            }
            Err(error)
        }
    }
}

/// A render is of the template that this process previewed, if it did.
fn likeness(client: &Client, sent: &Sent, job: &Job) -> Option<Likeness> {
    if let Some(template) = sent.template_id {
        client.earlier().submitted(job.id(), template);
    }
    let template = client.earlier().template_of(job.id())?;
    let model_version = job
        .model_version()
        .or(sent.model_version.as_ref())
        .unwrap_or(&ModelVersion::Standard)
        .clone();
    Some(Likeness { template, operation: sent.operation, model_version })
}

fn unknown(sent: Sent) -> Error {
    let message =
        "the outcome is unknown: it may have been accepted and charged. It was not sent again";
    Error::new(ErrorKind::OutcomeUnknown(Box::new(sent)), message)
}

fn refused_or_unknown(mut failed: Failed, goal: Goal, sent: Sent) -> Error {
    if failed.outcome_unknown {
        let error =
            unknown(sent).during(failed.operation).answered(failed.answer).after(failed.attempts);
        return match failed.source {
            Some(source) => error.because(source),
            None => error,
        };
    }
    let id = match (failed.fault, failed.body.take()) {
        (Fault::Undecodable, Some(body)) => accepted_id::find(&body),
        _ => None,
    };
    let error = failed.into_error();
    match id {
        Some(id) => error.of_job(JobHandle { id, goal }),
        None if error.charge_risk() == ChargeRisk::Charged => error.of_unknown_job(sent),
        None => error,
    }
}

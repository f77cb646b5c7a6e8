//! What becomes of a submission? Sent once, it is accepted, refused, or of unknown outcome.

use std::future::Future;

use chrono::Utc;
use creatify_api::{Client as ApiClient, Error as ApiError, OperationId, ResponseValue, types};

use super::{Accepted, accepted_id};
use crate::{
    accounts::Open,
    call::{Failed, Patience},
    client::Client,
    credits::Estimate,
    error::{ChargeRisk, Error, ErrorKind, Sent},
    job::{Goal, Job, JobHandle},
    retry::Fault,
};

/// What is about to be sent, with what was set aside for it.
pub(super) struct Order {
    pub(super) operation: OperationId,
    pub(super) goal: Goal,
    pub(super) estimate: Option<Estimate>,
    pub(super) open: Open,
    pub(super) sent: Sent,
}

pub(super) async fn submit<F>(
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
            Ok(Accepted { handle, job, estimate })
        }
        Err(failed) => {
            let error = refused_or_unknown(failed, goal, Sent { given_up_at: Utc::now(), ..sent });
            match (error.charge_risk(), error.job()) {
                (ChargeRisk::None, _) => client.accounts().released(open),
                (ChargeRisk::Charged, Some(job)) => client.accounts().accepted(open, job.id),
                _ => client.accounts().unknown(open),
            }
            Err(error)
        }
    }
}

fn refused_or_unknown(mut failed: Failed, goal: Goal, sent: Sent) -> Error {
    if failed.outcome_unknown {
        let message = "the outcome is unknown: it may have been accepted and charged. It was not sent again";
        let error = Error::new(ErrorKind::OutcomeUnknown(Box::new(sent)), message)
            .during(failed.operation)
            .answered(failed.answer)
            .after(failed.attempts);
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
        None => error,
    }
}

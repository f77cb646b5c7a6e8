//! Preparation of a submission: the estimate, the entry in the journal, and the request.

use chrono::Utc;
use creatify_api::{ModelVersion, OperationId, types};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Submitter, options::Options};
use crate::{
    credits::{BillableOperation, DurationRange, Estimate},
    error::Error,
    http::CallOptions,
    job::{Goal, JobId, TemplateId},
    journal::{
        EntryId, ExistingRender, JobVersion, NewEntry, Repetition, RequestHash, SubmissionRecord,
    },
};

/// A submission that was checked, and not yet entered in the journal.
pub(super) struct PreparedSubmission {
    pub(super) operation: OperationId,
    pub(super) goal: Goal,
    pub(super) estimate: Option<Estimate>,
    pub(super) new: NewEntry,
}

/// A submission that was checked and not sent.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct DryRun {
    /// Operation that would be charged.
    pub operation: BillableOperation,
    /// Body of the request that would be sent.
    pub request: Value,
    /// Estimate of its cost, when the duration is known.
    pub estimate: Option<Estimate>,
}

/// The subject of a submission: a template, or a job to be rendered.
pub(super) struct Subject {
    pub(super) operation: OperationId,
    pub(super) billed_as: BillableOperation,
    pub(super) template_id: Option<TemplateId>,
    pub(super) job_id: Option<JobId>,
    /// The job before its render.
    pub(super) before: Option<JobVersion>,
    /// Model, if it is known.
    pub(super) model_version: Option<ModelVersion>,
    pub(super) seconds: Option<DurationRange>,
    pub(super) existing_render: ExistingRender,
    /// Marker that was put into the request.
    pub(super) marker: Option<String>,
}

/// Fields of a request that the journal needs.
pub(super) trait Body: Serialize {
    fn name(&self) -> Option<&str>;
    fn variables(&self) -> Option<Value>;
    fn model_version(&self) -> Option<ModelVersion>;
}

impl Body for types::CustomTemplateJobRequest {
    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn variables(&self) -> Option<Value> {
        serde_json::to_value(&self.variables).ok()
    }

    fn model_version(&self) -> Option<ModelVersion> {
        self.model_version.clone()
    }
}

impl Body for types::RenderCustomTemplateJobRequest {
    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn variables(&self) -> Option<Value> {
        None // its job is known by ID
    }

    fn model_version(&self) -> Option<ModelVersion> {
        self.model_version.clone()
    }
}

/// Returns the hash of a request, before any marker was put into it.
pub(super) fn request_hash(
    operation: BillableOperation,
    job: Option<JobId>,
    body: &impl Serialize,
) -> RequestHash {
    RequestHash::of(&json!({ "operation": operation, "job": job, "body": body }))
}

/// Estimates a submission and fills in its entry.
pub(super) fn prepare(
    submitter: &Submitter,
    options: &Options,
    call: CallOptions,
    subject: Subject,
    request_hash: RequestHash,
    body: &impl Body,
) -> Result<PreparedSubmission, Error> {
    let Subject { operation, billed_as, template_id, job_id, seconds, .. } = subject;
    let billing = submitter.billing();
    let rate_card = billing.rate_card();
    let estimate =
        options.estimate(rate_card, billed_as, subject.model_version.as_ref(), seconds)?;
    let id = EntryId::random();
    let now = Utc::now();
    let record = SubmissionRecord {
        operation: billed_as,
        template_id,
        job_id,
        name: body.name().map(str::to_owned),
        variables: body.variables(),
        model_version: body.model_version(),
        marker: subject.marker,
        sent_at: now,
        given_up_at: now,
        timeout: call.attempt_timeout,
        entry: id,
        before: subject.before,
    };
    let new = NewEntry {
        id,
        account: billing.account().clone(),
        key: options.parsed_key()?,
        label: options.label.clone(),
        operation: billed_as,
        request_hash,
        template_id,
        model_version: subject.model_version.unwrap_or(ModelVersion::Standard),
        job_id,
        seconds,
        estimate: estimate.as_ref().map(|estimate| estimate.credits),
        rate_card: rate_card.shared_name(),
        record,
        existing_render: subject.existing_render,
        repetition: options.repetition.unwrap_or(Repetition::Never),
        owner: billing.owner(),
        // Longer than the longest attempt.
        lease: call.attempt_timeout.saturating_add(LEASE_MARGIN),
        budgets: billing.own_budgets().to_vec(),
    };
    Ok(PreparedSubmission { operation, goal: Goal::of(billed_as), estimate, new })
}

/// Time by which a lease is longer than an attempt.
const LEASE_MARGIN: std::time::Duration = std::time::Duration::from_secs(15);

impl PreparedSubmission {
    /// Returns it as a dry run, if the budgets allow it.
    pub(super) async fn dry_run(
        self,
        submitter: &Submitter,
        body: &impl Serialize,
    ) -> Result<DryRun, Error> {
        let operation = self.new.operation;
        let request = serde_json::to_value(body)
            .map_err(|error| Error::invalid("the request").because(error))?;
        submitter.billing().check_budgets(self.new).await?;
        Ok(DryRun { operation, request, estimate: self.estimate })
    }
}

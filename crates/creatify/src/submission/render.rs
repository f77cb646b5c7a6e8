//! Builder of a render: the video of a job that has a preview.

use std::time::Duration;

use chrono::Utc;
use creatify_api::{Client as ApiClient, JobStatus, ModelVersion, OperationId, types};

use super::{
    options::{Options, options},
    send::{PreparedSubmission, SubmittedJob, Submitter, send},
};
use crate::{
    billing::{Billing, ExistingRender},
    credits::{BillableOperation, DurationRange},
    error::{ChargeRisk, Error, ErrorKind, JobVersion, RetrySafety, SubmissionRecord},
    job::{Goal, Job, JobHandle, JobId, TemplateId},
    variables::Variables,
};

/// A previewed job to be rendered. Nothing happens before [`send`](Self::send).
#[derive(Clone)]
#[must_use = "nothing is sent before `send`"]
pub struct Render<'c> {
    submitter: &'c Submitter,
    job: JobId,
    template: Option<(TemplateId, Variables)>,
    existing: ExistingRender,
    options: Options,
}

options!(Render);

impl<'c> Render<'c> {
    pub(crate) fn new(submitter: &'c Submitter, job: JobId) -> Self {
        let (existing, options) = (ExistingRender::Refuses, Options::default());
        Self { submitter, job, template: None, existing, options }
    }

    /// Sends the template and its variables again. Only for a service that refuses a render without
    /// them, which has not been observed.
    pub fn template(mut self, template: TemplateId, variables: Variables) -> Self {
        self.template = Some((template, variables));
        self
    }

    /// Sends it even if the job has a video, or a render of it is under way. **It may be charged a
    /// second time.**
    pub fn force(mut self) -> Self {
        self.existing = ExistingRender::Ignored;
        self
    }

    /// Reads the job, reserves the credits of its render, and sends it. **Costs the render rate.**
    /// One free request, and one billable; more only while the service certainly did not process
    /// it.
    ///
    /// # Errors
    ///
    /// - [`AlreadyRendered`](ErrorKind::AlreadyRendered): the job has a video; a second render
    ///   would be charged again. Nothing was sent.
    /// - [`AlreadyRunning`](ErrorKind::AlreadyRunning): the job is being made, or a render of it
    ///   was sent earlier and has not ended. Nothing was sent. Wait for it.
    /// - For others, see [`Preview::send`](crate::Preview::send).
    pub async fn send(self) -> Result<SubmittedJob, Error> {
        let handle = JobHandle { id: self.job, goal: Goal::Video };
        self.check_and_send(handle)
            .await
            .map_err(|error| if error.job().is_none() { error.of_job(handle) } else { error })
    }

    async fn check_and_send(self, handle: JobHandle) -> Result<SubmittedJob, Error> {
        let Self { submitter, job: id, template, existing, options } = self;
        options.check()?;
        if let Some((_, variables)) = &template {
            variables.check()?;
        }
        let call = options.bound(submitter.jobs().executor.options());
        let job = submitter.jobs().get(id, call).await?;
        if existing == ExistingRender::Refuses {
            refuse_second_render(&job)
                .map_err(|error| error.of_job(handle).seen(Some(job.clone())))?;
        }
        let model_version = options.model_version.clone().or_else(|| job.model_version().cloned());
        let seconds = options
            .seconds
            .or_else(|| {
                job.duration()
                    .filter(|duration| *duration > Duration::ZERO)
                    .map(DurationRange::from)
            })
            .or(submitter.default_duration);
        let billed_as = BillableOperation::Render;
        let rate_card = submitter.billing().rate_card();
        let estimate = options.estimate(rate_card, billed_as, model_version.as_ref(), seconds)?;
        let model_version = model_version.unwrap_or(ModelVersion::Standard);
        let pending = submitter.billing().begin(
            billed_as,
            &model_version,
            seconds,
            estimate.as_ref(),
            existing,
            |entry| entry.job_id = Some(id),
        )?;
        let pending = pending.charged_before(job.credits_used());
        let (template, variables) = template.unzip();
        let body = types::RenderCustomTemplateJobRequest {
            template_id: template.map(TemplateId::as_uuid),
            variables: variables.map(Variables::into_api),
            name: options.name,
            webhook_url: options.webhook_url,
            model_version: options.model_version,
            is_hidden: options.is_hidden,
        };
        let record = SubmissionRecord {
            operation: billed_as,
            template_id: template,
            job_id: Some(id),
            name: body.name.clone(),
            variables: None,
            model_version: body.model_version.clone(),
            marker: None, // its job is known by id
            sent_at: Utc::now(),
            given_up_at: Utc::now(),
            timeout: call.attempt_timeout,
            entry: Billing::entry_id(&pending).to_owned(),
            before: Some(JobVersion::of(&job)),
        };
        let prepared = PreparedSubmission {
            operation: OperationId::RenderCustomTemplateJob,
            goal: Goal::Video,
            model_version,
            estimate,
            pending,
            record,
        };
        let request = move |api: ApiClient| {
            let body = body.clone();
            async move { api.render_custom_template_job().id(id.as_uuid()).body(body).send().await }
        };
        send(submitter, call, prepared, request).await
    }
}

/// Refuses to render a job that has a video or is being made, as an unknown status may mean.
fn refuse_second_render(job: &Job) -> Result<(), Error> {
    if job.video_url().is_some() {
        let message = "the job has a video already, and rendering it again would be charged again";
        return Err(Error::new(ErrorKind::AlreadyRendered, message));
    }
    let running = |message: String, charge_risk, retry_safety| {
        let message = format!("{message}; a second render would be charged again");
        let error = Error::new(ErrorKind::AlreadyRunning, message);
        Err(error.charged(charge_risk).with_retry_safety(retry_safety))
    };
    match job.status() {
        JobStatus::Done | JobStatus::Failed | JobStatus::Rejected => Ok(()),
        status @ (JobStatus::Pending | JobStatus::InQueue | JobStatus::Running) => running(
            format!("the job is being made already (its status is {status})"),
            ChargeRisk::Charged,
            RetrySafety::Futile,
        ),
        status => running(
            format!("the job may be being made: its status {status} is not known"),
            ChargeRisk::Unknown,
            RetrySafety::Safe,
        ),
    }
}

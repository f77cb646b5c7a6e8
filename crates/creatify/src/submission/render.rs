//! Builder of a render: the video of a job that has a preview.

use std::time::Duration;

use creatify_api::{Client as ApiClient, JobStatus, OperationId, types};

use super::{
    options::{Options, options},
    prepare::{DryRun, PreparedSubmission, Subject, prepare, request_hash},
    replay::replay,
    send::{SubmittedJob, Submitter, send},
};
use crate::{
    credits::{BillableOperation, DurationRange},
    error::{ChargeRisk, Error, ErrorKind, RetrySafety},
    http::CallOptions,
    job::{Goal, Job, JobHandle, JobId, TemplateId},
    journal::{ExistingRender, Filter, JobVersion, RequestHash},
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
        let id = self.job;
        self.check_and_send(id)
            .await
            .map_err(|error| if error.job().is_none() { error.of_job(handle) } else { error })
    }

    /// Checks the render as [`send`](Self::send) does, and sends nothing billable. Free; one
    /// request.
    ///
    /// # Errors
    ///
    /// Those of `send` before it sends. A key is not looked up.
    pub async fn dry_run(self) -> Result<DryRun, Error> {
        let submitter = self.submitter;
        let (prepared, _, body) = self.prepare().await?;
        prepared.dry_run(submitter, &body).await
    }

    async fn check_and_send(self, id: JobId) -> Result<SubmittedJob, Error> {
        if let Some(replayed) = self.replay().await? {
            return Ok(replayed);
        }
        let submitter = self.submitter;
        let (prepared, call, body) = self.prepare().await?;
        let request = move |api: ApiClient| {
            let body = body.clone();
            async move { api.render_custom_template_job().id(id.as_uuid()).body(body).send().await }
        };
        send(submitter, call, prepared, request).await
    }

    /// Returns the result of an earlier render with the same key, without a request.
    async fn replay(&self) -> Result<Option<SubmittedJob>, Error> {
        if self.options.key.is_none() {
            return Ok(None);
        }
        let filter = Filter::default().key(self.options.parsed_key()?).jobs([self.job]);
        let entries = self.submitter.billing().entries(filter).await?;
        let latest = entries.into_iter().rfind(|entry| entry.operation == BILLED_AS);
        let Some(latest) = latest else { return Ok(None) };
        let repeats = latest.has_failed() && self.options.repetition.is_some();
        if repeats || latest.request_hash != self.request_hash(&self.body()) {
            return Ok(None); // decided when it begins
        }
        let call = self.options.bound(self.submitter.jobs().executor.options());
        replay(self.submitter, call, None, latest).await
    }

    fn request_hash(&self, body: &types::RenderCustomTemplateJobRequest) -> RequestHash {
        request_hash(BILLED_AS, Some(self.job), body)
    }

    fn body(&self) -> types::RenderCustomTemplateJobRequest {
        let (template, variables) = self.template.clone().unzip();
        let options = &self.options;
        types::RenderCustomTemplateJobRequest {
            template_id: template.map(TemplateId::as_uuid),
            variables: variables.map(Variables::into_api),
            name: options.name.clone(),
            webhook_url: options.webhook_url.clone(),
            model_version: options.model_version.clone(),
            is_hidden: options.is_hidden,
        }
    }

    async fn prepare(self) -> Result<Prepared, Error> {
        let body = self.body();
        let hash = self.request_hash(&body);
        let Self { submitter, job: id, template, existing, options } = self;
        options.check()?;
        options.parsed_key()?;
        if let Some((_, variables)) = &template {
            variables.check()?;
        }
        let call = options.bound(submitter.jobs().executor.options());
        let job = submitter.jobs().get(id, call).await?;
        if existing == ExistingRender::Refuses {
            refuse_second_render(&job).map_err(|error| error.seen(Some(job.clone())))?;
        }
        let duration = job.duration().filter(|duration| *duration > Duration::ZERO);
        let subject = Subject {
            operation: OperationId::RenderCustomTemplateJob,
            billed_as: BILLED_AS,
            template_id: template.map(|(template, _)| template),
            job_id: Some(id),
            before: Some(JobVersion::of(&job)),
            model_version: options.model_version.clone().or_else(|| job.model_version().cloned()),
            seconds: options
                .seconds
                .or_else(|| duration.map(DurationRange::from))
                .or(submitter.default_duration),
            existing_render: existing,
            marker: None, // its job is known by ID
        };
        let prepared = prepare(submitter, &options, call, subject, hash, &body)?;
        Ok((prepared, call, body))
    }
}

const BILLED_AS: BillableOperation = BillableOperation::Render;

type Prepared = (PreparedSubmission, CallOptions, types::RenderCustomTemplateJobRequest);

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

//! Builders of a preview and of a video from a template.

use creatify_api::{ModelVersion, OperationId, types};

use super::{
    options::{Options, markers, options},
    prepare::{DryRun, PreparedSubmission, Subject, prepare, request_hash},
    send::{SubmittedJob, Submitter, send},
};
use crate::{
    credits::BillableOperation, error::Error, http::CallOptions, job::TemplateId,
    journal::ExistingRender, variables::Variables,
};

/// A preview to be made from a template. Nothing happens before [`send`](Self::send).
#[derive(Clone)]
#[must_use = "nothing is sent before `send`"]
pub struct Preview<'c> {
    submitter: &'c Submitter,
    template: TemplateId,
    variables: Variables,
    endpoint: PreviewEndpoint,
    options: Options,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PreviewEndpoint {
    Asynchronous,
    Blocking,
}

/// A video to be made from a template, without a preview. Nothing happens before
/// [`send`](Self::send).
#[derive(Clone)]
#[must_use = "nothing is sent before `send`"]
pub struct Create<'c> {
    submitter: &'c Submitter,
    template: TemplateId,
    variables: Variables,
    options: Options,
}

options!(Preview);
options!(Create);
markers!(Preview);
markers!(Create);

impl<'c> Preview<'c> {
    pub(crate) fn new(
        submitter: &'c Submitter,
        template: TemplateId,
        variables: Variables,
    ) -> Self {
        let (endpoint, options) = (PreviewEndpoint::Asynchronous, Options::default());
        Self { submitter, template, variables, endpoint, options }
    }

    /// Uses the endpoint that answers only when the preview is ready. A connection that breaks
    /// meanwhile leaves the outcome unknown.
    pub fn blocking(mut self) -> Self {
        self.endpoint = PreviewEndpoint::Blocking;
        self
    }

    /// Checks the submission, reserves its credits, and sends it. **Costs the preview rate.** One
    /// request; more only while the service certainly did not process it.
    ///
    /// Once started, it continues in the background even if this future is dropped; the
    /// [journal](crate::Client::entries) then has the job.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput),
    ///   [`OverLimit`](crate::ErrorKind::OverLimit),
    ///   [`OverBudget`](crate::ErrorKind::OverBudget), [`Journal`](crate::ErrorKind::Journal), and
    ///   those of a [key](Self::key): nothing was sent.
    /// - [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown): the submission may have been
    ///   accepted. It was not sent again.
    /// - [`Undecodable`](crate::ErrorKind::Undecodable): the submission was accepted and charged;
    ///   [`Error::job`] has the handle if the answer had an id.
    /// - Any other: the submission was not accepted, and not charged.
    pub async fn send(self) -> Result<SubmittedJob, Error> {
        let submitter = self.submitter;
        let (prepared, call, body) = self.prepare()?;
        match prepared.operation {
            OperationId::PreviewCustomTemplateJob => {
                send(submitter, call, prepared, move |api| {
                    let body = body.clone();
                    async move { api.preview_custom_template_job().body(body).send().await }
                })
                .await
            }
            _ => {
                send(submitter, call, prepared, move |api| {
                    let body = body.clone();
                    async move { api.preview_custom_template_job_async().body(body).send().await }
                })
                .await
            }
        }
    }

    /// Checks the submission as [`send`](Self::send) does, and sends nothing. Free; no request.
    ///
    /// # Errors
    ///
    /// Those of `send` before it sends. A key is not looked up.
    pub async fn dry_run(self) -> Result<DryRun, Error> {
        let submitter = self.submitter;
        let (prepared, _, body) = self.prepare()?;
        prepared.dry_run(submitter, &body).await
    }

    fn prepare(self) -> Result<Prepared, Error> {
        let Self { submitter, template, variables, endpoint, options } = self;
        let executor = &submitter.jobs().executor;
        let (operation, call) = match endpoint {
            PreviewEndpoint::Asynchronous => {
                (OperationId::PreviewCustomTemplateJobAsync, executor.options())
            }
            PreviewEndpoint::Blocking => {
                (OperationId::PreviewCustomTemplateJob, executor.blocking_preview_options())
            }
        };
        let from_template =
            FromTemplate { template, variables, operation, billed_as: BillableOperation::Preview };
        from_template.prepare(submitter, options, call)
    }
}

impl<'c> Create<'c> {
    pub(crate) fn new(
        submitter: &'c Submitter,
        template: TemplateId,
        variables: Variables,
    ) -> Self {
        Self { submitter, template, variables, options: Options::default() }
    }

    /// Checks the submission, reserves its credits, and sends it. **Costs the create rate.** One
    /// request; more only while the service certainly did not process it.
    ///
    /// # Errors
    ///
    /// As for [`Preview::send`].
    pub async fn send(self) -> Result<SubmittedJob, Error> {
        let submitter = self.submitter;
        let (prepared, call, body) = self.prepare()?;
        send(submitter, call, prepared, move |api| {
            let body = body.clone();
            async move { api.create_custom_template_job().body(body).send().await }
        })
        .await
    }

    /// Checks the submission as [`send`](Self::send) does, and sends nothing. Free; no request.
    ///
    /// # Errors
    ///
    /// Those of `send` before it sends. A key is not looked up.
    pub async fn dry_run(self) -> Result<DryRun, Error> {
        let submitter = self.submitter;
        let (prepared, _, body) = self.prepare()?;
        prepared.dry_run(submitter, &body).await
    }

    fn prepare(self) -> Result<Prepared, Error> {
        let Self { submitter, template, variables, options } = self;
        let (operation, billed_as) =
            (OperationId::CreateCustomTemplateJob, BillableOperation::Create);
        let from_template = FromTemplate { template, variables, operation, billed_as };
        from_template.prepare(submitter, options, submitter.jobs().executor.options())
    }
}

/// A preview or video to be made from a template.
struct FromTemplate {
    template: TemplateId,
    variables: Variables,
    operation: OperationId,
    billed_as: BillableOperation,
}

type Prepared = (PreparedSubmission, CallOptions, types::CustomTemplateJobRequest);

impl FromTemplate {
    fn prepare(
        self,
        submitter: &Submitter,
        mut options: Options,
        call: CallOptions,
    ) -> Result<Prepared, Error> {
        let Self { template, variables, operation, billed_as } = self;
        let call = options.bound(call);
        options.check()?;
        variables.check()?;
        let mut body = types::CustomTemplateJobRequest {
            template_id: template.as_uuid(),
            variables: variables.into_api(),
            name: options.name.clone(),
            webhook_url: options.webhook_url.clone(),
            model_version: options.model_version.clone(),
            is_hidden: options.is_hidden,
        };
        let hash = request_hash(billed_as, None, &body);
        let marker = options.put_marker()?;
        options.check()?; // the marker makes a URL longer
        (body.name, body.webhook_url) = (options.name.clone(), options.webhook_url.clone());
        let seconds = options.seconds.or_else(|| {
            let learned = submitter.jobs().run_times.video_durations(template);
            // Other variables may give a longer or shorter video than the few known ones.
            match (learned, submitter.default_duration) {
                (Some(learned), Some(default)) => Some(
                    (learned.min().min(default.min())..=learned.max().max(default.max())).into(),
                ),
                (learned, default) => learned.or(default),
            }
        });
        let subject = Subject {
            operation,
            billed_as,
            template_id: Some(template),
            job_id: None,
            before: None,
            model_version: Some(options.model_version.clone().unwrap_or(ModelVersion::Standard)),
            seconds,
            existing_render: ExistingRender::Ignored,
            marker,
        };
        let prepared = prepare(submitter, &options, call, subject, hash, &body)?;
        Ok((prepared, call, body))
    }
}

//! Builders of a preview and of a video from a template.

use std::future::Future;

use chrono::Utc;
use creatify_api::{Client as ApiClient, ModelVersion, OperationId, types};

use super::{
    options::{Options, markers, options},
    send::{PreparedSubmission, SubmittedJob, Submitter, send},
};
use crate::{
    billing::{Billing, ExistingRender},
    credits::BillableOperation,
    error::{Error, SubmissionRecord},
    http::CallOptions,
    job::{Goal, TemplateId},
    variables::Variables,
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
    /// [ledger](crate::Client::ledger) then has the job.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput),
    ///   [`OverLimit`](crate::ErrorKind::OverLimit),
    ///   [`OverBudget`](crate::ErrorKind::OverBudget): nothing was sent.
    /// - [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown): the submission may have been
    ///   accepted. It was not sent again.
    /// - [`Undecodable`](crate::ErrorKind::Undecodable): the submission was accepted and charged;
    ///   [`Error::job`] has the handle if the answer had an id.
    /// - Any other: the submission was not accepted, and not charged.
    pub async fn send(self) -> Result<SubmittedJob, Error> {
        let Self { submitter, template, variables, endpoint, options } = self;
        let from_template = FromTemplate {
            template,
            variables,
            billed_as: BillableOperation::Preview,
            goal: Goal::Preview,
        };
        let executor = &submitter.jobs().executor;
        match endpoint {
            PreviewEndpoint::Asynchronous => {
                let operation = OperationId::PreviewCustomTemplateJobAsync;
                from_template
                    .send(
                        submitter,
                        options,
                        executor.options(),
                        operation,
                        |api, body| async move {
                            api.preview_custom_template_job_async().body(body).send().await
                        },
                    )
                    .await
            }
            PreviewEndpoint::Blocking => {
                let operation = OperationId::PreviewCustomTemplateJob;
                let call = executor.blocking_preview_options();
                from_template
                    .send(submitter, options, call, operation, |api, body| async move {
                        api.preview_custom_template_job().body(body).send().await
                    })
                    .await
            }
        }
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
        let Self { submitter, template, variables, options } = self;
        let from_template = FromTemplate {
            template,
            variables,
            billed_as: BillableOperation::Create,
            goal: Goal::Video,
        };
        let call = submitter.jobs().executor.options();
        let operation = OperationId::CreateCustomTemplateJob;
        from_template
            .send(submitter, options, call, operation, |api, body| async move {
                api.create_custom_template_job().body(body).send().await
            })
            .await
    }
}

/// A preview or video to be made from a template.
struct FromTemplate {
    template: TemplateId,
    variables: Variables,
    billed_as: BillableOperation,
    goal: Goal,
}

impl FromTemplate {
    async fn send<F>(
        self,
        submitter: &Submitter,
        mut options: Options,
        call: CallOptions,
        operation: OperationId,
        request: impl Fn(ApiClient, types::CustomTemplateJobRequest) -> F + Send + Sync + 'static,
    ) -> Result<SubmittedJob, Error>
    where
        F: Future<
                Output = Result<
                    creatify_api::ResponseValue<types::CustomTemplateJob>,
                    creatify_api::Error<()>,
                >,
            > + Send
            + 'static,
    {
        let Self { template, variables, billed_as, goal } = self;
        let call = options.bound(call);
        let marker = options.put_marker()?;
        options.check()?;
        variables.check()?;
        let model_version = options.model_version.clone().unwrap_or(ModelVersion::Standard);
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
        let rate_card = submitter.billing().rate_card();
        let estimate = options.estimate(rate_card, billed_as, Some(&model_version), seconds)?;
        let pending = submitter.billing().begin(
            billed_as,
            &model_version,
            seconds,
            estimate.as_ref(),
            ExistingRender::Ignored,
            |entry| entry.template_id = Some(template),
        )?;
        let body = types::CustomTemplateJobRequest {
            template_id: template.as_uuid(),
            variables: variables.into_api(),
            name: options.name,
            webhook_url: options.webhook_url,
            model_version: options.model_version,
            is_hidden: options.is_hidden,
        };
        let record = SubmissionRecord {
            operation: billed_as,
            template_id: Some(template),
            job_id: None,
            name: body.name.clone(),
            variables: serde_json::to_value(&body.variables).ok(),
            model_version: body.model_version.clone(),
            marker,
            sent_at: Utc::now(),
            given_up_at: Utc::now(),
            timeout: call.attempt_timeout,
            entry: Billing::entry_id(&pending).to_owned(),
            before: None,
        };
        let prepared =
            PreparedSubmission { operation, goal, model_version, estimate, pending, record };
        send(submitter, call, prepared, move |api| request(api, body.clone())).await
    }
}

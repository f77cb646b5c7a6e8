//! How is something paid for? Checked here first, held against a limit, sent once, and accepted, refused or of unknown outcome.

mod accepted_id;
mod options;
mod order;

use chrono::Utc;
use creatify_api::{Client as ApiClient, ModelVersion, OperationId, types};

use crate::{
    accounts::Accounts,
    client::Client,
    credits::{DurationRange, Estimate, Operation},
    error::{Error, ErrorKind, Sent},
    job::{Goal, Job, JobHandle, JobId, TemplateId},
    variables::Variables,
    wait::{Likeness, Wait},
};
#[cfg(fuzzing)]
pub(crate) use accepted_id::find as accepted_id;
use options::{Marker, Options, options};
use order::{Order, submit};

/// What the service accepted, and charged.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Accepted {
    /// How to find it again. Write it down.
    pub handle: JobHandle,
    /// The job as it was answered; for a blocking preview it is done.
    pub job: Job,
    /// What it was estimated to cost, when the duration was known.
    pub estimate: Option<Estimate>,
    /// What other jobs are like it, when its template is known.
    likeness: Option<Likeness>,
}

impl Accepted {
    /// Waits for the job's goal, from what is known already. See [`JobHandle::wait`].
    pub fn wait(&self, client: &Client) -> Wait {
        Wait::new(client.clone(), self.handle)
            .submitted_here(self.job.clone(), self.likeness.clone())
    }
}

/// Which request a submission makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Preview,
    BlockingPreview,
    Create,
}

impl Kind {
    fn operation(self) -> OperationId {
        match self {
            Self::Preview => OperationId::PreviewCustomTemplateJobAsync,
            Self::BlockingPreview => OperationId::PreviewCustomTemplateJob,
            Self::Create => OperationId::CreateCustomTemplateJob,
        }
    }

    fn billed_as(self) -> Operation {
        match self {
            Self::Preview | Self::BlockingPreview => Operation::Preview,
            Self::Create => Operation::Create,
        }
    }

    fn goal(self) -> Goal {
        match self {
            Self::Preview | Self::BlockingPreview => Goal::Preview,
            Self::Create => Goal::Video,
        }
    }
}

/// A preview or a video to be made from a template. Nothing happens before [`send`](Self::send).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `send`"]
pub struct Submission<'c> {
    client: &'c Client,
    kind: Kind,
    template: TemplateId,
    variables: Variables,
    options: Options,
}

/// A previewed job to be rendered. Nothing happens before [`send`](Self::send).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `send`"]
pub struct Render<'c> {
    client: &'c Client,
    job: JobId,
    options: Options,
}

options!(Submission);
options!(Render);

impl<'c> Submission<'c> {
    pub(crate) fn new(
        client: &'c Client,
        kind: Kind,
        template: TemplateId,
        variables: Variables,
    ) -> Self {
        Self { client, kind, template, variables, options: Options::default() }
    }

    /// Uses the preview endpoint that blocks until the preview is ready. A connection that breaks meanwhile leaves the outcome unknown.
    /// A video is never made by a blocking call: for one, this changes nothing.
    pub fn blocking(mut self) -> Self {
        if self.kind == Kind::Preview {
            self.kind = Kind::BlockingPreview;
        }
        self
    }

    /// Makes the job recognisable should the answer be lost: a short random marker becomes its name, unless it has one.
    pub fn marked_in_name(mut self) -> Self {
        self.options.marker = Some(Marker::Name);
        self
    }

    /// Makes the job recognisable should the answer be lost: a short random marker becomes a query parameter of the webhook URL.
    pub fn marked_in_webhook_url(mut self) -> Self {
        self.options.marker = Some(Marker::WebhookUrl);
        self
    }

    /// Checks it, holds it against the limit, and sends it. **Costs credits.** One request; more only while the service certainly did
    /// not process it.
    ///
    /// Once begun it goes on in the background even when this future is dropped; the [ledger](Client::ledger) then has the job.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](ErrorKind::InvalidInput), [`OverLimit`](ErrorKind::OverLimit): nothing was sent.
    /// - [`OutcomeUnknown`](ErrorKind::OutcomeUnknown): it may have been accepted. It was not sent again.
    /// - [`Undecodable`](ErrorKind::Undecodable): it was accepted and charged; [`Error::job`] has the handle if the answer had an id.
    /// - Any other: it was not accepted, and not charged.
    pub async fn send(self) -> Result<Accepted, Error> {
        let Self { client, kind, template, variables, mut options } = self;
        let marker = options.put_marker()?;
        options.check()?;
        variables.check()?;
        let model_version = options.model_version.clone().unwrap_or(ModelVersion::Standard);
        let seconds = options
            .seconds
            .or_else(|| client.accounts().durations_of(template))
            .or(client.default_duration());
        let estimate = options.estimate(client, kind.billed_as(), &model_version, seconds)?;
        let open = client.accounts().begin(
            kind.billed_as(),
            &model_version,
            seconds,
            estimate.as_ref(),
            |entry| {
                entry.template_id = Some(template);
            },
        )?;
        let body = types::CustomTemplateJobRequest {
            template_id: template.as_uuid(),
            variables: variables.into_api(),
            name: options.name,
            webhook_url: options.webhook_url,
            model_version: options.model_version,
            is_hidden: options.is_hidden,
        };
        let patience = if kind == Kind::BlockingPreview {
            client.blocking_patience()
        } else {
            client.patience()
        };
        let sent = Sent {
            operation: kind.billed_as(),
            template_id: Some(template),
            job_id: None,
            name: body.name.clone(),
            variables: serde_json::to_value(&body.variables).ok(),
            model_version: body.model_version.clone(),
            marker,
            sent_at: Utc::now(),
            given_up_at: Utc::now(),
            timeout: patience.attempt,
            entry: Accounts::entry_id(&open).to_owned(),
        };
        let send = move |api: ApiClient| {
            let body = body.clone();
            async move {
                match kind {
                    Kind::Preview => {
                        api.preview_custom_template_job_async().body(body).send().await
                    }
                    Kind::BlockingPreview => {
                        api.preview_custom_template_job().body(body).send().await
                    }
                    Kind::Create => api.create_custom_template_job().body(body).send().await,
                }
            }
        };
        submit(
            client,
            patience,
            Order { operation: kind.operation(), goal: kind.goal(), estimate, open, sent },
            send,
        )
        .await
    }
}

impl<'c> Render<'c> {
    pub(crate) fn new(client: &'c Client, job: JobId) -> Self {
        Self { client, job, options: Options::default() }
    }

    /// Looks at the job, holds the render against the limit, and sends it. **Costs credits.** One free request, and one billable; more
    /// only while the service certainly did not process it.
    ///
    /// # Errors
    ///
    /// - [`AlreadyRendered`](ErrorKind::AlreadyRendered): the job has a video; a second render would be charged again. Nothing was sent.
    /// - For others, see [`Submission::send`].
    pub async fn send(self) -> Result<Accepted, Error> {
        let Self { client, job: id, options } = self;
        let handle = JobHandle { id, goal: Goal::Video };
        options.check()?;
        let job = client.job(id).await.map_err(|error| error.of_job(handle))?;
        if job.video_output().is_some() {
            let message =
                "the job has a video already, and rendering it again would be charged again";
            return Err(Error::new(ErrorKind::AlreadyRendered, message)
                .of_job(handle)
                .seen(Some(job)));
        }
        let model_version = options
            .model_version
            .as_ref()
            .or(job.model_version())
            .unwrap_or(&ModelVersion::Standard);
        let seconds = options
            .seconds
            .or_else(|| job.duration().map(DurationRange::from))
            .or(client.default_duration());
        let estimate = options
            .estimate(client, Operation::Render, model_version, seconds)
            .map_err(|error| error.of_job(handle))?;
        let open = client
            .accounts()
            .begin(Operation::Render, model_version, seconds, estimate.as_ref(), |entry| {
                entry.job_id = Some(id)
            })
            .map_err(|error| error.of_job(handle))?;
        let body = types::RenderCustomTemplateJobRequest {
            template_id: None,
            variables: None,
            name: options.name,
            webhook_url: options.webhook_url,
            model_version: options.model_version,
            is_hidden: options.is_hidden,
        };
        let sent = Sent {
            operation: Operation::Render,
            template_id: None,
            job_id: Some(id),
            name: body.name.clone(),
            variables: None,
            model_version: body.model_version.clone(),
            marker: None, // its id is exact
            sent_at: Utc::now(),
            given_up_at: Utc::now(),
            timeout: client.patience().attempt,
            entry: Accounts::entry_id(&open).to_owned(),
        };
        let send = move |api: ApiClient| {
            let body = body.clone();
            async move { api.render_custom_template_job().id(id.as_uuid()).body(body).send().await }
        };
        let order = Order {
            operation: OperationId::RenderCustomTemplateJob,
            goal: Goal::Video,
            estimate,
            open,
            sent,
        };
        submit(client, client.patience(), order, send)
            .await
            .map_err(|error| if error.job().is_none() { error.of_job(handle) } else { error })
    }
}

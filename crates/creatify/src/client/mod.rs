//! The client: one account, one service, and how patient to be with it.

mod builder;

use std::{env, fmt, sync::Arc};

use creatify_api::{Client as ApiClient, Context, Credentials, OperationId, limits, types};
use tokio::time::Instant;

pub use builder::ClientBuilder;
use builder::Settings;

use crate::{
    accounts::Accounts,
    call::Patience,
    credits::{
        Budget, Credits, DurationRange, Estimate, EstimateError, Ledger, Mismatch, Operation,
        RateCard,
    },
    error::Error,
    job::{Job, JobId, TemplateId},
    pace::Pace,
    submission::{Kind, Render, Submission},
    variables::Variables,
    wait::{Earlier, Schedule, Watcher},
};

/// The service itself (documented).
pub const DEFAULT_BASE_URL: &str = "https://api.creatify.ai";

/// A client of one account. Cheap to clone; clones share everything.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use creatify::{Client, Credentials};
/// use std::time::Duration;
///
/// let client = Client::builder()
///     .credentials(Credentials::new("my-api-id", std::fs::read_to_string("/run/secrets/creatify")?)?)
///     .attempt_timeout(Duration::from_secs(10))
///     .build()?;
/// println!("{} credits left", client.remaining_credits().await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    downloads: reqwest::Client,
    base_url: String,
    credentials: Credentials,
    accounts: Accounts,
    pace: Pace,
    watcher: Watcher,
    earlier: Earlier,
    settings: Settings,
}

impl Client {
    /// Settings to start from.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// A client of the account in `CREATIFY_API_ID` and `CREATIFY_API_KEY`, at `CREATIFY_BASE_URL` if that is set.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when one is missing or wrong.
    pub fn from_env() -> Result<Self, Error> {
        let required = |name| {
            env::var(name)
                .map_err(|_| Error::invalid(format!("the environment variable {name} is not set")))
        };
        let credentials = Credentials::new(
            required("CREATIFY_API_ID")?,
            required("CREATIFY_API_KEY")?,
        )
        .map_err(|error| {
            Error::invalid("the credentials in the environment cannot be used").because(error)
        })?;
        let builder = Self::builder().credentials(credentials);
        match env::var("CREATIFY_BASE_URL") {
            Ok(url) if !url.is_empty() => builder.base_url(url).build(),
            _ => builder.build(),
        }
    }

    /// Starts a preview of a template: costs the preview rate (1 credit for every started 30 s by default) once it is
    /// [sent](Submission::send).
    ///
    /// It is made asynchronously, so that a broken connection loses nothing; [`Submission::blocking`] chooses the other endpoint.
    pub fn preview(&self, template: TemplateId, variables: Variables) -> Submission<'_> {
        Submission::new(self, Kind::Preview, template, variables)
    }

    /// Makes a video without a preview: costs the create rate once it is [sent](Submission::send).
    pub fn create(&self, template: TemplateId, variables: Variables) -> Submission<'_> {
        Submission::new(self, Kind::Create, template, variables)
    }

    /// Makes the video of a job that has a preview: costs the render rate once it is [sent](Render::send).
    pub fn render(&self, job: JobId) -> Render<'_> {
        Render::new(self, job)
    }

    /// Looks at a job. Free; one request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) with status 404 when there is no such job.
    pub async fn job(&self, id: JobId) -> Result<Job, Error> {
        let job = self.get_job(id, self.patience()).await?;
        self.accounts().saw(&job);
        Ok(job)
    }

    /// Lists jobs: those asked for, or the account's when none is. Free; one request, and one more for each further page.
    ///
    /// The service does not promise this: it may ignore `ids` or not offer the call at all. A job that is missing from the answer is not
    /// proven missing; ask for it with [`job`](Self::job).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for more ids than the service takes (100), and
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) with status 404 or 405 when it does not offer the call.
    pub async fn jobs(&self, ids: &[JobId]) -> Result<Vec<Job>, Error> {
        if ids.len() > limits::IDS {
            return Err(Error::invalid(format!(
                "{} ids in one request; at most {} are taken",
                ids.len(),
                limits::IDS
            )));
        }
        let list = self.first_page_of_jobs(ids, self.patience()).await?;
        let jobs = self.all_pages(OperationId::ListCustomTemplateJobs, list).await?;
        let jobs: Vec<_> = jobs.into_iter().map(Job::from).collect();
        jobs.iter().for_each(|job| self.accounts().saw(job));
        Ok(jobs)
    }

    /// Lists the account's templates. Free; one request, and one more for each further page.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind).
    pub async fn templates(&self) -> Result<Vec<crate::Template>, Error> {
        let list = self
            .call(OperationId::ListCustomTemplates, self.patience(), |api| async move {
                api.list_custom_templates().send().await
            })
            .await
            .map_err(|failed| failed.into_error())?;
        self.all_pages(OperationId::ListCustomTemplates, list).await
    }

    /// Reads the balance. Free; one request. A failed request is an error, never a balance of zero.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind).
    pub async fn remaining_credits(&self) -> Result<Credits, Error> {
        let balance = self
            .call(OperationId::GetRemainingCredits, self.patience(), |api| async move {
                api.get_remaining_credits().send().await
            })
            .await
            .map_err(|failed| failed.into_error())?;
        Credits::from_number(&balance.remaining_credits).ok_or_else(|| {
            Error::new(
                crate::ErrorKind::Undecodable,
                format!("the balance {} is not a decimal", balance.remaining_credits),
            )
            .during(OperationId::GetRemainingCredits)
        })
    }

    /// What `count` equal submissions will cost, by this client's rate card. Offline and free.
    ///
    /// # Errors
    ///
    /// When the card has no rate for the operation and model, or the amount is too large to hold.
    pub fn estimate(
        &self,
        operation: Operation,
        model_version: &creatify_api::ModelVersion,
        seconds: impl Into<DurationRange>,
        count: u32,
    ) -> Result<Estimate, EstimateError> {
        self.0.settings.rate_card.estimate(operation, model_version, seconds, count)
    }

    /// Makes sure that the account has the credits for something large, before any of it is sent. Free; one request.
    ///
    /// Others may spend from the same account meanwhile, so this is no reservation.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InsufficientCredits`](crate::ErrorKind::InsufficientCredits) when the balance is below `credits`, and any error of
    /// [`remaining_credits`](Self::remaining_credits): a balance that cannot be read is not taken for enough, nor for zero.
    pub async fn check_balance(&self, credits: Credits) -> Result<(), Error> {
        let balance = self.remaining_credits().await?;
        if balance >= credits {
            return Ok(());
        }
        let message = format!(
            "the account has {balance} credits, and {credits} may be needed; nothing was sent"
        );
        Err(Error::new(crate::ErrorKind::InsufficientCredits, message)
            .during(OperationId::GetRemainingCredits))
    }

    /// Where it sends its requests.
    pub fn base_url(&self) -> &str {
        &self.0.base_url
    }

    /// The prices that it estimates by.
    pub fn rate_card(&self) -> &RateCard {
        &self.0.settings.rate_card
    }

    /// The budget that every submission is held against, if there is one.
    pub fn budget(&self) -> Option<&Budget> {
        self.accounts().budget()
    }

    /// Where billable calls are entered.
    pub fn ledger(&self) -> &Ledger {
        self.accounts().ledger()
    }

    /// Whether what recent jobs were charged contradicts the rate card, and which card fits. This is how a silent price change shows.
    pub fn rate_card_mismatch(&self) -> Option<Mismatch> {
        self.accounts().mismatch()
    }

    pub(crate) fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    pub(crate) fn pace(&self) -> &Pace {
        &self.0.pace
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.0.credentials
    }

    pub(crate) fn context(&self) -> Context {
        Context::new(self.credentials().clone())
    }

    pub(crate) fn api(&self, context: Context) -> ApiClient {
        ApiClient::new_with_client(&self.0.base_url, self.0.http.clone(), context)
    }

    pub(crate) fn downloads(&self) -> &reqwest::Client {
        &self.0.downloads
    }

    pub(crate) fn watcher(&self) -> &Watcher {
        &self.0.watcher
    }

    pub(crate) fn earlier(&self) -> &Earlier {
        &self.0.earlier
    }

    pub(crate) fn schedule(&self) -> &Arc<dyn Schedule> {
        &self.0.settings.schedule
    }

    pub(crate) fn default_duration(&self) -> Option<DurationRange> {
        self.0.settings.default_duration
    }

    /// One job as it is now.
    pub(crate) async fn get_job(&self, id: JobId, patience: Patience) -> Result<Job, Error> {
        let get = |api: ApiClient| async move {
            api.get_custom_template_job().id(id.as_uuid()).send().await
        };
        let job = self.call(OperationId::GetCustomTemplateJob, patience, get).await;
        job.map(Job::from).map_err(|failed| failed.into_error())
    }

    /// These jobs, or all, as far as the first answer shows them.
    pub(crate) async fn first_page_of_jobs(
        &self,
        ids: &[JobId],
        patience: Patience,
    ) -> Result<types::CustomTemplateJobList, Error> {
        let joined = ids.iter().map(JobId::to_string).collect::<Vec<_>>().join(",");
        let list = |api: ApiClient| {
            let joined = joined.clone();
            async move {
                let request = api.list_custom_template_jobs();
                if joined.is_empty() {
                    request.send().await
                } else {
                    request.ids(joined).send().await
                }
            }
        };
        self.call(OperationId::ListCustomTemplateJobs, patience, list)
            .await
            .map_err(|failed| failed.into_error())
    }

    /// For an ordinary call that starts now.
    pub(crate) fn patience(&self) -> Patience {
        let settings = &self.0.settings;
        Patience {
            attempt: settings.attempt_timeout,
            deadline: Instant::now() + settings.call_timeout,
            attempts: settings.attempts,
        }
    }

    /// For the endpoint that answers only when the preview is ready.
    pub(crate) fn blocking_patience(&self) -> Patience {
        let patience = self.patience();
        let attempt = self.0.settings.blocking_preview_timeout;
        Patience { attempt, deadline: patience.deadline + attempt, ..patience }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.0.base_url).finish_non_exhaustive()
    }
}

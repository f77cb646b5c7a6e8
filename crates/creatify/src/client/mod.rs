//! The client of one account of one service.

mod builder;

use std::{fmt, path::PathBuf, sync::Arc};

use creatify_api::{ModelVersion, OperationId, limits};
use futures_util::future::join_all;

pub use builder::ClientBuilder;

use crate::{
    credits::{
        BillableOperation, Credits, DurationRange, Estimate, EstimateError, Mismatch, RateCard,
    },
    download::{Download, DownloadClient},
    error::{Error, ErrorKind},
    http::{CallError, Executor},
    job::{Goal, Job, JobHandle, JobId, TemplateId},
    jobs::JobReader,
    journal::{Account, Budget, BudgetState, Entry, Filter, Journal, SubmissionRecord},
    submission::{Create, Preview, Reconcile, Render, Submitter, reconcile},
    template::Template,
    variables::Variables,
    wait::Wait,
};

/// Base URL of the service (documented).
pub const DEFAULT_BASE_URL: &str = "https://api.creatify.ai";

/// A client of one account. Cheap to clone; clones share everything.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use creatify::{Client, Credentials};
/// use std::time::Duration;
///
/// let key = std::fs::read_to_string("/run/secrets/creatify")?;
/// let client = Client::builder()
///     .credentials(Credentials::new("my-api-id", key)?)
///     .attempt_timeout(Duration::from_secs(10))
///     .build()?;
/// println!("{} credits left", client.remaining_credits().await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    submitter: Submitter,
    downloads: DownloadClient,
}

impl Client {
    /// Returns a builder with the default settings.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// Builds a client of the account in `CREATIFY_API_ID` and `CREATIFY_API_KEY`, at
    /// `CREATIFY_BASE_URL` if that is set. A variable that is set to nothing counts as unset.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] when one is missing or wrong.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().from_env()?.build()
    }

    /// Prepares a preview of a template. It costs the preview rate (1 credit for every started 30 s
    /// by default) once it is [sent](Preview::send).
    ///
    /// It is made asynchronously, so that a broken connection loses nothing; [`Preview::blocking`]
    /// chooses the other endpoint.
    pub fn preview(&self, template: TemplateId, variables: Variables) -> Preview<'_> {
        Preview::new(&self.0.submitter, template, variables)
    }

    /// Prepares a video without a preview. It costs the create rate once it is
    /// [sent](Create::send).
    pub fn create(&self, template: TemplateId, variables: Variables) -> Create<'_> {
        Create::new(&self.0.submitter, template, variables)
    }

    /// Prepares the video of a job that has a preview. It costs the render rate once it is
    /// [sent](Render::send).
    pub fn render(&self, job: JobId) -> Render<'_> {
        Render::new(&self.0.submitter, job)
    }

    /// Waits for any job of the account, also one that another program submitted, for at most 20
    /// minutes unless [`Wait::timeout`] sets another time-out. Free.
    ///
    /// # Errors
    ///
    /// See [`Wait`].
    ///
    /// ```no_run
    /// # async fn example(client: creatify::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// let handle = "video:7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11".parse()?;
    /// let job = client.wait(handle).timeout(Duration::from_secs(600)).await?;
    /// println!("{:?}", job.video_url());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "poll")]
    pub fn wait(&self, handle: JobHandle) -> Wait {
        let Submitter { batcher, policy, .. } = &self.0.submitter;
        Wait::new(batcher.clone(), handle, policy.clone())
    }

    /// Waits for several jobs at once, and returns the outcome of each in the order given: one that
    /// fails does not stop the others. Free; they share their requests.
    ///
    /// ```no_run
    /// # async fn example(client: creatify::Client, handles: Vec<creatify::JobHandle>) {
    /// for (handle, outcome) in handles.iter().zip(client.wait_all(&handles).await) {
    ///     match outcome {
    ///         Ok(job) => println!("{handle} {:?}", job.video_url()),
    ///         Err(error) => println!("{handle} {error}"),
    ///     }
    /// }
    /// # }
    /// ```
    pub fn wait_all(
        &self,
        handles: &[JobHandle],
    ) -> impl Future<Output = Vec<Result<Job, Error>>> + Send + use<> {
        join_all(handles.iter().map(|handle| self.wait(*handle)).collect::<Vec<_>>())
    }

    /// Tells the waits for a job that it may have changed, so that it is polled at once. Free: at
    /// most one request, and none when nobody waits for the job.
    ///
    /// A hint never ends a wait by itself: anyone can post to a webhook URL. Hints that show
    /// nothing new cost at most one request a minute for each job. Waits for jobs with a webhook
    /// URL learn how reliable hints are, and poll less often the more they are.
    ///
    /// ```no_run
    /// # fn example(client: creatify::Client, body: &[u8]) -> creatify::Result<()> {
    /// let delivery = creatify::webhook::parse(body)?;
    /// client.hint(delivery.job);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "webhook")]
    pub fn hint(&self, job: JobId) {
        self.0.submitter.batcher.hint(job);
    }

    /// Reads a job. Free; one request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`] with status 404 when there is no such job.
    pub async fn job(&self, id: JobId) -> Result<Job, Error> {
        self.jobs().get(id, self.executor().options()).await
    }

    /// Lists the jobs of the account. Free; one request, and one more for each further page, up to
    /// 100.
    ///
    /// The service does not promise this call.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`] with status 404 or 405 when the service does not offer it.
    pub async fn list_jobs(&self) -> Result<Vec<Job>, Error> {
        self.jobs().list(&[]).await
    }

    /// Reads several jobs at once; at most 100. Free; one request, none when `ids` is empty.
    ///
    /// The service does not promise this call, and may ignore the ids: then the answer has other
    /// jobs too. A job that is missing from it may still exist; read it with [`job`](Self::job).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for more ids than the service takes, and [`ErrorKind::Refused`]
    /// with status 404 or 405 when it does not offer the call.
    pub async fn get_jobs(&self, ids: &[JobId]) -> Result<Vec<Job>, Error> {
        match ids.len() {
            0 => Ok(Vec::new()),
            length if length > limits::IDS => {
                let most = limits::IDS;
                Err(Error::invalid(format!(
                    "{length} ids in one request; at most {most} are taken"
                )))
            }
            _ => self.jobs().list(ids).await,
        }
    }

    /// Lists the account's templates. Free; one request, and one more for each further page.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`].
    pub async fn templates(&self) -> Result<Vec<Template>, Error> {
        let operation = OperationId::ListCustomTemplates;
        let executor = self.executor();
        let list = executor
            .call(operation, executor.options(), |api| async move {
                api.list_custom_templates().send().await
            })
            .await
            .map_err(CallError::into_error)?;
        let templates = executor.all_pages(operation, list).await?;
        Ok(templates.into_iter().map(Template::from).collect())
    }

    /// Reads the balance. Free; one request. A failed request is an error, never a balance of zero.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`].
    #[doc(alias = "balance")]
    pub async fn remaining_credits(&self) -> Result<Credits, Error> {
        let operation = OperationId::GetRemainingCredits;
        let executor = self.executor();
        let balance = executor
            .call(operation, executor.options(), |api| async move {
                api.get_remaining_credits().send().await
            })
            .await
            .map_err(CallError::into_error)?;
        Credits::from_number(&balance.remaining_credits).ok_or_else(|| {
            let message = format!("the balance {} is not a decimal", balance.remaining_credits);
            Error::new(ErrorKind::Undecodable, message).during(operation)
        })
    }

    /// Checks that the account has the credits for something large, before any of it is sent. Free;
    /// one request.
    ///
    /// Others may spend from the same account meanwhile, so this is no reservation.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InsufficientCredits`] when the balance is below `credits`, and any error of
    /// [`remaining_credits`](Self::remaining_credits): a balance that cannot be read counts neither
    /// as enough nor as zero.
    pub async fn check_balance(&self, credits: Credits) -> Result<(), Error> {
        let balance = self.remaining_credits().await?;
        if balance >= credits {
            return Ok(());
        }
        let message = format!(
            "the account has {}, and {} may be needed; nothing was sent",
            balance.in_words(),
            credits.in_words()
        );
        Err(Error::new(ErrorKind::InsufficientCredits, message)
            .during(OperationId::GetRemainingCredits))
    }

    /// Estimates the cost of `count` equal submissions, by this client's rate card. Offline and
    /// free.
    ///
    /// # Errors
    ///
    /// When the card has no rate for the operation and model, or the amount is too large to hold.
    pub fn estimate(
        &self,
        operation: BillableOperation,
        model_version: &ModelVersion,
        duration: impl Into<DurationRange>,
        count: u32,
    ) -> Result<Estimate, EstimateError> {
        self.rate_card().estimate(operation, model_version, duration, count)
    }

    /// Downloads a job's video, or its preview's page, to a file; into a directory when
    /// `destination` is one, as `JOB_ID.mp4` or `JOB_ID.preview.html`. Free.
    ///
    /// The video's link has no documented lifetime, so download it as soon as the job is done. The
    /// request has no credentials and uses https; links to this machine are followed only if the
    /// API is on it. The file is written as `NAME.part` and renamed when it is whole. Only one
    /// download at a time writes to a file, and existing files are kept unless
    /// [`overwrite`](Download::overwrite) is called.
    ///
    /// A download that broke off is resumed where it stopped, in the same call or a later one, if
    /// the storage proves that the file is still the same version: by a strong `ETag`, the total
    /// length and `Last-Modified`. Otherwise it starts over, and nothing is left behind when it
    /// fails. While the storage does not have the file yet (403, 404), the request is repeated for
    /// 30 s. When the link has expired, the job is read again for a new one, which is free. Pauses
    /// that the storage asks for are kept to. [`timeout`](Download::timeout) and
    /// [`min_speed`](Download::min_speed) bound the whole download.
    ///
    /// An empty file is refused, and so is a file that should be a video and is none by its first
    /// bytes and declared type, such as a web page, XML or JSON. Declared compression (gzip,
    /// deflate) is undone. If the storage does not tell the length, a file that is cut off is
    /// noticed only if it is an MP4, by its boxes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoOutput`] when the job does not have it yet, [`ErrorKind::InvalidInput`] when
    /// the destination is in the way, [`ErrorKind::Download`] when it could not be fetched or
    /// written.
    ///
    /// ```no_run
    /// # async fn example(client: creatify::Client, job: creatify::Job) -> creatify::Result<()> {
    /// let file = client.download(&job, creatify::Goal::Video, "videos/").await?;
    /// println!("{} bytes in {}", file.bytes, file.path.display());
    /// # Ok(())
    /// # }
    /// ```
    pub fn download(
        &self,
        job: &Job,
        output: Goal,
        destination: impl Into<PathBuf>,
    ) -> Download<'_> {
        Download::new(&self.0.downloads, job, output, destination.into())
    }

    /// Looks for the job of a submission whose outcome is unknown: a render by its id, anything
    /// else in the list of jobs. Free.
    ///
    /// A match that is exact is returned at once. Otherwise it waits until a list must show the
    /// job: until the request's time-out and a listing lag of 15 s have passed. Jobs that the
    /// journal knows from other submissions are not proposed.
    ///
    /// # Errors
    ///
    /// Any error of [`list_jobs`](Self::list_jobs) and [`job`](Self::job). The outcome stays
    /// unknown then.
    ///
    /// ```no_run
    /// # use creatify::{Client, Error};
    /// # async fn example(client: Client, error: Error) -> creatify::Result<()> {
    /// use creatify::{MatchConfidence, Reconciled};
    ///
    /// if let Some(record) = error.submission_record() {
    ///     match client.reconcile(record).adopt(MatchConfidence::Exact).await? {
    ///         Reconciled::Found(found) if found.adopted => {
    ///             client.wait(found.handle).await?;
    ///         }
    ///         other => println!("to be decided by a person: {other:?}"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn reconcile(&self, record: &SubmissionRecord) -> Reconcile<'_> {
        Reconcile::new(&self.0.submitter, record)
    }

    /// Assigns a job to a submission of unknown outcome, after [`reconcile`](Self::reconcile), so
    /// that its charge is settled when the job ends. No request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] when the submission has another job or is of another account,
    /// and [`ErrorKind::Journal`].
    pub async fn adopt(&self, record: &SubmissionRecord, job: &Job) -> Result<JobHandle, Error> {
        reconcile::adopt(&self.0.submitter, record, job).await
    }

    /// Declares that a submission of unknown outcome was certainly not accepted, and releases its
    /// reservation. No request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] when the submission was accepted, is being sent, or is of
    /// another account, and [`ErrorKind::Journal`].
    pub async fn disown(&self, record: &SubmissionRecord) -> Result<(), Error> {
        self.jobs().billing.disown(record.entry).await
    }

    /// Reads this account's entries of the journal, oldest first. No request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Journal`].
    ///
    /// ```no_run
    /// # async fn example(client: creatify::Client) -> creatify::Result<()> {
    /// use creatify::journal::Filter;
    ///
    /// for entry in client.entries(Filter::default().open()).await? {
    ///     println!("{} {} {}", entry.key, entry.operation, entry.state);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "ledger")]
    pub async fn entries(&self, filter: Filter) -> Result<Vec<Entry>, Error> {
        self.jobs().billing.entries(filter).await
    }

    /// Reads the request of an entry of the journal, for [`reconcile`](Self::reconcile). No
    /// request. The journal may have dropped that of a settled entry.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Journal`].
    pub async fn submission_record(
        &self,
        entry: &Entry,
    ) -> Result<Option<SubmissionRecord>, Error> {
        Ok(self.jobs().billing.find(entry.id).await?.and_then(|(_, record)| record))
    }

    /// Reads the budgets of the account in their present periods. No request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Journal`].
    pub async fn budgets(&self) -> Result<Vec<BudgetState>, Error> {
        self.jobs().billing.budgets().await
    }

    /// Creates a budget in the journal, or changes the one of this name. No request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Journal`].
    pub async fn set_budget(&self, budget: Budget) -> Result<BudgetState, Error> {
        self.jobs().billing.set_budget(budget).await
    }

    /// Returns the journal in which billable calls are entered.
    pub fn journal(&self) -> &Arc<dyn Journal> {
        self.jobs().billing.journal()
    }

    /// Returns the account, as the journal names it.
    pub fn account(&self) -> &Account {
        self.jobs().billing.account()
    }

    /// Returns the base URL of the service.
    pub fn base_url(&self) -> &str {
        self.executor().base_url()
    }

    /// Returns the prices that the client estimates by.
    pub fn rate_card(&self) -> &RateCard {
        self.jobs().billing.rate_card()
    }

    /// Returns the mismatch of the charges of recent jobs with the rate card, and the card that
    /// fits. It shows price changes that were not announced.
    pub fn rate_card_mismatch(&self) -> Option<Mismatch> {
        self.jobs().billing.mismatch()
    }

    fn jobs(&self) -> &JobReader {
        self.0.submitter.batcher.jobs()
    }

    fn executor(&self) -> &Executor {
        &self.jobs().executor
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.base_url()).finish_non_exhaustive()
    }
}

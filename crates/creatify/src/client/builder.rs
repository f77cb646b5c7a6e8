//! The settings of a client, and their defaults.

use std::{
    env,
    num::{NonZeroU32, NonZeroUsize},
    sync::Arc,
    time::Duration,
};

use creatify_api::Credentials;
use url::Url;

use super::{Client, DEFAULT_BASE_URL, Inner};
use crate::{
    billing::Billing,
    credits::{DurationRange, RateCard},
    download::DownloadClient,
    error::Error,
    http::{CallLimits, Executor, transport},
    jobs::JobReader,
    journal::{Account, Budget, Journal, MemoryJournal},
    submission::Submitter,
    wait::{Adaptive, PollBatcher, PollPolicy},
};

const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for a call with all its attempts.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);
/// The blocking preview answers only when the preview is ready.
const BLOCKING_PREVIEW_TIMEOUT: Duration = Duration::from_secs(15 * 60);
const MAX_ATTEMPTS: u32 = 6;
/// Upper bound of time-outs, so that no clock overflows.
const MAX_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 3600);

/// Settings of a [`Client`]. All but the credentials have defaults.
#[derive(Debug, Clone)]
#[must_use]
pub struct ClientBuilder {
    credentials: Option<Credentials>,
    base_url: String,
    limits: CallLimits,
    budgets: Vec<Budget>,
    journal: Arc<dyn Journal>,
    rate_card: RateCard,
    policy: Arc<dyn PollPolicy>,
    default_duration: Option<DurationRange>,
}

impl ClientBuilder {
    pub(super) fn new() -> Self {
        Self {
            credentials: None,
            base_url: DEFAULT_BASE_URL.to_owned(),
            limits: CallLimits {
                attempt_timeout: ATTEMPT_TIMEOUT,
                call_timeout: CALL_TIMEOUT,
                blocking_preview_timeout: BLOCKING_PREVIEW_TIMEOUT,
                max_attempts: MAX_ATTEMPTS,
                max_concurrent_requests: None,
                max_requests_per_second: None,
            },
            budgets: Vec::new(),
            journal: Arc::new(MemoryJournal::default()),
            rate_card: RateCard::default(),
            policy: Arc::new(Adaptive::default()),
            default_duration: None,
        }
    }

    /// Sets the account in `CREATIFY_API_ID` and `CREATIFY_API_KEY`, and the service at
    /// `CREATIFY_BASE_URL` if that is set. A variable that is set to nothing counts as unset.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when one is missing or wrong.
    pub fn from_env(self) -> Result<Self, Error> {
        let set = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let required = |name| {
            set(name).ok_or_else(|| {
                Error::invalid(format!("the environment variable {name} is not set"))
            })
        };
        let credentials = Credentials::new(
            required("CREATIFY_API_ID")?,
            required("CREATIFY_API_KEY")?,
        )
        .map_err(|error| {
            Error::invalid("the credentials in the environment cannot be used").because(error)
        })?;
        let builder = self.credentials(credentials);
        Ok(match set("CREATIFY_BASE_URL") {
            Some(url) => builder.base_url(url),
            None => builder,
        })
    }

    /// Sets the account.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Sets another service, such as a sandbox. Plain http only to loopback.
    #[doc(alias = "sandbox")]
    #[doc(alias = "mock")]
    pub fn base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = base_url.into();
        self
    }

    /// Sets the time for one request, from connecting to the last byte; 30 s by default. When it
    /// passes on a billable request, the outcome is unknown.
    #[doc(alias = "timeout")]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.limits.attempt_timeout = timeout.min(MAX_TIMEOUT);
        self
    }

    /// Sets the time for a call with all its attempts; 2 minutes by default.
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.limits.call_timeout = timeout.min(MAX_TIMEOUT);
        self
    }

    /// Sets the time for the blocking preview; 15 minutes by default. When it passes, the outcome
    /// is unknown.
    pub fn blocking_preview_timeout(mut self, timeout: Duration) -> Self {
        self.limits.blocking_preview_timeout = timeout.min(MAX_TIMEOUT);
        self
    }

    /// Sets the largest number of attempts of a call; 6 by default. A billable request is sent
    /// again only when it certainly was not processed.
    #[doc(alias = "retry")]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.limits.max_attempts = attempts.max(1);
        self
    }

    /// Sets the largest number of requests under way at once, by this client and its clones;
    /// unlimited unless set.
    #[doc(alias = "concurrency")]
    pub fn max_concurrent_requests(mut self, most: NonZeroUsize) -> Self {
        self.limits.max_concurrent_requests = Some(most);
        self
    }

    /// Sets the largest number of requests a second, by this client and its clones; unlimited
    /// unless set. No limit of the service is published; after a 429 all of them slow down by
    /// themselves.
    #[doc(alias = "rate limit")]
    pub fn max_requests_per_second(mut self, most: NonZeroU32) -> Self {
        self.limits.max_requests_per_second = Some(most);
        self
    }

    /// Sets the prices to estimate by; the default of `openapi.yaml` unless set.
    pub fn rate_card(mut self, rate_card: RateCard) -> Self {
        self.rate_card = rate_card;
        self
    }

    /// Sets the expected duration of videos for which none is given or known from earlier ones. No
    /// duration is guessed unless this is set.
    pub fn default_duration(mut self, duration: impl Into<DurationRange>) -> Self {
        self.default_duration = Some(duration.into());
        self
    }

    /// Adds a budget. It is entered in the journal before the first submission, and holds for every
    /// client and process of the journal; if the journal has one of this name, the lower limit
    /// holds. If that has another period or label, submissions are refused.
    ///
    /// Each submission in scope then needs an
    /// [expected duration](crate::Preview::expected_duration), since the most it may cost is
    /// reserved before it is sent.
    #[doc(alias = "limit")]
    #[doc(alias = "quota")]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budgets.push(budget);
        self
    }

    /// Sets the journal in which billable calls are entered before they are sent; a
    /// [`MemoryJournal`] unless set. Clients of all accounts may share one.
    #[doc(alias = "ledger")]
    pub fn journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = journal;
        self
    }

    /// Sets the policy for the delay between polls; [`Adaptive`] unless set.
    #[doc(alias = "backoff")]
    pub fn poll_policy(mut self, policy: impl PollPolicy + 'static) -> Self {
        self.policy = Arc::new(policy);
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when the credentials are
    /// missing, or the URL is not one, or is plain http to another machine.
    pub fn build(self) -> Result<Client, Error> {
        let credentials =
            self.credentials.ok_or_else(|| Error::invalid("the credentials are missing"))?;
        let url = checked(&self.base_url)?;
        let account = Account::new(url.as_str(), credentials.expose_api_id());
        let jobs = JobReader {
            executor: Arc::new(Executor::new(url.clone(), credentials, self.limits)?),
            billing: Arc::new(Billing::new(self.journal, account, self.budgets, self.rate_card)),
            run_times: Arc::default(),
        };
        let downloads = DownloadClient::new(jobs.clone(), &url)?;
        let batcher = PollBatcher::new(jobs);
        let (policy, default_duration) = (self.policy, self.default_duration);
        let submitter = Submitter { batcher, policy, default_duration };
        Ok(Client(Arc::new(Inner { submitter, downloads })))
    }
}

/// Parses and checks a base URL.
fn checked(base_url: &str) -> Result<Url, Error> {
    // The part before an `@` may be a password.
    let shown = base_url.rsplit('@').next().unwrap_or(base_url);
    let wrong = |reason: &str| Error::invalid(format!("base URL `{shown}`: {reason}"));
    let url: Url =
        base_url.trim().parse().map_err(|error: url::ParseError| wrong(&error.to_string()))?;
    transport::check_scheme(&url).map_err(wrong)?;
    let has_more = !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some();
    if has_more {
        return Err(wrong("it must not have a user, query or fragment"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(base_url: &str) -> Result<Client, Error> {
        Client::builder()
            .credentials(Credentials::new("id", "key").unwrap())
            .base_url(base_url)
            .build()
    }

    #[test]
    fn a_base_url_is_https_or_loopback_and_carries_no_password() {
        assert_eq!(
            build("https://api.creatify.ai/").unwrap().base_url(),
            "https://api.creatify.ai"
        );
        assert_eq!(build("http://127.0.0.1:8080").unwrap().base_url(), "http://127.0.0.1:8080");
        for url in [
            "http://api.creatify.ai",
            "api.creatify.ai",
            "",
            "https://me:hunter2@api.creatify.ai",
            "https://a.b/?x=1",
        ] {
            let message = build(url).unwrap_err().to_string();
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn a_client_does_not_print_its_credentials() {
        let builder = Client::builder().credentials(Credentials::new("the-id", "the-key").unwrap());
        let printed = format!("{builder:?} {:?}", builder.clone().build().unwrap());
        assert!(!printed.contains("the-"), "{printed}");
    }
}

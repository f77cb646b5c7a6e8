//! The settings of a client, and their defaults.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    sync::Arc,
    time::Duration,
};

use creatify_api::Credentials;
use url::Url;

use super::{Client, DEFAULT_BASE_URL, Inner};
use crate::{
    accounts::Accounts,
    credits::{Budget, DurationRange, Ledger, RateCard},
    error::Error,
    pace::Pace,
    transport,
    wait::{Adaptive, Earlier, Schedule, Watcher},
};

const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// For a call with all its attempts.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);
/// The blocking preview answers only when the preview is ready.
const BLOCKING_PREVIEW_TIMEOUT: Duration = Duration::from_secs(15 * 60);
const ATTEMPTS: u32 = 6;
/// As good as none, and no clock overflows.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 3600);

#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) attempt_timeout: Duration,
    pub(super) call_timeout: Duration,
    pub(super) blocking_preview_timeout: Duration,
    pub(super) attempts: u32,
    pub(super) rate_card: RateCard,
    pub(super) schedule: Arc<dyn Schedule>,
    pub(super) default_duration: Option<DurationRange>,
    pub(super) concurrency: Option<NonZeroUsize>,
    pub(super) requests_per_second: Option<NonZeroU32>,
}

/// Settings of a [`Client`]. All but the credentials have defaults.
#[derive(Debug, Clone)]
#[must_use]
pub struct ClientBuilder {
    credentials: Option<Credentials>,
    base_url: String,
    budget: Option<Budget>,
    ledger: Ledger,
    settings: Settings,
}

impl ClientBuilder {
    pub(super) fn new() -> Self {
        Self {
            credentials: None,
            base_url: DEFAULT_BASE_URL.to_owned(),
            budget: None,
            ledger: Ledger::default(),
            settings: Settings {
                attempt_timeout: ATTEMPT_TIMEOUT,
                call_timeout: CALL_TIMEOUT,
                blocking_preview_timeout: BLOCKING_PREVIEW_TIMEOUT,
                attempts: ATTEMPTS,
                rate_card: RateCard::default(),
                schedule: Arc::new(Adaptive::default()),
                default_duration: None,
                concurrency: None,
                requests_per_second: None,
            },
        }
    }

    /// The account.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Another service, such as a sandbox. Plain http only to loopback.
    pub fn base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = base_url.into();
        self
    }

    /// How long one request may take, from connecting to the last byte; 30 s by default. When it passes on a billable request, the
    /// outcome is unknown.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.settings.attempt_timeout = timeout.min(LONGEST_TIMEOUT);
        self
    }

    /// How long a call may take with all its attempts; 2 minutes by default.
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.settings.call_timeout = timeout.min(LONGEST_TIMEOUT);
        self
    }

    /// How long the blocking preview may take; 15 minutes by default. When it passes, the outcome is unknown.
    pub fn blocking_preview_timeout(mut self, timeout: Duration) -> Self {
        self.settings.blocking_preview_timeout = timeout.min(LONGEST_TIMEOUT);
        self
    }

    /// How often a call is tried at most; 6 by default. A billable request is sent again only when it certainly was not processed.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.settings.attempts = attempts.max(1);
        self
    }

    /// How many requests may be under way at once, by this client and its clones; unlimited unless set.
    pub fn concurrency(mut self, most: NonZeroUsize) -> Self {
        self.settings.concurrency = Some(most);
        self
    }

    /// How many requests a second this client and its clones send at most; unlimited unless set. No limit of the service is published;
    /// after a 429 all of them slow down by themselves.
    pub fn requests_per_second(mut self, most: NonZeroU32) -> Self {
        self.settings.requests_per_second = Some(most);
        self
    }

    /// The prices to estimate by; the default of `openapi.yaml` unless set.
    pub fn rate_card(mut self, rate_card: RateCard) -> Self {
        self.settings.rate_card = rate_card;
        self
    }

    /// How long videos are expected to be where nothing better is known. Nothing is guessed unless this is set.
    pub fn default_duration(mut self, seconds: impl Into<DurationRange>) -> Self {
        self.settings.default_duration = Some(seconds.into());
        self
    }

    /// A limit on what this client and its clones, and every other client of the same budget, may spend. Each submission then needs an
    /// [expected duration](crate::Submission::expected_duration), since its most is set aside before it is sent.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Where billable calls are entered; in memory unless set.
    pub fn ledger(mut self, ledger: Ledger) -> Self {
        self.ledger = ledger;
        self
    }

    /// When to look at a job while waiting for it; [`Adaptive`] unless set.
    pub fn schedule(mut self, schedule: impl Schedule + 'static) -> Self {
        self.settings.schedule = Arc::new(schedule);
        self
    }

    /// The client.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when the credentials are missing, or the URL is not one, or is plain
    /// http to another machine.
    pub fn build(self) -> Result<Client, Error> {
        let credentials =
            self.credentials.ok_or_else(|| Error::invalid("the credentials are missing"))?;
        let wrong = |reason: &str| {
            Error::invalid(format!("base URL `{}`: {reason}", without_secrets(&self.base_url)))
        };
        let url: Url = self
            .base_url
            .trim()
            .parse()
            .map_err(|error: url::ParseError| wrong(&error.to_string()))?;
        transport::check_scheme(&url).map_err(wrong)?;
        if !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Err(wrong("it must not have a user, query or fragment"));
        }
        Ok(Client(Arc::new(Inner {
            http: transport::api(&url)?,
            downloads: transport::downloads()?,
            base_url: url.as_str().trim_end_matches('/').to_owned(),
            credentials,
            accounts: Accounts::new(self.budget, self.ledger, self.settings.rate_card.clone()),
            pace: Pace::new(self.settings.concurrency, self.settings.requests_per_second),
            watcher: Watcher::default(),
            earlier: Earlier::default(),
            settings: self.settings,
        })))
    }
}

/// A URL for a message: what stands before an `@` may be a password.
fn without_secrets(url: &str) -> &str {
    url.rsplit('@').next().unwrap_or(url)
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

//! One run of the command: its settings, its client, its output, and the jobs that it must tell of.

use std::{path::PathBuf, time::Duration};

use creatify::{
    Client, ClientBuilder, Credentials,
    credits::{Ledger, RateCard},
    wait::{Adaptive, ExponentialBackoff},
};
use creatify_sandbox::Sandbox;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;

use crate::{
    args::{Global, Source},
    error::CliError,
    open_jobs::OpenJobs,
    outcome::Outcomes,
    output::{Output, Redaction},
};

/// A sandbox is fast, so it is polled often.
const SANDBOX_POLLS: (Duration, Duration) =
    (Duration::from_millis(150), Duration::from_millis(400));
/// A longer file is no key.
const MAX_KEY_FILE_BYTES: u64 = 64 * 1024;

pub(crate) struct Session {
    pub(crate) output: Output,
    pub(crate) open_jobs: OpenJobs,
    pub(crate) outcomes: Outcomes,
    settings: Settings,
    ledger: Option<Ledger>,
    service: OnceCell<Service>,
}

/// The global options that a client is built from.
struct Settings {
    api_id: Option<SecretString>,
    api_key: Option<SecretString>,
    api_key_file: Option<PathBuf>,
    key_source: Source,
    base_url: String,
    target: Target,
    rate_card: RateCard,
    /// Time-out of a command that only reads.
    read_timeout: Option<Duration>,
}

/// The service that is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Service,
    /// A sandbox in this process, which ends with it.
    EmbeddedSandbox,
}

struct Service {
    client: Client,
    /// Lives as long as the session.
    _sandbox: Option<Sandbox>,
}

impl Session {
    pub(crate) fn new(
        global: Global,
        key_source: Source,
        read_timeout: Option<Duration>,
        output: Output,
    ) -> Self {
        let target = if global.sandbox { Target::EmbeddedSandbox } else { Target::Service };
        Self {
            output,
            open_jobs: OpenJobs::default(),
            outcomes: Outcomes::default(),
            settings: Settings {
                api_id: global.api_id,
                api_key: global.api_key,
                api_key_file: global.api_key_file,
                key_source,
                base_url: global.base_url,
                target,
                rate_card: global.rate_card.unwrap_or_default(),
                read_timeout,
            },
            // Play money never gets into a real record.
            ledger: global.ledger.filter(|_| target == Target::Service).map(Ledger::in_file),
            service: OnceCell::new(),
        }
    }

    /// Returns the client, which is built on first use: some commands need none.
    pub(crate) async fn client(&self) -> Result<&Client, CliError> {
        let service = self
            .service
            .get_or_try_init(async || match self.settings.target {
                Target::EmbeddedSandbox => self.sandbox().await,
                Target::Service => self.service(),
            })
            .await?;
        Ok(&service.client)
    }

    /// Returns the client of an embedded sandbox, whatever the options say.
    pub(crate) async fn sandbox_client(&self) -> Result<&Client, CliError> {
        Ok(&self.service.get_or_try_init(async || self.sandbox().await).await?.client)
    }

    /// Returns the service that the options choose.
    pub(crate) fn target(&self) -> Target {
        self.settings.target
    }

    /// Returns the prices to estimate by.
    pub(crate) fn rate_card(&self) -> &RateCard {
        &self.settings.rate_card
    }

    /// Returns the ledger that was named.
    pub(crate) fn ledger(&self) -> Option<&Ledger> {
        self.ledger.as_ref()
    }

    fn service(&self) -> Result<Service, CliError> {
        let missing = |option: &str, variable: &str| {
            CliError::usage(format!(
                "no credentials: give {option} or set {variable} (or try --sandbox)"
            ))
        };
        let Settings { api_id, base_url, .. } = &self.settings;
        let api_id = api_id.as_ref().ok_or_else(|| missing("--api-id", "CREATIFY_API_ID"))?;
        let api_key =
            self.api_key()?.ok_or_else(|| missing("--api-key-file", "CREATIFY_API_KEY"))?;
        self.output.redact(Redaction::new(api_id, &api_key));
        let credentials = Credentials::new(api_id.expose_secret(), api_key.expose_secret())
            .map_err(|error| CliError::usage(error.to_string()))?;
        let mut builder = self.builder().credentials(credentials).base_url(base_url);
        if let Some(ledger) = &self.ledger {
            builder = builder.ledger(ledger.clone());
        }
        if base_url.starts_with("http://") {
            // Only a sandbox is reached without TLS; it may well run fast.
            let (first, max) = (SANDBOX_POLLS.0, Duration::from_secs(5));
            builder = builder.poll_policy(ExponentialBackoff { first, factor: 1.3, max });
        }
        Ok(Service { client: builder.build()?, _sandbox: None })
    }

    /// Returns the API key, given as it is or in a file.
    fn api_key(&self) -> Result<Option<SecretString>, CliError> {
        let Settings { api_key, api_key_file, key_source, .. } = &self.settings;
        if let Some(path) = api_key_file {
            let unreadable = |error: &dyn std::fmt::Display| {
                CliError::usage(format!("--api-key-file {}: {error}", path.display()))
            };
            let file = std::fs::File::open(path).map_err(|error| unreadable(&error))?;
            let mut key = String::new();
            std::io::Read::read_to_string(
                &mut std::io::Read::take(file, MAX_KEY_FILE_BYTES),
                &mut key,
            )
            .map_err(|error| unreadable(&error))?;
            if key.trim().is_empty() {
                return Err(unreadable(&"the file is empty"));
            }
            return Ok(Some(key.trim().into()));
        }
        if api_key.is_some() && *key_source == Source::CommandLine {
            self.output.note(
                "warning: other users of this machine can see --api-key in the list of processes; \
                 use --api-key-file or CREATIFY_API_KEY",
            );
        }
        Ok(api_key.clone())
    }

    async fn sandbox(&self) -> Result<Service, CliError> {
        let sandbox = Sandbox::start()
            .await
            .map_err(|error| CliError::other(format!("the sandbox did not start: {error}")))?;
        let policy = Adaptive::between(SANDBOX_POLLS.0, SANDBOX_POLLS.1);
        let builder = self
            .builder()
            .credentials(sandbox.credentials())
            .base_url(sandbox.base_url())
            .poll_policy(policy);
        Ok(Service { client: builder.build()?, _sandbox: Some(sandbox) })
    }

    fn builder(&self) -> ClientBuilder {
        let builder = Client::builder().rate_card(self.settings.rate_card.clone());
        match self.settings.read_timeout {
            Some(timeout) => builder.call_timeout(timeout),
            None => builder,
        }
    }
}

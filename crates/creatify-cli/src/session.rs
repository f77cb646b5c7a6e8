//! One run of the command: its settings, its client, its output, and the jobs that it must tell of.

use std::{path::PathBuf, sync::Arc, time::Duration};

use creatify::{
    Client, ClientBuilder, Credentials,
    credits::RateCard,
    journal::Journal as _,
    wait::{Adaptive, ExponentialBackoff},
};
use creatify_sandbox::Sandbox;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;

use crate::{
    args::{Global, Source},
    error::CliError,
    journal::{Access, AccountJournal, LazyJournal, Place, account},
    open_jobs::OpenJobs,
    outcome::Outcomes,
    output::Output,
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
    /// The journal of the service's accounts. A sandbox has one of its own.
    journal: Arc<LazyJournal>,
    service: OnceCell<Service>,
}

/// The global options that a client is built from.
pub(crate) struct Settings {
    api_id: Option<SecretString>,
    api_key: Option<SecretString>,
    api_key_file: Option<PathBuf>,
    key_source: Source,
    base_url: String,
    target: Target,
    rate_card: RateCard,
    journal: Place,
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

impl Settings {
    pub(crate) fn new(global: Global, key_source: Source, read_timeout: Option<Duration>) -> Self {
        Self {
            api_id: global.api_id,
            api_key: global.api_key,
            api_key_file: global.api_key_file,
            key_source,
            base_url: global.base_url,
            target: if global.sandbox { Target::EmbeddedSandbox } else { Target::Service },
            rate_card: global.rate_card.unwrap_or_default(),
            journal: global.journal.unwrap_or_else(Place::in_data_directory),
            read_timeout,
        }
    }
}

impl Session {
    pub(crate) fn new(settings: Settings, access: Access, output: Output) -> Self {
        let place = settings.journal.clone();
        output.redact(|secrets| {
            place.passwords().iter().for_each(|password| secrets.add_password(password));
        });
        Self {
            output: output.clone(),
            open_jobs: OpenJobs::default(),
            outcomes: Outcomes::default(),
            settings,
            journal: Arc::new(LazyJournal::new(place, access, output)),
            service: OnceCell::new(),
        }
    }

    /// Refuses settings that no command can go on with.
    pub(crate) fn check(&self) -> Result<(), CliError> {
        match &self.settings.journal {
            Place::Wrong(reason) if self.target() == Target::Service => {
                Err(CliError::usage(format!("--journal: {reason}")))
            }
            _ => Ok(()),
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

    /// Returns the use of the journal by the command.
    pub(crate) fn access(&self) -> Access {
        self.journal.access()
    }

    /// Returns the prices to estimate by.
    pub(crate) fn rate_card(&self) -> &RateCard {
        &self.settings.rate_card
    }

    /// Returns the journal and the account, for commands that work offline.
    pub(crate) async fn journal(&self) -> Result<AccountJournal, CliError> {
        if self.target() == Target::EmbeddedSandbox {
            return Err(CliError::usage(
                "the journal of --sandbox is empty, since it ends with it",
            ));
        }
        let account = account(&self.settings.base_url, self.api_id()?);
        let location = self.journal.location();
        match self.journal.open().await {
            Ok(journal) => Ok(AccountJournal { journal, account, location }),
            Err(error) => Err(CliError::Journal { location, error }),
        }
    }

    fn api_id(&self) -> Result<&SecretString, CliError> {
        let api_id = self.settings.api_id.as_ref();
        let api_id = api_id.ok_or_else(|| missing("--api-id", "CREATIFY_API_ID"))?;
        self.output.redact(|secrets| secrets.add_credential(api_id));
        Ok(api_id)
    }

    fn service(&self) -> Result<Service, CliError> {
        let base_url = &self.settings.base_url;
        let api_id = self.api_id()?;
        let api_key =
            self.api_key()?.ok_or_else(|| missing("--api-key-file", "CREATIFY_API_KEY"))?;
        self.output.redact(|secrets| secrets.add_credential(&api_key));
        let credentials = Credentials::new(api_id.expose_secret(), api_key.expose_secret())
            .map_err(|error| CliError::usage(error.to_string()))?;
        let builder = self.builder().credentials(credentials).base_url(base_url);
        let mut builder = builder.journal(self.journal.clone());
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

fn missing(option: &str, variable: &str) -> CliError {
    CliError::usage(format!("no credentials: give {option} or set {variable} (or try --sandbox)"))
}

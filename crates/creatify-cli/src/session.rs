//! One run of the command: how to reach the service, how to print, and which jobs were paid for so far.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use creatify::{
    Client, ClientBuilder, Credentials, JobHandle,
    credits::{Ledger, RateCard},
    wait::{Adaptive, ExponentialBackoff},
};
use creatify_sandbox::Sandbox;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;

use crate::{
    args::{Form, Global},
    exit::Failure,
};

/// The sandbox is fast, so it is looked at often.
const SANDBOX_PAUSES: (Duration, Duration) =
    (Duration::from_millis(150), Duration::from_millis(400));

pub(crate) struct Session {
    pub(crate) form: Form,
    pub(crate) quiet: bool,
    api_id: Option<SecretString>,
    api_key: Option<SecretString>,
    base_url: String,
    sandboxed: bool,
    rate_card: RateCard,
    ledger: Option<Ledger>,
    service: OnceCell<Service>,
    paid: Mutex<Paid>,
}

struct Service {
    client: Client,
    /// Lives as long as the session.
    _sandbox: Option<Sandbox>,
}

/// What must be told to the user when the command is interrupted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Paid {
    /// A billable request is on its way.
    pub(crate) sending: bool,
    /// Jobs that were accepted and have not reached their goal.
    pub(crate) jobs: Vec<JobHandle>,
}

impl Session {
    pub(crate) fn new(global: &Global) -> Self {
        Self {
            form: global.output,
            quiet: global.quiet,
            api_id: global.api_id.clone(),
            api_key: global.api_key.clone(),
            base_url: global.base_url.clone(),
            sandboxed: global.sandbox,
            rate_card: global.rate_card.clone().unwrap_or_default(),
            ledger: global.ledger.as_ref().map(Ledger::in_file),
            service: OnceCell::new(),
            paid: Mutex::default(),
        }
    }

    /// The client, connected on first use: some commands need none.
    pub(crate) async fn client(&self) -> Result<&Client, Failure> {
        let service = self
            .service
            .get_or_try_init(
                async || if self.sandboxed { self.sandbox().await } else { self.service() },
            )
            .await?;
        Ok(&service.client)
    }

    /// The client of an embedded sandbox, whatever the options say.
    pub(crate) async fn sandbox_client(&self) -> Result<&Client, Failure> {
        Ok(&self.service.get_or_try_init(async || self.sandbox().await).await?.client)
    }

    fn service(&self) -> Result<Service, Failure> {
        let secret = |secret: &Option<SecretString>, option: &str, variable: &str| {
            let missing = || {
                Failure::usage(format!(
                    "no credentials: give {option} or set {variable} (or try --sandbox)"
                ))
            };
            secret
                .as_ref()
                .map(|secret| SecretString::from(secret.expose_secret()))
                .ok_or_else(missing)
        };
        let credentials = Credentials::new(
            secret(&self.api_id, "--api-id", "CREATIFY_API_ID")?,
            secret(&self.api_key, "--api-key", "CREATIFY_API_KEY")?,
        )
        .map_err(|error| Failure::usage(error.to_string()))?;
        let mut builder = self.builder().credentials(credentials).base_url(&self.base_url);
        if self.base_url.starts_with("http://") {
            // Only a sandbox is reached without TLS; it may well run fast.
            let (first, longest) = (SANDBOX_PAUSES.0, Duration::from_secs(5));
            builder = builder.poll_policy(ExponentialBackoff { first, factor: 1.3, max: longest });
        }
        Ok(Service { client: builder.build()?, _sandbox: None })
    }

    async fn sandbox(&self) -> Result<Service, Failure> {
        let sandbox = Sandbox::start()
            .await
            .map_err(|error| Failure::other(format!("the sandbox did not start: {error}")))?;
        let policy = Adaptive::between(SANDBOX_PAUSES.0, SANDBOX_PAUSES.1);
        let builder = self
            .builder()
            .credentials(sandbox.credentials())
            .base_url(sandbox.base_url())
            .poll_policy(policy);
        Ok(Service { client: builder.build()?, _sandbox: Some(sandbox) })
    }

    fn builder(&self) -> ClientBuilder {
        let builder = Client::builder().rate_card(self.rate_card.clone());
        match &self.ledger {
            Some(ledger) => builder.ledger(ledger.clone()),
            None => builder,
        }
    }

    /// The prices to estimate by.
    pub(crate) fn rate_card(&self) -> &RateCard {
        &self.rate_card
    }

    /// The ledger that was named.
    pub(crate) fn ledger(&self) -> Option<&Ledger> {
        self.ledger.as_ref()
    }

    pub(crate) fn is_json(&self) -> bool {
        self.form == Form::Json
    }

    /// Marks a billable request as under way until `accepted` or `not_sending`.
    pub(crate) fn sending(&self) {
        self.with_paid(|paid| paid.sending = true);
    }

    pub(crate) fn accepted(&self, job: JobHandle) {
        self.with_paid(|paid| {
            paid.sending = false;
            paid.jobs.push(job);
        });
    }

    pub(crate) fn not_sending(&self) {
        self.with_paid(|paid| paid.sending = false);
    }

    /// The job reached its goal or ended; there is nothing to resume.
    pub(crate) fn finished(&self, job: JobHandle) {
        self.with_paid(|paid| paid.jobs.retain(|other| *other != job));
    }

    pub(crate) fn paid(&self) -> Paid {
        self.paid.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn with_paid(&self, change: impl FnOnce(&mut Paid)) {
        change(&mut self.paid.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

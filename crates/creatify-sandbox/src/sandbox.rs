//! Running sandbox: start, inspection and shutdown.

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use chrono::Utc;
use creatify_api::{
    Credentials, JobStatus, ModelVersion, OperationId, credit_rates::BillableOperation,
};
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc},
    task::JoinSet,
};
use uuid::Uuid;

use crate::{
    api,
    builder::{SandboxBuilder, StartError},
    clock::Clock,
    credentials::{API_ID, API_KEY},
    faults::{FaultSchedule, Faults, Fired},
    media,
    requests::{Request, Requests},
    serve::{ListenerGate, serve},
    service::Service,
    state::ServiceState,
    webhook,
};

/// A running sandbox. Dropping it stops it and closes its connections.
#[derive(Debug)]
#[doc(alias = "mock")]
#[doc(alias = "fake")]
#[doc(alias = "stub")]
#[doc(alias = "test server")]
pub struct Sandbox {
    service: Arc<Service>,
    credentials: Credentials,
    tasks: JoinSet<()>,
}

/// An accepted job.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AcceptedJob {
    /// Job id.
    pub id: Uuid,
    /// Template id, which no API response shows.
    pub template_id: Uuid,
    /// Job name.
    pub name: Option<String>,
    /// Variables.
    pub variables: Map<String, Value>,
    /// Model version.
    pub model_version: ModelVersion,
    /// The status that the API shows at this moment.
    pub status: JobStatus,
    /// The accepted calls, oldest first: a preview or a create, then any renders.
    pub calls: Vec<AcceptedCall>,
}

/// An accepted call of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AcceptedCall {
    /// The billable operation.
    pub operation: BillableOperation,
    /// The time of acceptance, in sandbox time since the start.
    pub at: Duration,
    /// Credits charged; zero once they were returned.
    pub charged: Decimal,
}

impl Sandbox {
    /// Starts a sandbox on free ports, at [`DEMO_SPEED`](crate::DEMO_SPEED).
    ///
    /// # Errors
    ///
    /// No port is available.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// Returns a builder for a sandbox with other options.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }

    pub(crate) async fn start_with(builder: SandboxBuilder) -> Result<Self, StartError> {
        let settings = builder.settings()?;
        let credentials = Credentials::new(API_ID, API_KEY)?;
        let (api_listener, api_url) = listen(builder.port).await?;
        let (media_listener, media_url) = listen(builder.media_port).await?;
        let (webhooks, events) = mpsc::channel(webhook::QUEUE);
        let (api_gate, api_close_requests) = ListenerGate::new();
        let (media_gate, media_close_requests) = ListenerGate::new();
        let service = Arc::new(Service {
            clock: Clock::start(builder.speed, builder.started_at.unwrap_or_else(Utc::now)),
            api_url,
            media_url,
            requests: Requests::default(),
            faults: FaultSchedule::default(),
            api_gate,
            media_gate,
            leaked_credentials: Default::default(),
            link_version: Default::default(),
            webhooks,
            schedule_changed: Notify::new(),
            state: Mutex::new(ServiceState::new(settings)),
        });
        service.faults.set(builder.faults);
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(api_listener, api::router(service.clone()), api_close_requests));
        tasks.spawn(serve(media_listener, media::router(service.clone()), media_close_requests));
        tasks.spawn(service.clone().apply_due_changes());
        tasks.spawn(webhook::deliver(service.clone(), events));
        tracing::info!(api = service.api_url, media = service.media_url, "sandbox started");
        Ok(Self { service, credentials, tasks })
    }

    /// Replaces the faults and starts counting requests and deliveries from 1 again.
    pub fn set_faults(&self, faults: Faults) {
        self.service.faults.set(faults);
    }

    /// Returns the faults that were applied since they were set, in order.
    pub fn faults_fired(&self) -> Vec<Fired> {
        self.service.faults.fired()
    }

    /// Returns the base URL of the API, for example `http://127.0.0.1:41234`. In a browser it shows
    /// the jobs and templates.
    pub fn base_url(&self) -> &str {
        &self.service.api_url
    }

    /// Returns the base URL of the media host, which serves previews and videos.
    pub fn media_url(&self) -> &str {
        &self.service.media_url
    }

    /// Returns the credentials that the sandbox accepts.
    pub fn credentials(&self) -> Credentials {
        self.credentials.clone()
    }

    /// Returns the accepted API id. It is not secret and the same for every sandbox.
    pub fn api_id(&self) -> &'static str {
        API_ID
    }

    /// Returns the accepted API key. It is not secret and the same for every sandbox.
    pub fn api_key(&self) -> &'static str {
        API_KEY
    }

    /// Returns the sandbox time since the start.
    pub fn elapsed(&self) -> Duration {
        self.service.clock.now()
    }

    /// Returns the exact remaining credits.
    pub fn balance(&self) -> Decimal {
        self.service.with_state(|state, _| state.balance())
    }

    /// Returns the exact credits charged, less those returned.
    pub fn charged(&self) -> Decimal {
        self.service.with_state(|state, _| state.charged())
    }

    /// Returns the number of accepted jobs.
    pub fn job_count(&self) -> usize {
        self.service.with_state(|state, _| state.job_count())
    }

    /// Returns all accepted jobs, oldest first.
    pub fn jobs(&self) -> Vec<AcceptedJob> {
        self.service.with_state(|state, now| {
            let accepted = |job: &crate::job::Job| AcceptedJob {
                id: job.id,
                template_id: job.params.template.id,
                name: job.params.name.clone(),
                variables: job.params.variables.clone(),
                model_version: job.params.model_version.clone(),
                status: job.read_view(now, state.settings.progress).status,
                calls: job
                    .calls()
                    .map(|call| AcceptedCall {
                        operation: call.operation,
                        at: call.timeline.accepted,
                        charged: call.charged(now),
                    })
                    .collect(),
            };
            let mut jobs: Vec<_> = state.newest().map(accepted).collect();
            jobs.reverse();
            jobs
        })
    }

    /// Returns the last 10,000 requests that reached the API, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.service.requests.latest()
    }

    /// Returns the number of requests of this operation that reached the API.
    pub fn request_count(&self, operation: OperationId) -> usize {
        self.service.requests.count(operation)
    }

    /// Returns the number of requests that reached the media host with an API id or key in their
    /// headers. Anything above zero is a bug of the client.
    pub fn leaked_credentials(&self) -> usize {
        self.service.leaked_credentials.load(Ordering::Relaxed)
    }

    /// Stops the sandbox and waits until its ports are free.
    pub async fn shutdown(mut self) {
        self.tasks.shutdown().await;
    }
}

async fn listen(port: u16) -> Result<(TcpListener, String), StartError> {
    let failed = |source| StartError::Listen { port, source };
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, format!("http://{address}")))
}

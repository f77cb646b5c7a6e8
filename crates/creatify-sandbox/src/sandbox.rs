//! What does the owner of a running sandbox hold?

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use chrono::Utc;
use creatify_api::{Credentials, JobStatus, ModelVersion, OperationId, credit_rates::Operation};
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
    clock::Clock,
    faults::{Faults, Fired, Plan},
    media,
    options::{SandboxBuilder, StartError},
    requests::{Request, Requests},
    serve::{Door, serve},
    service::Service,
    webhook,
    world::World,
};

/// The sandbox's API id. It is no secret.
pub(crate) const API_ID: &str = "sandbox-api-id";
/// The sandbox's API key. It is no secret.
pub(crate) const API_KEY: &str = "sandbox-api-key";

/// A running sandbox. It stops when this is dropped, with all its connections.
#[derive(Debug)]
pub struct Sandbox {
    service: Arc<Service>,
    credentials: Credentials,
    tasks: JoinSet<()>,
}

/// An accepted job.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AcceptedJob {
    /// Its id.
    pub id: Uuid,
    /// Its template, which the API never tells.
    pub template_id: Uuid,
    /// Its name.
    pub name: Option<String>,
    /// Its variables.
    pub variables: Map<String, Value>,
    /// Its model.
    pub model_version: ModelVersion,
    /// The status that the API shows now.
    pub status: JobStatus,
    /// The accepted calls, oldest first: a preview or a create, then renders.
    pub calls: Vec<AcceptedCall>,
}

/// An accepted call of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AcceptedCall {
    /// What was asked for.
    pub operation: Operation,
    /// When it was accepted, in sandbox time since the start.
    pub at: Duration,
    /// What it costs; zero once the charge was returned.
    pub charged: Decimal,
}

impl Sandbox {
    /// Starts a sandbox on free ports, at [`DEMO_SPEED`](crate::DEMO_SPEED).
    ///
    /// # Errors
    ///
    /// When no port is free.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// Options for a sandbox.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }

    pub(crate) async fn start_with(options: SandboxBuilder) -> Result<Self, StartError> {
        let rules = options.rules()?;
        let credentials = Credentials::new(API_ID, API_KEY)?;
        let (api_listener, api_url) = listen(options.port).await?;
        let (media_listener, media_url) = listen(options.media_port).await?;
        let (webhooks, events) = mpsc::channel(webhook::QUEUE);
        let (api_door, api_closings) = Door::new();
        let (media_door, media_closings) = Door::new();
        let service = Arc::new(Service {
            clock: Clock::start(options.speed, options.started_at.unwrap_or_else(Utc::now)),
            api_url,
            media_url,
            requests: Requests::default(),
            faults: Plan::default(),
            api_door,
            media_door,
            leaked: Default::default(),
            webhooks,
            planned: Notify::new(),
            world: Mutex::new(World::new(rules)),
        });
        service.faults.set(options.faults);
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(api_listener, api::router(service.clone()), api_closings));
        tasks.spawn(serve(media_listener, media::router(service.clone()), media_closings));
        tasks.spawn(service.clone().keep_time());
        tasks.spawn(webhook::deliver(service.clone(), events));
        tracing::info!(api = service.api_url, media = service.media_url, "sandbox started");
        Ok(Self { service, credentials, tasks })
    }

    /// Replaces the faults from now on; requests and deliveries are counted from 1 again.
    pub fn set_faults(&self, faults: Faults) {
        self.service.faults.set(faults);
    }

    /// The faults that happened since they were set, in order.
    pub fn faults_fired(&self) -> Vec<Fired> {
        self.service.faults.fired()
    }

    /// Where the API is, for example `http://127.0.0.1:41234`. A browser finds a page there too.
    pub fn base_url(&self) -> &str {
        &self.service.api_url
    }

    /// Where previews and videos are: another host as far as HTTP is concerned.
    pub fn media_url(&self) -> &str {
        &self.service.media_url
    }

    /// The credentials that the sandbox accepts.
    pub fn credentials(&self) -> Credentials {
        self.credentials.clone()
    }

    /// The API id that the sandbox accepts, to print. It is no secret and the same for every sandbox.
    pub fn api_id(&self) -> &'static str {
        API_ID
    }

    /// The API key that the sandbox accepts, to print. It is no secret and the same for every sandbox.
    pub fn api_key(&self) -> &'static str {
        API_KEY
    }

    /// Sandbox time since the start.
    pub fn elapsed(&self) -> Duration {
        self.service.clock.now()
    }

    /// The credits that are left, exactly.
    pub fn balance(&self) -> Decimal {
        self.service.with_world(|world, _| world.balance())
    }

    /// The credits that were charged, less those that were returned, exactly.
    pub fn charged(&self) -> Decimal {
        self.service.with_world(|world, _| world.charged())
    }

    /// How many jobs were accepted.
    pub fn job_count(&self) -> usize {
        self.service.with_world(|world, _| world.len())
    }

    /// All accepted jobs, oldest first.
    pub fn jobs(&self) -> Vec<AcceptedJob> {
        self.service.with_world(|world, now| {
            let accepted = |job: &crate::job::Job| AcceptedJob {
                id: job.id,
                template_id: job.order.template.id,
                name: job.order.name.clone(),
                variables: job.order.variables.clone(),
                model_version: job.order.model_version.clone(),
                status: job.view(now, world.rules.progress).status,
                calls: job
                    .calls()
                    .map(|call| AcceptedCall {
                        operation: call.operation,
                        at: call.plan.accepted,
                        charged: call.charged(now),
                    })
                    .collect(),
            };
            let mut jobs: Vec<_> = world.newest().map(accepted).collect();
            jobs.reverse();
            jobs
        })
    }

    /// The last 10,000 requests that reached the API, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.service.requests.last()
    }

    /// How many requests of this operation reached the API.
    pub fn request_count(&self, operation: OperationId) -> usize {
        self.service.requests.count(operation)
    }

    /// How many requests reached the media host with an API id or key in their headers. More than zero is a bug of the client.
    pub fn leaked_credentials(&self) -> usize {
        self.service.leaked.load(Ordering::Relaxed)
    }

    /// Stops the sandbox and waits until its ports are free again.
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

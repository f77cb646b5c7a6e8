//! What does the API host answer?
//!
//! A request passes, from the outside in: [`record`], [`misbehave`], [`authenticate`], its handler. Paths and methods come from `openapi.yaml`, by way of
//! [`OperationId`].

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{MatchedPath, Path, Request, State, rejection::PathRejection},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use creatify_api::{OperationId, credit_rates::Operation, limits};
use http::{Method, StatusCode, Uri};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    answer::{self, Answer},
    faults::misbehave,
    page, requests,
    sandbox::{API_ID, API_KEY},
    service::Service,
    templates::templates,
    validate,
    world::LIST_LENGTH,
};

type Shared = State<Arc<Service>>;
type Id = Result<Path<String>, PathRejection>;

/// The largest request body: the default of the service's framework.
const MAX_BODY_BYTES: usize = 2_621_440;

pub(crate) fn router(service: Arc<Service>) -> Router {
    let mut router = Router::new();
    for operation in OperationId::ALL {
        if let Some(handler) = handler(*operation) {
            router = router.route(operation.path(), handler);
        }
    }
    router
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(async || Answer::not_found())
        .layer(from_fn(authenticate))
        .layer(from_fn_with_state(service.clone(), misbehave))
        .layer(from_fn_with_state(service.clone(), record))
        .route("/", on(MethodFilter::GET, index))
        .with_state(service)
}

fn handler(operation: OperationId) -> Option<MethodRouter<Arc<Service>>> {
    let filter = MethodFilter::try_from(operation.method()).ok()?;
    Some(match operation {
        OperationId::CreateCustomTemplateJob => on(filter, create),
        OperationId::ListCustomTemplateJobs => on(filter, list_jobs),
        OperationId::PreviewCustomTemplateJob => on(filter, preview),
        OperationId::PreviewCustomTemplateJobAsync => on(filter, preview_async),
        OperationId::GetCustomTemplateJob => on(filter, get),
        OperationId::RenderCustomTemplateJob => on(filter, render),
        OperationId::ListCustomTemplates => on(filter, list_templates),
        OperationId::GetRemainingCredits => on(filter, remaining_credits),
        _ => return None, // an operation newer than this file; a test says so
    })
}

/// Notes every request, whatever happens to it further in.
async fn record(State(service): Shared, request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let is_it = |operation: &&OperationId| {
        Some(operation.path()) == matched && operation.method() == request.method()
    };
    let place = service.requests.arrived(requests::Request {
        operation: OperationId::ALL.iter().find(is_it).copied(),
        method: request.method().clone(),
        path: request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        at: service.clock.now(),
        status: None,
    });
    let response = next.run(request).await;
    service.requests.answered(place, response.status());
    response
}

/// Lets only requests with the sandbox's credentials through, to paths that exist.
async fn authenticate(request: Request, next: Next) -> Response {
    match refused_credentials(&request) {
        Some(text) => Answer::detail(StatusCode::UNAUTHORIZED, text).into_response(),
        None => next.run(request).await,
    }
}

fn refused_credentials(request: &Request) -> Option<&'static str> {
    request.extensions().get::<MatchedPath>()?;
    let sent = |name| request.headers().get(name).map(|value| value.as_bytes());
    match (sent("x-api-id"), sent("x-api-key")) {
        (Some(id), Some(key)) if id == API_ID.as_bytes() && key == API_KEY.as_bytes() => None,
        (Some(_), Some(_)) => Some("Invalid API credentials."),
        _ => Some("Authentication credentials were not provided."),
    }
}

async fn method_not_allowed(method: Method) -> Answer {
    Answer::detail(StatusCode::METHOD_NOT_ALLOWED, format!("Method \"{method}\" not allowed."))
}

async fn create(State(service): Shared, body: Body) -> Result<Answer, Answer> {
    let (_, job) = submit(&service, Operation::Create, &read(body).await?)?;
    Ok(Answer(StatusCode::CREATED, job))
}

async fn preview_async(State(service): Shared, body: Body) -> Result<Answer, Answer> {
    let (_, job) = submit(&service, Operation::Preview, &read(body).await?)?;
    Ok(Answer(StatusCode::CREATED, job))
}

/// Blocks until the preview is ready. A client that goes away meanwhile has paid all the same.
async fn preview(State(service): Shared, body: Body) -> Result<Answer, Answer> {
    let (id, _) = submit(&service, Operation::Preview, &read(body).await?)?;
    let ended = service.with_world(|world, _| world.job(id).map(|job| job.first.plan.ended));
    service.clock.sleep_until(ended.unwrap_or_default()).await;
    look(&service, id)
}

fn submit(service: &Service, operation: Operation, body: &[u8]) -> Result<(Uuid, Value), Answer> {
    let order = validate::new_job(body).map_err(bad_request)?;
    service.with_world(|world, now| {
        let id = world.submit(operation, order, now)?.id;
        let job = world.job(id).ok_or_else(Answer::not_found)?;
        Ok((id, answer::job(service, world, job, now)))
    })
}

async fn render(State(service): Shared, id: Id, body: Body) -> Result<Answer, Answer> {
    let id = parse(id)?;
    let body = read(body).await?;
    service.with_world(|world, now| {
        world.job(id).ok_or_else(Answer::not_found)?;
        let changes = validate::changes(&body).map_err(bad_request)?;
        world.render(id, changes, now)?;
        let job = world.job(id).ok_or_else(Answer::not_found)?;
        Ok(Answer(StatusCode::OK, answer::job(&service, world, job, now)))
    })
}

async fn get(State(service): Shared, id: Id) -> Result<Answer, Answer> {
    look(&service, parse(id)?)
}

fn look(service: &Service, id: Uuid) -> Result<Answer, Answer> {
    service.with_world(|world, now| {
        let job = world.job(id).ok_or_else(Answer::not_found)?;
        Ok(Answer(StatusCode::OK, answer::job(service, world, job, now)))
    })
}

async fn list_jobs(State(service): Shared, uri: Uri) -> Result<Answer, Answer> {
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let given: Vec<_> =
        query.filter(|(name, _)| name == "ids").map(|(_, value)| value.into_owned()).collect();
    let ids: Vec<_> = given.iter().flat_map(|value| value.split(',')).map(str::trim).collect();
    let wrong = |text: String| Answer(StatusCode::BAD_REQUEST, json!({ "ids": [text] }));
    if ids.len() > limits::IDS {
        return Err(wrong(format!("Ensure this field has no more than {} elements.", limits::IDS)));
    }
    let id = |text: &&str| {
        Uuid::try_parse(text).map_err(|_| wrong(format!("\"{text}\" is not a valid UUID.")))
    };
    let ids = ids.iter().map(id).collect::<Result<Vec<_>, _>>()?;
    Ok(service.with_world(|world, now| {
        let jobs = if ids.is_empty() {
            world.newest().take(LIST_LENGTH).collect()
        } else {
            world.these(&ids)
        };
        Answer(
            StatusCode::OK,
            jobs.into_iter().map(|job| answer::job(&service, world, job, now)).collect(),
        )
    }))
}

async fn list_templates(State(service): Shared) -> Answer {
    Answer(
        StatusCode::OK,
        templates().iter().map(|template| answer::template(&service, template)).collect(),
    )
}

async fn remaining_credits(State(service): Shared) -> Answer {
    let balance = service.with_world(|world, _| world.balance());
    Answer(StatusCode::OK, json!({ "remaining_credits": answer::number(balance) }))
}

async fn index(State(service): Shared) -> Response {
    (page::headers(&service.media_url), page::index(&service)).into_response()
}

fn bad_request(errors: validate::Errors) -> Answer {
    Answer(StatusCode::BAD_REQUEST, errors)
}

/// Whatever is not an id is the id of no job.
fn parse(id: Id) -> Result<Uuid, Answer> {
    id.ok().and_then(|Path(id)| Uuid::try_parse(&id).ok()).ok_or_else(Answer::not_found)
}

async fn read(body: Body) -> Result<Bytes, Answer> {
    axum::body::to_bytes(body, MAX_BODY_BYTES).await.map_err(|error| {
        tracing::debug!(%error, "body not read");
        Answer::detail(
            StatusCode::BAD_REQUEST,
            format!("The request body is longer than {MAX_BODY_BYTES} bytes, or was cut off."),
        )
    })
}

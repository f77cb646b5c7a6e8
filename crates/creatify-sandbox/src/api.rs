//! The API host: routes, credentials and handlers.
//!
//! A request passes [`record`], [`apply_faults`], [`authenticate`] and its handler, in this order.
//! Paths and methods come from `openapi.yaml` through [`OperationId`].

use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{FromRequestParts, MatchedPath, Path, Request, State, rejection::PathRejection},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use creatify_api::{OperationId, credit_rates::BillableOperation, limits};
use http::{Method, StatusCode, Uri, request::Parts};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    credentials::{API_ID, API_KEY},
    fault_layer::apply_faults,
    page, requests,
    response::{self, JsonResponse},
    service::Service,
    state::{CallFaults, LIST_LENGTH},
    templates::templates,
    validate,
};

type Shared = State<Arc<Service>>;
type Id = Result<Path<String>, PathRejection>;

/// The largest request body, as in Django's default settings.
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
        .fallback(async || JsonResponse::not_found())
        .layer(from_fn(authenticate))
        .layer(from_fn_with_state(service.clone(), apply_faults))
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
        _ => return None, // a test fails when an operation of the document has no handler
    })
}

/// Logs every request, whatever its response.
async fn record(State(service): Shared, request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let matches = |operation: &&OperationId| {
        Some(operation.path()) == matched && operation.method() == request.method()
    };
    let index = service.requests.add(requests::Request {
        operation: OperationId::ALL.iter().find(matches).copied(),
        method: request.method().clone(),
        path: request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        at: service.clock.now(),
        status: None,
    });
    let response = next.run(request).await;
    service.requests.set_status(index, response.status());
    response
}

/// Refuses requests without the sandbox's credentials; unknown paths are a 404 either way.
async fn authenticate(request: Request, next: Next) -> Response {
    match refused_credentials(&request) {
        Some(text) => JsonResponse::detail(StatusCode::UNAUTHORIZED, text).into_response(),
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

async fn method_not_allowed(method: Method) -> JsonResponse {
    JsonResponse::detail(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("Method \"{method}\" not allowed."),
    )
}

async fn create(
    State(service): Shared,
    faults: CallFaults,
    body: Body,
) -> Result<JsonResponse, JsonResponse> {
    let (_, job) = submit(&service, BillableOperation::Create, faults, &read(body).await?)?;
    Ok(JsonResponse(StatusCode::CREATED, job))
}

async fn preview_async(
    State(service): Shared,
    faults: CallFaults,
    body: Body,
) -> Result<JsonResponse, JsonResponse> {
    let (_, job) = submit(&service, BillableOperation::Preview, faults, &read(body).await?)?;
    Ok(JsonResponse(StatusCode::CREATED, job))
}

/// Responds when the preview is ready. A client that disconnects earlier is charged all the same.
async fn preview(
    State(service): Shared,
    faults: CallFaults,
    body: Body,
) -> Result<JsonResponse, JsonResponse> {
    let (id, _) = submit(&service, BillableOperation::Preview, faults, &read(body).await?)?;
    let ended = service.with_state(|state, _| state.job(id).map(|job| job.first.timeline.ended));
    service.clock.sleep_until(ended.unwrap_or_default()).await;
    read_job(&service, id)
}

fn submit(
    service: &Service,
    operation: BillableOperation,
    faults: CallFaults,
    body: &[u8],
) -> Result<(Uuid, Value), JsonResponse> {
    let params = validate::job_params(body).map_err(bad_request)?;
    service.with_state(|state, now| {
        let id = state.submit(operation, params, faults, now)?.id;
        let job = state.job(id).ok_or_else(JsonResponse::not_found)?;
        Ok((id, response::job(service, state, job, now)))
    })
}

async fn render(
    State(service): Shared,
    id: Id,
    faults: CallFaults,
    body: Body,
) -> Result<JsonResponse, JsonResponse> {
    let id = parse(id)?;
    let body = read(body).await?;
    service.with_state(|state, now| {
        state.job(id).ok_or_else(JsonResponse::not_found)?;
        let changes =
            validate::job_changes(&body, state.settings.render_body).map_err(bad_request)?;
        state.render(id, changes, faults, now)?;
        let job = state.job(id).ok_or_else(JsonResponse::not_found)?;
        Ok(JsonResponse(StatusCode::OK, response::job(&service, state, job, now)))
    })
}

async fn get(State(service): Shared, id: Id) -> Result<JsonResponse, JsonResponse> {
    read_job(&service, parse(id)?)
}

fn read_job(service: &Service, id: Uuid) -> Result<JsonResponse, JsonResponse> {
    service.with_state(|state, now| {
        let job = state.job(id).ok_or_else(JsonResponse::not_found)?;
        let shown = response::job(service, state, job, now);
        state.count_read(id);
        Ok(JsonResponse(StatusCode::OK, shown))
    })
}

async fn list_jobs(State(service): Shared, uri: Uri) -> Result<JsonResponse, JsonResponse> {
    // Django takes the last of several parameters with one name; the ids are separated by commas.
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let given = query.filter(|(name, _)| name == "ids").last().map(|(_, value)| value.into_owned());
    let ids: Vec<_> = given.iter().flat_map(|value| value.split(',')).map(str::trim).collect();
    let wrong = |text: String| JsonResponse(StatusCode::BAD_REQUEST, json!({ "ids": [text] }));
    if ids.len() > limits::IDS {
        return Err(wrong(format!("Ensure this field has no more than {} elements.", limits::IDS)));
    }
    let id = |text: &&str| {
        Uuid::try_parse(text).map_err(|_| wrong(format!("\"{text}\" is not a valid UUID.")))
    };
    let ids = ids.iter().map(id).collect::<Result<Vec<_>, _>>()?;
    Ok(service.with_state(|state, now| {
        let jobs = if ids.is_empty() {
            state.newest().take(LIST_LENGTH).collect()
        } else {
            state.with_ids(&ids)
        };
        let read: Vec<_> = jobs.iter().map(|job| job.id).collect();
        let shown = jobs.into_iter().map(|job| response::job(&service, state, job, now)).collect();
        for id in read {
            state.count_read(id);
        }
        JsonResponse(StatusCode::OK, shown)
    }))
}

async fn list_templates(State(service): Shared) -> JsonResponse {
    JsonResponse(
        StatusCode::OK,
        templates().iter().map(|template| response::template(&service, template)).collect(),
    )
}

async fn remaining_credits(State(service): Shared) -> JsonResponse {
    let balance = service.with_state(|state, _| state.balance());
    JsonResponse(StatusCode::OK, json!({ "remaining_credits": response::number(balance) }))
}

async fn index(State(service): Shared) -> Response {
    (page::headers(&service.media_url), page::index(&service)).into_response()
}

fn bad_request(errors: validate::Errors) -> JsonResponse {
    JsonResponse(StatusCode::BAD_REQUEST, errors)
}

/// Reads the faults of a call, which [`apply_faults`] adds to its request.
impl<S: Sync> FromRequestParts<S> for CallFaults {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or_default())
    }
}

/// Parses a job id; anything else is a 404.
fn parse(id: Id) -> Result<Uuid, JsonResponse> {
    id.ok().and_then(|Path(id)| Uuid::try_parse(&id).ok()).ok_or_else(JsonResponse::not_found)
}

async fn read(body: Body) -> Result<Bytes, JsonResponse> {
    axum::body::to_bytes(body, MAX_BODY_BYTES).await.map_err(|error| {
        tracing::debug!(%error, "request body not read");
        JsonResponse::detail(
            StatusCode::BAD_REQUEST,
            format!("The request body exceeds {MAX_BODY_BYTES} bytes or is incomplete."),
        )
    })
}

//! The media host: previews, videos and template pictures. Clients must not send credentials to it.

use std::sync::{Arc, atomic::Ordering};

use axum::{
    Extension, Router,
    extract::{
        Path, Query, Request, State,
        rejection::{PathRejection, QueryRejection},
    },
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    fault_layer::apply_faults,
    media_file::{MediaFile, Replaced},
    page,
    response::{JsonResponse, storage_error},
    service::Service,
    templates,
};

type Shared = State<Arc<Service>>;
type FileName = Result<Path<String>, PathRejection>;

pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/outputs/{file}", get(video))
        .route("/preview", get(preview))
        .route("/templates/{file}", get(template))
        .fallback(async || JsonResponse::not_found())
        .layer(from_fn_with_state(service.clone(), apply_faults))
        .layer(from_fn_with_state(service.clone(), count_leaked_credentials))
        .with_state(service)
}

async fn count_leaked_credentials(
    State(service): Shared,
    request: Request,
    next: Next,
) -> Response {
    if request.headers().contains_key("x-api-id") || request.headers().contains_key("x-api-key") {
        service.leaked_credentials.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(path = request.uri().path(), "the media host received credentials");
    }
    next.run(request).await
}

async fn video(
    State(service): Shared,
    file: FileName,
    uri: Uri,
    method: Method,
    headers: HeaderMap,
    replaced: Option<Extension<Replaced>>,
) -> Response {
    let version =
        id(file, ".mp4").and_then(|id| service.with_state(|state, now| state.job(id)?.video(now)));
    let Some(version) = version else { return JsonResponse::not_found().into_response() };
    if service.is_expired(&uri) {
        return storage_error(StatusCode::FORBIDDEN).into_response();
    }
    // Each render has a tag of its own, so that a client never joins parts of two videos.
    let tag = version.simple().to_string();
    let file = match replaced {
        None => MediaFile::video(&tag),
        Some(_) => MediaFile::replaced_video(&tag),
    };
    file.respond(&method, &headers)
}

fn id(file: FileName, extension: &str) -> Option<Uuid> {
    let Path(file) = file.ok()?;
    Uuid::try_parse(file.strip_suffix(extension)?).ok()
}

#[derive(Deserialize)]
struct Layout {
    #[serde(default)]
    layout: String,
}

async fn preview(State(service): Shared, query: Result<Query<Layout>, QueryRejection>) -> Response {
    let layout = query.map(|Query(query)| query.layout).unwrap_or_default();
    let id = layout
        .rsplit('/')
        .next()
        .and_then(|file| Uuid::try_parse(file.strip_suffix(".json")?).ok());
    let page = id.and_then(|id| {
        service.with_state(|state, now| {
            state
                .job(id)
                .filter(|job| job.has_preview(now))
                .map(|job| page::preview(&service, job, now))
        })
    });
    let headers = page::headers(&service.media_url);
    match page {
        Some(page) => (headers, page).into_response(),
        None => (StatusCode::NOT_FOUND, headers, page::no_preview()).into_response(),
    }
}

async fn template(file: FileName) -> Response {
    match id(file, ".svg").and_then(templates::find) {
        Some(template) => {
            ([(header::CONTENT_TYPE, "image/svg+xml")], page::poster(template)).into_response()
        }
        None => JsonResponse::not_found().into_response(),
    }
}

//! What does the media host answer? It is another host than the API's: credentials must never get here.

use std::sync::{Arc, atomic::Ordering};

use axum::{
    Extension, Router,
    body::Bytes,
    extract::{
        Path, Query, Request, State,
        rejection::{PathRejection, QueryRejection},
    },
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, Method, StatusCode, header};
use http_range_header::{RangeUnsatisfiableError, parse_range_header};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    answer::Answer,
    faults::{Replaced, misbehave},
    page,
    service::Service,
    templates,
};

/// A real, playable video; the README says how it was made.
static VIDEO: &[u8] = include_bytes!("../assets/video.mp4");

type Shared = State<Arc<Service>>;
type File = Result<Path<String>, PathRejection>;

pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/outputs/{file}", get(video))
        .route("/preview", get(preview))
        .route("/templates/{file}", get(template))
        .fallback(async || Answer::not_found())
        .layer(from_fn_with_state(service.clone(), misbehave))
        .layer(from_fn_with_state(service.clone(), watch_for_credentials))
        .with_state(service)
}

async fn watch_for_credentials(State(service): Shared, request: Request, next: Next) -> Response {
    if request.headers().contains_key("x-api-id") || request.headers().contains_key("x-api-key") {
        service.leaked.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(path = request.uri().path(), "credentials reached the media host");
    }
    next.run(request).await
}

async fn video(
    State(service): Shared,
    file: File,
    method: Method,
    headers: HeaderMap,
    replaced: Option<Extension<Replaced>>,
) -> Response {
    let id = id(file, ".mp4");
    // A render that replaces a video changes the tag, so that nobody glues halves of two videos together.
    let Some(version) =
        id.and_then(|id| service.with_world(|world, now| world.job(id)?.video(now)))
    else {
        return Answer::not_found().into_response();
    };
    let (video, etag) = match replaced {
        None => (Bytes::from_static(VIDEO), format!("\"{}\"", version.simple())),
        Some(_) => (another_video(), format!("\"{}-replaced\"", version.simple())),
    };
    let common = [
        (header::CONTENT_TYPE, "video/mp4".to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::ETAG, etag.clone()),
    ];
    let length = video.len();
    let part = if method == Method::GET { part(&headers, &etag, length) } else { Part::Whole };
    match part {
        Part::Whole => {
            (common, [(header::CONTENT_LENGTH, length.to_string())], video).into_response()
        }
        Part::Bytes { first, last } => {
            let range = format!("bytes {first}-{last}/{length}");
            let body = video.slice(first..=last); // within the length, by which the range was checked
            let extent =
                [(header::CONTENT_RANGE, range), (header::CONTENT_LENGTH, body.len().to_string())];
            (StatusCode::PARTIAL_CONTENT, common, extent, body).into_response()
        }
        Part::Unsatisfiable => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            (StatusCode::RANGE_NOT_SATISFIABLE, common, range).into_response()
        }
    }
}

/// The same pictures in other bytes: another minor version at the beginning, and an empty box at the end. Halves of the two do not fit.
fn another_video() -> Bytes {
    const MINOR_VERSION: usize = 15;
    let mut video = VIDEO.to_vec();
    video[MINOR_VERSION] ^= 1;
    video.extend(b"\0\0\0\x08free");
    video.into()
}

fn id(file: File, extension: &str) -> Option<Uuid> {
    let Path(file) = file.ok()?;
    Uuid::try_parse(file.strip_suffix(extension)?).ok()
}

#[derive(Debug, PartialEq)]
enum Part {
    Whole,
    Bytes { first: usize, last: usize },
    Unsatisfiable,
}

/// Which part is asked for. Several ranges at once, or a range that cannot be read, are answered with the whole, as RFC 9110 allows.
fn part(headers: &HeaderMap, etag: &str, length: usize) -> Part {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let Some(range) = text(header::RANGE) else { return Part::Whole };
    if text(header::IF_RANGE).is_some_and(|condition| condition != etag) {
        return Part::Whole;
    }
    match parse_range_header(range).and_then(|ranges| ranges.validate(length as u64)).as_deref() {
        Ok([range]) => match (usize::try_from(*range.start()), usize::try_from(*range.end())) {
            (Ok(first), Ok(last)) => Part::Bytes { first, last },
            _ => Part::Whole,
        },
        Err(RangeUnsatisfiableError::Unsatisfiable) => Part::Unsatisfiable,
        _ => Part::Whole,
    }
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
        service.with_world(|world, now| {
            world
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

async fn template(file: File) -> Response {
    match id(file, ".svg").and_then(templates::find) {
        Some(template) => {
            ([(header::CONTENT_TYPE, "image/svg+xml")], page::poster(template)).into_response()
        }
        None => Answer::not_found().into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_answered_as_rfc_9110_says() {
        let bytes = |first, last| Part::Bytes { first, last };
        for (range, if_range, expected) in [
            (None, None, Part::Whole),
            (Some("bytes=0-9"), None, bytes(0, 9)),
            (Some("bytes=90-"), None, bytes(90, 99)),
            (Some("bytes=90-1000"), None, bytes(90, 99)),
            (Some("bytes=-10"), None, bytes(90, 99)),
            (Some("bytes=-1000"), None, bytes(0, 99)),
            (Some("bytes=100-"), None, Part::Unsatisfiable),
            (Some("bytes=-0"), None, Part::Unsatisfiable),
            (Some("bytes=9-0"), None, Part::Whole),
            (Some("bytes=0-1,5-6"), None, Part::Whole),
            (Some("lines=0-9"), None, Part::Whole),
            (Some("bytes=x"), None, Part::Whole),
            (Some("bytes=0-9"), Some("\"tag\""), bytes(0, 9)),
            (Some("bytes=0-9"), Some("\"old\""), Part::Whole),
            (Some("bytes=0-9"), Some("W/\"tag\""), Part::Whole),
            (Some("bytes=0-9"), Some("Mon, 04 May 2026 09:12:31 GMT"), Part::Whole),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [(header::RANGE, range), (header::IF_RANGE, if_range)] {
                value.map(|value| headers.insert(name, value.parse().unwrap()));
            }
            assert_eq!(part(&headers, "\"tag\"", 100), expected, "{range:?} {if_range:?}");
        }
    }

    #[test]
    fn the_video_is_an_mp4_of_modest_size() {
        assert_eq!(&VIDEO[4..8], b"ftyp");
        assert!(VIDEO.len() < 60_000);
    }
}

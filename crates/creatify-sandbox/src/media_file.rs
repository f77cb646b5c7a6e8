//! Media files: the bytes of the video, and responses to ranges of it.

use axum::{
    body::Bytes,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, StatusCode, header};
use http_range_header::{RangeUnsatisfiableError, parse_range_header};

/// A real, playable video; the README says how it was made.
static VIDEO: &[u8] = include_bytes!("../assets/video.mp4");

/// Request marker: serve a different file than before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replaced;

/// A version of a file, with its `ETag`.
#[derive(Debug)]
pub(crate) struct MediaFile {
    bytes: Bytes,
    etag: String,
}

impl MediaFile {
    /// Returns the video with this tag.
    pub(crate) fn video(tag: &str) -> Self {
        Self { bytes: Bytes::from_static(VIDEO), etag: format!("\"{tag}\"") }
    }

    /// Returns the same pictures in other bytes: another minor version at the beginning and an
    /// empty box at the end, so that halves of the two do not fit together.
    pub(crate) fn replaced_video(tag: &str) -> Self {
        const MINOR_VERSION: usize = 15;
        let mut video = VIDEO.to_vec();
        video[MINOR_VERSION] ^= 1;
        video.extend(b"\0\0\0\x08free");
        Self { bytes: video.into(), etag: format!("\"{tag}-replaced\"") }
    }

    /// Returns the whole file, the requested range, or a 416.
    pub(crate) fn respond(self, method: &Method, headers: &HeaderMap) -> Response {
        let Self { bytes, etag } = self;
        let length = bytes.len();
        let part = if method == Method::GET { part(headers, &etag, length) } else { Part::Whole };
        let common = [
            (header::CONTENT_TYPE, "video/mp4".to_owned()),
            (header::ACCEPT_RANGES, "bytes".to_owned()),
            (header::ETAG, etag),
        ];
        match part {
            Part::Whole => {
                (common, [(header::CONTENT_LENGTH, length.to_string())], bytes).into_response()
            }
            Part::Bytes { first, last } => {
                let range = format!("bytes {first}-{last}/{length}");
                let body = bytes.slice(first..=last); // the range was checked against the length
                let extent = [
                    (header::CONTENT_RANGE, range),
                    (header::CONTENT_LENGTH, body.len().to_string()),
                ];
                (StatusCode::PARTIAL_CONTENT, common, extent, body).into_response()
            }
            Part::Unsatisfiable => {
                let range = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
                (StatusCode::RANGE_NOT_SATISFIABLE, common, range).into_response()
            }
        }
    }
}

#[derive(Debug, PartialEq)]
enum Part {
    Whole,
    Bytes { first: usize, last: usize },
    Unsatisfiable,
}

/// Returns the requested part. Several ranges, or a range that cannot be parsed, are answered with
/// the whole file, as RFC 9110 allows.
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

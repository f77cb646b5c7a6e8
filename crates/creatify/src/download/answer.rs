//! Answers of a storage, and the decision of what to do about each of them. No I/O.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{
    HeaderMap, HeaderName, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED},
};
use serde::{Deserialize, Serialize};

use crate::http::error_response;

/// Version of a file, by which bytes of another one are recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    /// Strong entity tag.
    pub(super) etag: String,
    /// Length of the whole file.
    pub(super) total: u64,
    /// Time of its last change, as the storage writes it.
    pub(super) last_modified: Option<String>,
}

/// Head of an answer, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    status: StatusCode,
    /// Length of the body. Absent when it was decompressed, and when its end is the connection's.
    length: Option<u64>,
    range: Option<ContentRange>,
    etag: Option<String>,
    last_modified: Option<String>,
    /// Compression that was not undone.
    encoding: Option<String>,
    retry_after: Option<Duration>,
    pub(super) content_type: Option<String>,
}

/// Bytes in a partial answer: `Content-Range: bytes 100-199/200`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ContentRange {
    first: u64,
    last: u64,
    total: Option<u64>,
}

/// Part of the file that was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Requested<'v> {
    /// All of it.
    Whole,
    /// The rest of this version, from a byte on.
    Rest { from: u64, version: &'v Version },
}

/// Next step after the head of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NextStep {
    /// Append the body to what is there.
    Append { total: u64 },
    /// Take the body for the whole file. It can be resumed if its version is known.
    Replace { version: Option<Version>, total: Option<u64> },
    /// Discard what is there and ask for the whole file.
    StartOver(&'static str),
    /// Ask again, after the pause that the storage wants.
    Retry { after: Option<Duration> },
    /// Read the job again for a new link. A file that has just been made may not be there yet.
    RenewLink { after: Option<Duration>, may_appear: MayAppear },
    /// Give up.
    Refuse(String),
}

/// Chance that the file appears under the same link: some answers are those of storages that do not
/// show a new file yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MayAppear {
    Yes,
    No,
}

impl Answer {
    pub(super) fn read(status: StatusCode, headers: &HeaderMap, now: DateTime<Utc>) -> Self {
        let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
        let owned = |name| text(name).map(str::to_owned);
        Self {
            status,
            length: text(CONTENT_LENGTH).and_then(|length| length.parse().ok()),
            range: text(CONTENT_RANGE).and_then(ContentRange::parse),
            etag: owned(ETAG),
            last_modified: owned(LAST_MODIFIED),
            encoding: owned(CONTENT_ENCODING)
                .filter(|encoding| !encoding.is_empty())
                .filter(|encoding| !encoding.eq_ignore_ascii_case("identity")),
            retry_after: error_response::retry_after(headers, now),
            content_type: owned(CONTENT_TYPE),
        }
    }

    /// Decides what to do about this answer.
    pub(super) fn next_step(&self, requested: Requested<'_>) -> NextStep {
        let after = self.retry_after;
        match self.status {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT if self.encoding.is_some() => {
                let encoding = self.encoding.as_deref().unwrap_or_default();
                let encoding = error_response::shortened(encoding);
                NextStep::Refuse(format!("the body is compressed as `{encoding}`"))
            }
            StatusCode::OK => NextStep::Replace { version: self.version(), total: self.length },
            StatusCode::PARTIAL_CONTENT => match requested {
                Requested::Rest { from, version } => self.continuation(from, version),
                Requested::Whole => NextStep::StartOver("the storage sent a part of the file"),
            },
            StatusCode::RANGE_NOT_SATISFIABLE => {
                NextStep::StartOver("the storage does not resume this download")
            }
            StatusCode::ACCEPTED
            | StatusCode::NO_CONTENT
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND => NextStep::RenewLink { after, may_appear: MayAppear::Yes },
            // Storages that sign their links answer an expired one with any of these.
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::GONE => {
                NextStep::RenewLink { after, may_appear: MayAppear::No }
            }
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
                NextStep::Retry { after }
            }
            status if status.is_server_error() => NextStep::Retry { after },
            status => NextStep::Refuse(format!("the storage answered {status}")),
        }
    }

    /// Returns the version, if the rest of the file can be asked for by it. A weak tag does not
    /// promise the same bytes; without a length, the end of the file is not known.
    fn version(&self) -> Option<Version> {
        let etag = self.etag.clone().filter(|etag| !etag.starts_with("W/"))?;
        Some(Version { etag, total: self.length?, last_modified: self.last_modified.clone() })
    }

    /// Appends only what is proved to go on where the part ends, in the same version: some servers
    /// ignore `If-Range`, and a decompressed body is no piece of the file.
    fn continuation(&self, from: u64, version: &Version) -> NextStep {
        let is_next = self.range.is_some_and(|range| {
            range.first == from
                && range.total == Some(version.total)
                && range.last < version.total
                && self.length == (range.last - range.first).checked_add(1)
        });
        let same_time = match (&self.last_modified, &version.last_modified) {
            (Some(now), Some(before)) => now == before,
            _ => true,
        };
        if is_next && same_time && self.etag.as_ref() == Some(&version.etag) {
            NextStep::Append { total: version.total }
        } else {
            NextStep::StartOver("the storage went on with another version of the file")
        }
    }
}

impl ContentRange {
    fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        (first <= last).then(|| Self { first, last, total: total.trim().parse().ok() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &str)]) -> Answer {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        Answer::read(StatusCode::from_u16(status).unwrap(), &headers, Utc::now())
    }

    fn version() -> Version {
        Version {
            etag: "\"one\"".to_owned(),
            total: 8,
            last_modified: Some("Sun, 06 Nov 1994 08:49:37 GMT".to_owned()),
        }
    }

    fn rest(headers: &[(&'static str, &str)]) -> NextStep {
        answer(206, headers).next_step(Requested::Rest { from: 4, version: &version() })
    }

    #[test]
    fn only_the_same_version_is_appended() {
        let range = ("content-range", "bytes 4-7/8");
        let length = ("content-length", "4");
        let etag = ("etag", "\"one\"");
        let appended = NextStep::Append { total: 8 };
        assert_eq!(rest(&[range, length, etag]), appended);
        assert_eq!(
            rest(&[range, length, etag, ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")]),
            appended
        );
        assert_eq!(
            rest(&[("content-range", "bytes 4-5/8"), ("content-length", "2"), etag]),
            appended,
            "less than the rest"
        );
        for (why, headers) in [
            ("no tag", vec![range, length]),
            ("another tag", vec![range, length, ("etag", "\"two\"")]),
            ("a weak tag", vec![range, length, ("etag", "W/\"one\"")]),
            ("another total", vec![("content-range", "bytes 4-7/12"), length, etag]),
            ("no total", vec![("content-range", "bytes 4-7/*"), length, etag]),
            ("another first byte", vec![("content-range", "bytes 0-3/8"), length, etag]),
            ("no range", vec![length, etag]),
            ("nonsense", vec![("content-range", "bytes 7-4/8"), length, etag]),
            ("past the end", vec![("content-range", "bytes 4-8/8"), ("content-length", "5"), etag]),
            ("another length", vec![range, ("content-length", "3"), etag]),
            ("no length, since it was decompressed", vec![range, etag]),
            (
                "another time",
                vec![range, length, etag, ("last-modified", "Mon, 07 Nov 1994 08:49:37 GMT")],
            ),
        ] {
            assert!(matches!(rest(&headers), NextStep::StartOver(_)), "{why}");
        }
    }

    #[test]
    fn a_version_needs_a_strong_tag_and_a_length() {
        let version = |headers: &[_]| match answer(200, headers).next_step(Requested::Whole) {
            NextStep::Replace { version, .. } => version,
            other => panic!("{other:?}"),
        };
        assert!(version(&[("etag", "\"one\""), ("content-length", "8")]).is_some());
        assert_eq!(version(&[("etag", "W/\"one\""), ("content-length", "8")]), None);
        assert_eq!(version(&[("etag", "\"one\"")]), None);
        assert_eq!(version(&[("content-length", "8")]), None);
    }

    #[test]
    fn every_status_has_its_next_step() {
        let step = |status| answer(status, &[]).next_step(Requested::Whole);
        for status in [408, 425, 429, 500, 502, 503, 504, 599] {
            assert_eq!(step(status), NextStep::Retry { after: None }, "{status}");
        }
        for (statuses, may_appear) in
            [(&[202, 204, 403, 404][..], MayAppear::Yes), (&[400, 401, 410], MayAppear::No)]
        {
            for status in statuses {
                let expected = NextStep::RenewLink { after: None, may_appear };
                assert_eq!(step(*status), expected, "{status}");
            }
        }
        for status in [206, 416] {
            assert!(matches!(step(status), NextStep::StartOver(_)), "{status}");
        }
        for status in [201, 300, 302, 304, 405, 412, 451] {
            assert!(matches!(step(status), NextStep::Refuse(_)), "{status}");
        }
        assert!(matches!(step(200), NextStep::Replace { version: None, total: None }));
    }

    #[test]
    fn a_wanted_pause_is_kept_to() {
        let after = Some(Duration::from_secs(7));
        let step = |status| answer(status, &[("retry-after", "7")]).next_step(Requested::Whole);
        assert_eq!(step(503), NextStep::Retry { after });
        assert_eq!(step(404), NextStep::RenewLink { after, may_appear: MayAppear::Yes });
    }

    #[test]
    fn an_unknown_compression_is_refused() {
        for status in [200, 206] {
            let step = answer(status, &[("content-encoding", "br")]).next_step(Requested::Whole);
            assert!(matches!(step, NextStep::Refuse(reason) if reason.contains("`br`")));
        }
        let identity = answer(200, &[("content-encoding", "Identity")]);
        assert!(matches!(identity.next_step(Requested::Whole), NextStep::Replace { .. }));
    }
}

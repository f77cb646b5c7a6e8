//! Retry-After: waits are bounded, no clock overflows, nothing is sent at or after the deadline.
//!
//! The first line of the input is the header, the second the `Date` of the answer.

#![no_main]

use std::time::{Duration, Instant, SystemTime};

use creatify::fuzzing::{retry_after, sent_again};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{DATE, RETRY_AFTER},
};
use libfuzzer_sys::fuzz_target;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// 2026-05-04T09:12:31Z, in whole seconds, like HTTP dates.
const NOW: Duration = Duration::from_secs(1_777_885_951);

fuzz_target!(|input: &[u8]| {
    let now = SystemTime::UNIX_EPOCH + NOW;
    let read = |text: &[u8], date: Option<&[u8]>| {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_bytes(text).ok()?);
        if let Some(date) = date.and_then(|date| HeaderValue::from_bytes(date).ok()) {
            headers.insert(DATE, date);
        }
        retry_after(&headers, now.into())
    };
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let text = lines.next().unwrap_or_default();
    let asked = read(text, lines.next());
    assert!(asked.is_none_or(|asked| asked <= DAY));
    if let Some(asked) = asked {
        let _ = Instant::now() + asked;
    }
    let left = Duration::from_secs(text.len() as u64 * 7);
    for (status, is_certain) in [
        (StatusCode::TOO_MANY_REQUESTS, true),
        (StatusCode::SERVICE_UNAVAILABLE, false),
        (StatusCode::BAD_GATEWAY, false),
    ] {
        let [free, billable] = sent_again(status, asked, left);
        for delay in [free, billable].into_iter().flatten() {
            assert!(delay < left && delay >= asked.unwrap_or_default());
        }
        assert!(billable.is_none() || is_certain, "it may have been processed");
    }

    // All forms of a wait give the same result, and a date counts from the date of the answer.
    if let Some(Ok(bytes)) = input.get(..4).map(<[u8; 4]>::try_from) {
        let seconds = u32::from_le_bytes(bytes);
        let wait = Duration::from_secs(seconds.into());
        let expected = Some(wait.min(DAY));
        assert_eq!(read(seconds.to_string().as_bytes(), None), expected);
        let half = Some((wait + Duration::from_millis(500)).min(DAY));
        assert_eq!(read(format!("{seconds}.5").as_bytes(), None), half);
        let date = |at: SystemTime| httpdate::fmt_http_date(at).into_bytes();
        assert_eq!(read(&date(now + wait), None), expected);
        let skewed = now - Duration::from_secs(u64::from(seconds) / 5);
        assert_eq!(read(&date(skewed + wait), Some(&date(skewed))), expected);
    }
});

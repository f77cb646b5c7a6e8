//! Retry-After: waits are bounded, no clock overflows, nothing is sent at or after the deadline.

#![no_main]

use std::time::{Duration, Instant, SystemTime};

use creatify::fuzzing::{retry_after, sent_again};
use http::{HeaderMap, HeaderValue, StatusCode, header::RETRY_AFTER};
use libfuzzer_sys::fuzz_target;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// 2026-05-04T09:12:31Z, in whole seconds, like HTTP dates.
const NOW: Duration = Duration::from_secs(1_777_885_951);

fuzz_target!(|text: &[u8]| {
    let now = SystemTime::UNIX_EPOCH + NOW;
    let read = |text: &[u8]| {
        HeaderValue::from_bytes(text)
            .ok()
            .and_then(|value| retry_after(&HeaderMap::from_iter([(RETRY_AFTER, value)]), now))
    };
    let asked = read(text);
    assert!(asked.is_none_or(|asked| asked <= DAY));
    if let Some(asked) = asked {
        let _ = Instant::now() + asked;
    }
    let left = Duration::from_secs(text.len() as u64 * 7);
    for status in
        [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE, StatusCode::BAD_GATEWAY]
    {
        let [free, billable] = sent_again(status, asked, left);
        for delay in [free, billable].into_iter().flatten() {
            assert!(delay < left && delay >= asked.unwrap_or_default());
        }
        assert!(
            billable.is_none() || status != StatusCode::BAD_GATEWAY,
            "it may have been processed"
        );
        assert!(
            billable.is_none() || status != StatusCode::SERVICE_UNAVAILABLE || asked.is_some(),
            "it may have been processed"
        );
    }

    // Both forms of a wait give the same result.
    if let Some(Ok(bytes)) = text.get(..4).map(<[u8; 4]>::try_from) {
        let seconds = u32::from_le_bytes(bytes);
        let wait = Duration::from_secs(seconds.into());
        assert_eq!(read(seconds.to_string().as_bytes()), Some(wait.min(DAY)));
        assert_eq!(read(httpdate::fmt_http_date(now + wait).as_bytes()), Some(wait.min(DAY)));
    }
});

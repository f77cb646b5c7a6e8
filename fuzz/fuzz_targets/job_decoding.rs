//! Answers to billable requests: at most one job id is found, behind any mark, prefix or envelope,
//! and decoded fields are as sent.

#![no_main]

use creatify::{Goal, GoalStatus, Job, fuzzing};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    let strict = serde_json::from_slice::<Job>(body).ok();
    let lenient = fuzzing::decode_leniently(body);
    let id = fuzzing::response_id(body);

    if let Some(job) = &strict {
        for form in [body.to_vec()].into_iter().chain(forms(body)) {
            let shown = String::from_utf8_lossy(&form);
            assert_eq!(fuzzing::response_id(&form), Some(job.id()), "{shown}");
            let (same, _) = fuzzing::decode_leniently(&form).expect("a valid job in another form");
            assert_eq!(text(&same), text(job), "{shown}");
        }
    }
    if let Some((job, repairs)) = &lenient {
        assert!(id.is_none_or(|id| id == job.id()), "two ids");
        assert!(repairs.len() < 1_000 && !repairs.contains(char::is_control), "{repairs:?}");
        can_be_used(job);
    }
    // A truncated body never yields another id than the whole.
    let is_json = serde_json::from_slice::<Value>(body).is_ok();
    let forms = if is_json { forms(body) } else { Vec::new() };
    for body in [body.to_vec()].into_iter().chain(forms) {
        let Some(id) = fuzzing::response_id(&body) else { continue };
        let length = body.len();
        for end in [length / 4, length / 2, length * 3 / 4, length.saturating_sub(1)] {
            let early = fuzzing::response_id(&body[..end]);
            assert!(early.is_none_or(|early| early == id), "two ids");
        }
    }
});

/// Returns the body behind marks and prefixes, in envelopes and in UTF-16.
fn forms(body: &[u8]) -> Vec<Vec<u8>> {
    let around = |before: &[u8], after: &[u8]| [before, body, after].concat();
    let mut forms = vec![
        around(b"\xef\xbb\xbf", b""),
        around(b")]}'\n", b""),
        around(b")]}',\n", b"\n"),
        around(b"{\"data\": ", b"}"),
        around(b"{\"success\": true, \"data\": {\"job\": ", b"}}"),
        around(b"[", b"]"),
        around(b"{\"result\": [", b"]}"),
    ];
    if let Ok(text) = std::str::from_utf8(body) {
        let units = || std::iter::once(0xfeff).chain(text.encode_utf16());
        forms.push(units().flat_map(u16::to_le_bytes).collect());
        forms.push(units().flat_map(u16::to_be_bytes).collect());
    }
    forms
}

fn can_be_used(job: &Job) {
    for goal in [Goal::Preview, Goal::Video] {
        if job.goal_status(goal) == GoalStatus::Reached {
            assert!(job.output(goal).is_some_and(|output| !output.is_empty()));
        }
    }
    if let Some(progress) = job.progress() {
        assert!((0.0..=1.0).contains(&progress.fraction()));
    }
    if let Some(credits) = job.credits_used() {
        assert_eq!(credits.to_string().parse().ok(), Some(credits));
    }
    let _ = job.duration();
    let again: Job = serde_json::from_str(&text(job)).expect("what was decoded, decodes again");
    assert_eq!(text(&again), text(job));
}

fn text(job: &Job) -> String {
    serde_json::to_string(job).expect("a job is JSON")
}

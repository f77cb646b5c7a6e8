//! Answers to billable requests: at most one job id is found, and decoded fields are as sent.

#![no_main]

use creatify::{Goal, Job, GoalStatus, fuzzing};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let strict = serde_json::from_slice::<Job>(body).ok();
    let lenient = fuzzing::decode_leniently(body);
    let id = fuzzing::response_id(body);

    if let Some(job) = &strict {
        assert_eq!(id, Some(job.id()), "a job that decodes has its id");
        let (same, dropped) = lenient.as_ref().expect("what decodes, decodes leniently");
        assert_eq!((text(same), dropped.len()), (text(job), 0));
    }
    if let Some((job, dropped)) = &lenient {
        assert!(id.is_none_or(|id| id == job.id()), "two ids");
        assert!(
            !dropped.iter().any(|field| matches!(field.as_str(), "id" | "status")),
            "{dropped:?}"
        );
        assert!(dropped.len() < 20 && dropped.iter().all(|field| field.len() < 20), "{dropped:?}");
        can_be_used(job);
    }
    // A truncated body never yields another id than the whole.
    if let Some(id) = id {
        for end in
            [body.len() / 4, body.len() / 2, body.len() * 3 / 4, body.len().saturating_sub(1)]
        {
            assert!(fuzzing::response_id(&body[..end]).is_none_or(|early| early == id), "two ids");
        }
    }
});

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

//! Few requests and little delay: the figures that `cargo xtask bench` measures, on fewer jobs.
//! Requests are counted on virtual time, so nothing here depends on the machine. It fails when a
//! figure gets worse by more than a tenth.

#![allow(clippy::unwrap_used)] // a test file

use creatify::wait::{Adaptive, FixedInterval, RunTimeStats};
use creatify_tests::{
    fleet::waited_for_together,
    one_by_one::{Figures, Profile, competitors, earlier, jobs, wait_for, wait_with_hints},
};

const SEED: u64 = 42;

/// How much worse a figure may get before somebody has to look.
const TENTH: f64 = 0.1;

fn figures(requests: f64, median: f64, mean: f64, percentile_95: f64) -> Figures {
    Figures { requests, median, mean, percentile_95 }
}

fn known(profile: Profile) -> RunTimeStats {
    earlier(&jobs(20, profile, SEED + 1))
}

#[test]
fn informative_progress_takes_few_requests_and_little_delay() {
    let jobs = jobs(600, Profile::Informative, SEED);
    let own = wait_for(&jobs, &Adaptive::default(), None);
    assert!(own.within(&figures(10.0, 2.0, 3.0, 8.0), 0.0), "the goal is missed: {own:?}");
    assert!(own.within(&figures(9.5, 1.3, 1.4, 3.2), TENTH), "{own:?}");
    let own = wait_for(&jobs, &Adaptive::default(), Some(known(Profile::Informative)));
    assert!(own.within(&figures(7.0, 1.35, 1.45, 3.4), TENTH), "{own:?}");
}

#[test]
fn without_progress_it_is_no_worse_than_any_policy_of_as_many_requests() {
    for profile in [Profile::Stuck, Profile::Jumping, Profile::Absent] {
        let jobs = jobs(200, profile, SEED);
        let own = wait_for(&jobs, &Adaptive::default(), None);
        assert!(own.within(&figures(38.7, 2.4, 2.45, 4.75), TENTH), "{profile:?}: {own:?}");
        for (name, policy) in competitors() {
            let others = wait_for(&jobs, policy.as_ref(), None);
            if others.requests >= own.requests {
                assert!(own.within(&others, 0.0), "{name}, {profile:?}: {own:?} {others:?}");
            }
        }
        // At least the most eager one is compared.
        assert!(
            wait_for(&jobs, &FixedInterval(std::time::Duration::from_secs(5)), None).requests
                > own.requests
        );
    }
}

/// By default less delay than any of them. With as few requests as each of them, less delay still,
/// unless progress misleads: one look in half a minute finds out too late that it jumps.
#[test]
fn durations_of_twenty_earlier_jobs_beat_every_other_policy() {
    for profile in [Profile::Stuck, Profile::Jumping, Profile::Absent] {
        let jobs = jobs(400, profile, SEED);
        for (name, policy) in competitors() {
            let others = wait_for(&jobs, policy.as_ref(), None);
            let own = wait_for(&jobs, &Adaptive::default(), Some(known(profile)));
            assert!(
                own.within(
                    &figures(f64::INFINITY, others.median, others.mean, others.percentile_95),
                    0.0
                ),
                "{name}: {own:?}"
            );
            if profile == Profile::Jumping {
                continue;
            }
            let thrifts = [0.5, 1.0, 4.0, 16.0, 20.0, 25.0, 32.0, 40.0, 50.0, 64.0]
                .map(|request_cost| Adaptive::default().request_cost(request_cost));
            let better = thrifts
                .iter()
                .any(|own| wait_for(&jobs, own, Some(known(profile))).within(&others, 0.0));
            assert!(better, "{name}, {profile:?}: {others:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fleet_shares_its_requests() {
    let fleet = waited_for_together(1_000).await;
    assert!(
        fleet.figures.within(&figures(0.5, 2.0, f64::INFINITY, 8.0), 0.0),
        "the goal is missed: {fleet:?}"
    );
    assert!(fleet.figures.within(&figures(0.27, 1.2, 1.25, 2.5), TENTH), "{fleet:?}");
}

/// The time of the processor is not looked at here: it depends on the machine.
#[tokio::test(start_paused = true)]
async fn requests_a_job_do_not_grow_with_the_number_of_jobs() {
    let mut before = f64::INFINITY;
    for jobs in [1, 10, 100] {
        let requests = waited_for_together(jobs).await.figures.requests;
        assert!(requests <= before * (1.0 + TENTH), "{jobs} jobs: {requests} after {before}");
        before = requests;
    }
}

/// The first jobs, from which the reliability of hints is learned, count as well.
#[test]
fn hints_that_always_come_leave_hardly_any_request_or_delay() {
    for profile in [Profile::Informative, Profile::Stuck, Profile::Jumping, Profile::Absent] {
        let jobs = jobs(2_000, profile, SEED);
        let hinted = wait_with_hints(&jobs, &Adaptive::default(), None, 0.0);
        assert!(hinted.within(&figures(2.5, 0.3, 0.3, 0.3), 0.0), "{profile:?}: {hinted:?}");
    }
}

#[test]
fn hints_of_which_three_in_ten_are_lost_are_no_worse_than_polling_alone() {
    for profile in [Profile::Informative, Profile::Stuck, Profile::Jumping, Profile::Absent] {
        let jobs = jobs(500, profile, SEED);
        let alone = wait_for(&jobs, &Adaptive::default(), None);
        let hinted = wait_with_hints(&jobs, &Adaptive::default(), None, 0.3);
        assert!(hinted.within(&alone, 0.0), "{profile:?}: {hinted:?} {alone:?}");
    }
}

//! Effects of each fault.

use super::*;

#[tokio::test(start_paused = true)]
async fn refuse_refuses_connections_for_its_time_only() {
    let refuse = Rule::new(Fault::Refuse(30.0)).on(OperationId::GetRemainingCredits).at(2);
    let fixture = Fixture::of(exact().faults(Faults::new(1).with(refuse))).await;
    for _ in 0..2 {
        assert_eq!(fixture.get(CREDITS).await.0, 200, "the request itself gets its response");
    }
    let refused = || async { fixture.request(Method::GET, CREDITS).send().await.unwrap_err() };
    assert!(refused().await.is_connect());
    pass(29).await;
    assert!(refused().await.is_connect());
    pass(2).await;
    assert_eq!(fixture.get(CREDITS).await.0, 200);
    assert_eq!(
        fixture.sandbox.request_count(OperationId::GetRemainingCredits),
        3,
        "refused connections reach no handler"
    );
}

#[tokio::test(start_paused = true)]
async fn the_longest_retry_after_is_sent() {
    for fault in [Fault::Throttle(u64::MAX), Fault::ThrottleUntil(u64::MAX)] {
        let fixture = Fixture::of(exact().faults(Faults::new(1).with(Rule::new(fault)))).await;
        assert_eq!(fixture.get(CREDITS).await.0, 429, "{fault:?}");
    }
}

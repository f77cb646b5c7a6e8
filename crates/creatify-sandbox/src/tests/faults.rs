//! What faults do that no single answer shows.

use super::*;

#[tokio::test(start_paused = true)]
async fn after_a_refusal_nothing_listens_for_a_while_and_then_it_does() {
    let refuse = Rule::new(Fault::Refuse(30.0)).on(OperationId::GetRemainingCredits).at(2);
    let fixture = Fixture::of(exact().faults(Faults::new(1).with(refuse))).await;
    for _ in 0..2 {
        assert_eq!(fixture.get(CREDITS).await.0, 200, "it is answered itself");
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
        "what is refused never arrives"
    );
}

#[tokio::test(start_paused = true)]
async fn no_wait_is_too_long_to_be_asked_for() {
    for fault in [Fault::Throttle(u64::MAX), Fault::ThrottleUntil(u64::MAX)] {
        let fixture = Fixture::of(exact().faults(Faults::new(1).with(Rule::new(fault)))).await;
        assert_eq!(fixture.get(CREDITS).await.0, 429, "{fault:?}");
    }
}

//! The decision whether a failed request is sent again. Pure: no clock, no socket.
//!
//! A billable request (POST) is sent again only when it was certainly not processed: the
//! connection was never made, or the service answered 429. Everything else could be paid twice.

use std::time::Duration;

use creatify_api::{BodyExtent, OperationId};
use http::StatusCode;

/// Billing of a request: sending a billable one twice can cost twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Billing {
    Free,
    Billable,
}

impl Billing {
    pub(crate) fn of(operation: OperationId) -> Self {
        if operation.billing().is_some() { Self::Billable } else { Self::Free }
    }
}

/// A way in which a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The deadline of the call would have passed before the request's turn. Nothing was sent.
    DeadlinePassed,
    /// No connection was made, so nothing was sent.
    NotConnected,
    /// The server's certificate is not trusted, so nothing was sent.
    Untrusted,
    /// Something may have been sent, and no answer came.
    NoAnswer,
    /// An answer other than a success.
    Answer { status: StatusCode, retry_after: Option<Duration>, origin: Origin },
    /// A success whose body says that the request was refused (`{"success": false}`).
    RefusalInSuccess,
    /// A success whose body did not arrive whole or did not decode.
    Undecodable { extent: BodyExtent },
}

/// The author of an answer, as far as its body shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// JSON, as the service answers.
    Service,
    /// Anything else, such as the page of a gateway or firewall in front of it.
    Elsewhere,
}

/// The state of a call when a request of it has failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryState {
    pub(crate) billing: Billing,
    pub(crate) failure: Failure,
    /// Requests that were sent so far.
    pub(crate) attempts: u32,
    /// Pause by the backoff; `None` when its attempts are used up.
    pub(crate) backoff: Option<Duration>,
    /// Time until the deadline.
    pub(crate) time_left: Duration,
}

/// The next step after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryDecision {
    /// Send it again after this long.
    Retry(Duration),
    /// The failure is final, and it is known what it means.
    GiveUp,
    /// It may have been processed. It must not be sent again.
    OutcomeUnknown,
}

/// A body that does not decode once will not decode the sixth time either.
const MAX_ATTEMPTS_UNDECODABLE: u32 = 2;

pub(crate) fn decide(state: RetryState) -> RetryDecision {
    let RetryState { billing, failure, attempts, backoff, time_left } = state;
    match (billing, server_effect(failure)) {
        (Billing::Billable, ServerEffect::Possible) => return RetryDecision::OutcomeUnknown,
        (_, ServerEffect::Refused) => return RetryDecision::GiveUp,
        (Billing::Billable, ServerEffect::Certain) => return RetryDecision::GiveUp,
        (_, ServerEffect::None) | (Billing::Free, _) => {}
    }
    if is_final_for_reads(failure, attempts) {
        return RetryDecision::GiveUp;
    }
    let Some(backoff) = backoff else { return RetryDecision::GiveUp };
    let asked = match failure {
        Failure::Answer { retry_after, .. } => retry_after.unwrap_or_default(),
        _ => Duration::ZERO,
    };
    let delay = backoff.max(asked);
    if delay < time_left { RetryDecision::Retry(delay) } else { RetryDecision::GiveUp }
}

/// Returns whether the same request would only get the same answer.
fn is_final_for_reads(failure: Failure, attempts: u32) -> bool {
    match failure {
        Failure::Answer { status, .. } => {
            status.is_redirection()
                || status.is_client_error()
                    && status != StatusCode::TOO_MANY_REQUESTS
                    && status != StatusCode::REQUEST_TIMEOUT
                    && !CALLER_GONE.contains(&status.as_u16())
        }
        Failure::RefusalInSuccess => true,
        Failure::Undecodable { extent: BodyExtent::Cut } => false,
        Failure::Undecodable { .. } => attempts >= MAX_ATTEMPTS_UNDECODABLE,
        _ => false,
    }
}

/// The effect that a failed request had on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ServerEffect {
    /// None, for a reason that may pass.
    None,
    /// None, for a reason that does not pass by itself.
    Refused,
    /// Unknown: it may have been processed.
    Possible,
    /// It was processed.
    Certain,
}

/// Statuses by which a proxy says that the caller went away before the answer.
const CALLER_GONE: [u16; 2] = [460, 499];

fn server_effect(failure: Failure) -> ServerEffect {
    match failure {
        Failure::DeadlinePassed | Failure::NotConnected => ServerEffect::None,
        Failure::Untrusted => ServerEffect::Refused,
        Failure::NoAnswer | Failure::RefusalInSuccess => ServerEffect::Possible,
        Failure::Undecodable { .. } => ServerEffect::Certain,
        Failure::Answer { status, origin, .. } => match status {
            StatusCode::TOO_MANY_REQUESTS => ServerEffect::None,
            StatusCode::REQUEST_TIMEOUT => ServerEffect::Possible,
            status if CALLER_GONE.contains(&status.as_u16()) => ServerEffect::Possible,
            // A firewall may inspect the answer too, and block it after the service has charged.
            StatusCode::FORBIDDEN if origin == Origin::Elsewhere => ServerEffect::Possible,
            // The method and body were to be repeated elsewhere, so they were not used here.
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {
                ServerEffect::Refused
            }
            status if status.is_client_error() => ServerEffect::Refused,
            // Other redirects may follow a processed request. 5xx: a gateway whose backend went
            // on answers 503 too, with or without `Retry-After`.
            _ => ServerEffect::Possible,
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_failure() -> impl Strategy<Value = Failure> {
        let status = (100u16..600).prop_map(|code| StatusCode::from_u16(code).unwrap());
        let retry_after = proptest::option::of(
            prop_oneof![0u64..10_000, any::<u64>()].prop_map(Duration::from_secs),
        );
        let origin = prop_oneof![Just(Origin::Service), Just(Origin::Elsewhere)];
        let extent =
            prop_oneof![Just(BodyExtent::Whole), Just(BodyExtent::Cut), Just(BodyExtent::TooLong)];
        prop_oneof![
            Just(Failure::DeadlinePassed),
            Just(Failure::NotConnected),
            Just(Failure::Untrusted),
            Just(Failure::NoAnswer),
            Just(Failure::RefusalInSuccess),
            extent.prop_map(|extent| Failure::Undecodable { extent }),
            (status, retry_after, origin)
                .prop_filter("a success is no failure", |(status, ..)| !status.is_success())
                .prop_map(|(status, retry_after, origin)| Failure::Answer {
                    status,
                    retry_after,
                    origin
                }),
        ]
    }

    fn state(billing: Billing, failure: Failure) -> RetryState {
        RetryState {
            billing,
            failure,
            attempts: 1,
            backoff: Some(Duration::from_secs(1)),
            time_left: Duration::from_secs(60),
        }
    }

    proptest! {
        /// The promise itself, stated a second time, as a list of what is certain.
        #[test]
        fn a_billable_request_is_sent_again_only_when_it_certainly_was_not_processed(
            failure in any_failure(), backoff in 0u64..100, left in 0u64..1000,
        ) {
            let state = RetryState {
                backoff: Some(Duration::from_secs(backoff)),
                time_left: Duration::from_secs(left),
                ..state(Billing::Billable, failure)
            };
            if let RetryDecision::Retry(_) = decide(state) {
                let certain = match failure {
                    Failure::NotConnected | Failure::DeadlinePassed => true,
                    Failure::Answer { status, .. } => status.as_u16() == 429,
                    _ => false,
                };
                prop_assert!(certain, "{failure:?}");
            }
        }

        #[test]
        fn no_delay_reaches_the_deadline_or_undercuts_what_the_service_asked(
            failure in any_failure(), backoff in 0u64..100, left in 0u64..1000,
        ) {
            for billing in [Billing::Free, Billing::Billable] {
                let time_left = Duration::from_secs(left);
                let backoff = Duration::from_secs(backoff);
                let state =
                    RetryState { backoff: Some(backoff), time_left, ..state(billing, failure) };
                if let RetryDecision::Retry(delay) = decide(state) {
                    prop_assert!(delay < time_left);
                    prop_assert!(delay >= backoff);
                    if let Failure::Answer { retry_after: Some(asked), .. } = failure {
                        prop_assert!(delay >= asked);
                    }
                }
            }
        }

        #[test]
        fn used_up_attempts_end_every_call(failure in any_failure()) {
            for billing in [Billing::Free, Billing::Billable] {
                let state = RetryState {
                    backoff: None,
                    time_left: Duration::MAX,
                    ..state(billing, failure)
                };
                prop_assert!(!matches!(decide(state), RetryDecision::Retry(_)));
            }
        }
    }

    #[test]
    fn a_body_that_never_decodes_is_asked_for_twice_at_most() {
        let decide = |extent, attempts| {
            let failure = Failure::Undecodable { extent };
            decide(RetryState { attempts, ..state(Billing::Free, failure) })
        };
        assert!(matches!(decide(BodyExtent::Whole, 1), RetryDecision::Retry(_)));
        assert_eq!(decide(BodyExtent::Whole, 2), RetryDecision::GiveUp);
        assert!(matches!(decide(BodyExtent::Cut, 5), RetryDecision::Retry(_)));
    }

    #[test]
    fn each_failure_has_its_decision() {
        let answer = |code, retry_after: Option<u64>, origin| Failure::Answer {
            status: StatusCode::from_u16(code).unwrap(),
            retry_after: retry_after.map(Duration::from_secs),
            origin,
        };
        let service = |code, retry_after| answer(code, retry_after, Origin::Service);
        let elsewhere = |code| answer(code, None, Origin::Elsewhere);
        let again = RetryDecision::Retry(Duration::from_secs(1));
        let later = RetryDecision::Retry(Duration::from_secs(7));
        let (stop, unknown) = (RetryDecision::GiveUp, RetryDecision::OutcomeUnknown);
        for (failure, free, billable) in [
            (Failure::NotConnected, again, again),
            (Failure::Untrusted, stop, stop),
            (Failure::NoAnswer, again, unknown),
            (Failure::RefusalInSuccess, stop, unknown),
            (Failure::Undecodable { extent: BodyExtent::Whole }, again, stop),
            (service(400, None), stop, stop),
            (service(401, None), stop, stop),
            (service(402, None), stop, stop),
            (service(403, None), stop, stop),
            (elsewhere(403), stop, unknown),
            (elsewhere(400), stop, stop),
            (service(404, None), stop, stop),
            (service(408, None), again, unknown),
            (service(429, None), again, again),
            (service(429, Some(7)), later, later),
            (service(429, Some(600)), stop, stop),
            (elsewhere(460), again, unknown),
            (elsewhere(499), again, unknown),
            (service(500, None), again, unknown),
            (service(502, None), again, unknown),
            (service(503, None), again, unknown),
            (service(503, Some(1)), again, unknown),
            (service(504, Some(1)), again, unknown),
            (service(303, None), stop, unknown),
            (service(308, None), stop, stop),
        ] {
            assert_eq!(
                (decide(state(Billing::Free, failure)), decide(state(Billing::Billable, failure))),
                (free, billable),
                "{failure:?}"
            );
        }
    }
}

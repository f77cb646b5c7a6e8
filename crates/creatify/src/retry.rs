//! What next, after a request failed? Pure: no clock, no socket. The one place that decides whether a request is sent again.

use std::time::Duration;

use http::StatusCode;

/// Whether sending a request twice can cost twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Billing {
    Free,
    Billable,
}

/// How a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No connection was made, so nothing was sent.
    NotConnected,
    /// The server's certificate is not trusted, so nothing was sent.
    Untrusted,
    /// Something may have been sent, and no answer came.
    NoAnswer,
    /// An answer other than a success.
    Answer { status: StatusCode, retry_after: Option<Duration> },
    /// A success whose body did not arrive whole or did not decode.
    Undecodable,
}

/// Where the call stands when the fault occurs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Situation {
    pub(crate) billing: Billing,
    pub(crate) fault: Fault,
    /// What the backoff would wait; `None` when its attempts are used up.
    pub(crate) backoff: Option<Duration>,
    /// Until the deadline.
    pub(crate) time_left: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Send it again after so long.
    SendAgain(Duration),
    /// The failure is final, and it is known what it means.
    GiveUp,
    /// It may have been processed. It must not be sent again.
    OutcomeUnknown,
}

pub(crate) fn decide(situation: Situation) -> Verdict {
    let Situation { billing, fault, backoff, time_left } = situation;
    match (billing, processed(fault)) {
        (Billing::Billable, Processed::Perhaps | Processed::Redirected) => {
            return Verdict::OutcomeUnknown;
        }
        (_, Processed::Refused) | (Billing::Billable, Processed::Yes) => return Verdict::GiveUp,
        (Billing::Free, Processed::Redirected) => return Verdict::GiveUp, // it would be redirected again
        (_, Processed::No) | (Billing::Free, _) => {}
    }
    let Some(backoff) = backoff else { return Verdict::GiveUp };
    let asked = match fault {
        Fault::Answer { retry_after, .. } => retry_after.unwrap_or_default(),
        _ => Duration::ZERO,
    };
    let delay = backoff.max(asked);
    if delay < time_left { Verdict::SendAgain(delay) } else { Verdict::GiveUp }
}

/// What a fault says of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Processed {
    /// Certainly not processed, for a reason that may pass.
    No,
    /// Certainly not processed, for a reason that will not pass by itself.
    Refused,
    Perhaps,
    /// Perhaps processed, and the answer is elsewhere, where we do not follow.
    Redirected,
    Yes,
}

fn processed(fault: Fault) -> Processed {
    match fault {
        Fault::NotConnected => Processed::No,
        Fault::Untrusted => Processed::Refused,
        Fault::NoAnswer => Processed::Perhaps,
        Fault::Undecodable => Processed::Yes,
        Fault::Answer { status, retry_after } => match status {
            StatusCode::TOO_MANY_REQUESTS => Processed::No,
            // Only when the service itself says to come back: a bare 503 may come from a gateway whose backend went on.
            StatusCode::SERVICE_UNAVAILABLE if retry_after.is_some() => Processed::No,
            StatusCode::REQUEST_TIMEOUT => Processed::Perhaps,
            // The method and body were to be repeated elsewhere, so they were not used here. We do not follow.
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => Processed::Refused,
            status if status.is_client_error() => Processed::Refused,
            status if status.is_redirection() => Processed::Redirected,
            _ => Processed::Perhaps, // 5xx, 1xx
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_fault() -> impl Strategy<Value = Fault> {
        let status = (100u16..600).prop_map(|code| StatusCode::from_u16(code).unwrap());
        let retry_after = proptest::option::of(
            prop_oneof![0u64..10_000, any::<u64>()].prop_map(Duration::from_secs),
        );
        prop_oneof![
            Just(Fault::NotConnected),
            Just(Fault::Untrusted),
            Just(Fault::NoAnswer),
            Just(Fault::Undecodable),
            (status, retry_after)
                .prop_filter("a success is no fault", |(status, _)| !status.is_success())
                .prop_map(|(status, retry_after)| Fault::Answer { status, retry_after }),
        ]
    }

    proptest! {
        /// The promise itself, stated a second time, as a list of what is certain.
        #[test]
        fn a_billable_request_is_sent_again_only_when_it_certainly_was_not_processed(fault in any_fault(), backoff in 0u64..100, left in 0u64..1000) {
            let situation = Situation {
                billing: Billing::Billable,
                fault,
                backoff: Some(Duration::from_secs(backoff)),
                time_left: Duration::from_secs(left),
            };
            if let Verdict::SendAgain(_) = decide(situation) {
                let certain = match fault {
                    Fault::NotConnected => true,
                    Fault::Answer { status, retry_after } => status.as_u16() == 429 || (status.as_u16() == 503 && retry_after.is_some()),
                    _ => false,
                };
                prop_assert!(certain, "{fault:?}");
            }
        }

        #[test]
        fn no_delay_reaches_the_deadline_or_undercuts_what_the_service_asked(fault in any_fault(), backoff in 0u64..100, left in 0u64..1000) {
            for billing in [Billing::Free, Billing::Billable] {
                let time_left = Duration::from_secs(left);
                let backoff = Duration::from_secs(backoff);
                if let Verdict::SendAgain(delay) = decide(Situation { billing, fault, backoff: Some(backoff), time_left }) {
                    prop_assert!(delay < time_left);
                    prop_assert!(delay >= backoff);
                    if let Fault::Answer { retry_after: Some(asked), .. } = fault {
                        prop_assert!(delay >= asked);
                    }
                }
            }
        }

        #[test]
        fn used_up_attempts_end_every_call(fault in any_fault()) {
            for billing in [Billing::Free, Billing::Billable] {
                let situation = Situation { billing, fault, backoff: None, time_left: Duration::MAX };
                prop_assert!(!matches!(decide(situation), Verdict::SendAgain(_)));
            }
        }
    }

    #[test]
    fn each_fault_has_its_verdict() {
        let decide = |billing, fault| {
            decide(Situation {
                billing,
                fault,
                backoff: Some(Duration::from_secs(1)),
                time_left: Duration::from_secs(60),
            })
        };
        let answer = |code, retry_after: Option<u64>| Fault::Answer {
            status: StatusCode::from_u16(code).unwrap(),
            retry_after: retry_after.map(Duration::from_secs),
        };
        let again = Verdict::SendAgain(Duration::from_secs(1));
        for (fault, free, billable) in [
            (Fault::NotConnected, again, again),
            (Fault::Untrusted, Verdict::GiveUp, Verdict::GiveUp),
            (Fault::NoAnswer, again, Verdict::OutcomeUnknown),
            (Fault::Undecodable, again, Verdict::GiveUp),
            (answer(400, None), Verdict::GiveUp, Verdict::GiveUp),
            (answer(401, None), Verdict::GiveUp, Verdict::GiveUp),
            (answer(402, None), Verdict::GiveUp, Verdict::GiveUp),
            (answer(404, None), Verdict::GiveUp, Verdict::GiveUp),
            (answer(408, None), again, Verdict::OutcomeUnknown),
            (answer(429, None), again, again),
            (
                answer(429, Some(7)),
                Verdict::SendAgain(Duration::from_secs(7)),
                Verdict::SendAgain(Duration::from_secs(7)),
            ),
            (answer(429, Some(600)), Verdict::GiveUp, Verdict::GiveUp),
            (answer(500, None), again, Verdict::OutcomeUnknown),
            (answer(502, None), again, Verdict::OutcomeUnknown),
            (answer(503, None), again, Verdict::OutcomeUnknown),
            (answer(503, Some(1)), again, again),
            (answer(504, Some(1)), again, Verdict::OutcomeUnknown),
            (answer(303, None), Verdict::GiveUp, Verdict::OutcomeUnknown),
            (answer(308, None), Verdict::GiveUp, Verdict::GiveUp),
        ] {
            assert_eq!(
                (decide(Billing::Free, fault), decide(Billing::Billable, fault)),
                (free, billable),
                "{fault:?}"
            );
        }
    }
}

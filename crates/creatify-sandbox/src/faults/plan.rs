//! Which fault strikes which request? Pure but for its counters; the same for the same seed and order of requests.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::body::Bytes;
use rand::RngExt;

use super::{Fault, Faults, Fired, Target};
use crate::lifecycle::rng;

/// The faults of a running sandbox.
#[derive(Debug, Default)]
pub(crate) struct Plan(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    faults: Faults,
    requests: HashMap<Target, u64>,
    struck: Vec<u64>,
    fired: Vec<Fired>,
    /// The last answer to a GET, by path and query.
    last_answers: HashMap<String, Bytes>,
}

/// Enough for tests of stale reads.
const REMEMBERED_ANSWERS: usize = 1_000;

impl Plan {
    /// Replaces the faults; counting begins anew.
    pub(crate) fn set(&self, faults: Faults) {
        let struck = vec![0; faults.rules.len()];
        *self.lock() = State { faults, struck, ..State::default() };
    }

    /// The fault that strikes this request, if one does.
    pub(crate) fn next(&self, target: Target) -> Option<Fault> {
        let mut state = self.lock();
        let state = &mut *state;
        let request = state.requests.entry(target).or_default();
        *request += 1;
        let request = *request;
        for (index, rule) in state.faults.rules.iter().enumerate() {
            let struck = &mut state.struck[index];
            let is_request = rule.requests.is_empty() || rule.requests.contains(&request);
            let is_left = rule.limit.is_none_or(|limit| *struck < limit);
            let strikes = |probability| {
                rng(state.faults.seed, index as u64, seed_of(target, request)).random::<f64>()
                    < probability
            };
            if rule.concerns(target)
                && is_request
                && is_left
                && rule.probability.is_none_or(strikes)
            {
                *struck += 1;
                state.fired.push(Fired { fault: rule.fault, target, request });
                return Some(rule.fault);
            }
        }
        None
    }

    pub(crate) fn fired(&self) -> Vec<Fired> {
        self.lock().fired.clone()
    }

    /// Keeps an answer for a stale read, and gives the one before.
    pub(crate) fn remember(&self, path: String, answer: Bytes) -> Option<Bytes> {
        let mut state = self.lock();
        if state.last_answers.len() >= REMEMBERED_ANSWERS {
            state.last_answers.clear();
        }
        state.last_answers.insert(path, answer)
    }

    /// Whether any fault may ever strike.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().faults.rules.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Each request of each target its own number.
fn seed_of(target: Target, request: u64) -> u64 {
    let target = match target {
        Target::Operation(operation) => 1 + operation as u64,
        Target::Media => 0,
        Target::Webhooks => 63,
    };
    request.wrapping_mul(64).wrapping_add(target)
}

#[cfg(test)]
mod tests {
    use creatify_api::OperationId;

    use super::{super::Rule, *};

    const GET: Target = Target::Operation(OperationId::GetCustomTemplateJob);
    const CREATE: Target = Target::Operation(OperationId::CreateCustomTemplateJob);

    fn plan(rules: impl IntoIterator<Item = Rule>) -> Plan {
        let plan = Plan::default();
        plan.set(rules.into_iter().fold(Faults::new(7), Faults::with));
        plan
    }

    #[test]
    fn a_rule_strikes_its_targets_at_its_requests_and_no_others() {
        let plan =
            plan([Rule::new(Fault::DropAfter).on(OperationId::GetCustomTemplateJob).at(2).at(4)]);
        let struck: Vec<_> = (1..=5).filter(|_| plan.next(GET).is_some()).collect();
        assert_eq!(struck.len(), 2);
        assert_eq!(plan.fired().iter().map(|fired| fired.request).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(plan.next(CREATE), None);
    }

    #[test]
    fn the_first_rule_that_fits_is_taken_and_a_limit_ends_it() {
        let plan = plan([
            Rule::new(Fault::DropBefore).limit(1),
            Rule::new(Fault::Truncate).on(OperationId::GetCustomTemplateJob),
        ]);
        assert_eq!(
            (plan.next(GET), plan.next(GET), plan.next(CREATE)),
            (Some(Fault::DropBefore), Some(Fault::Truncate), None)
        );
        assert_eq!(plan.next(Target::Media), None);
    }

    #[test]
    fn other_hosts_misbehave_only_by_name_or_by_a_fault_of_their_own() {
        let plan = plan([
            Rule::new(Fault::Forged),
            Rule::new(Fault::Replaced),
            Rule::new(Fault::DropBefore),
        ]);
        assert_eq!(plan.next(GET), Some(Fault::DropBefore));
        assert_eq!(plan.next(Target::Media), Some(Fault::Replaced));
        assert_eq!(plan.next(Target::Webhooks), Some(Fault::Forged));
    }

    #[test]
    fn a_probability_strikes_about_so_often_and_the_same_each_time() {
        let strikes = || {
            let plan = plan([Rule::new(Fault::DropBefore).probability(0.2)]);
            (0..10_000).map(|_| plan.next(GET).is_some()).collect::<Vec<_>>()
        };
        let struck = strikes().iter().filter(|struck| **struck).count();
        assert!((1_800..2_200).contains(&struck), "{struck}");
        assert_eq!(strikes(), strikes());
    }
}

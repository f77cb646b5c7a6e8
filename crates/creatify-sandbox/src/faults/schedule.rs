//! Fault schedule: the choice of the fault for each request. Pure apart from its counters.
//!
//! The same seed and the same order of requests give the same faults.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use rand::RngExt;

use super::{fault::Fault, rules::Faults, target::Target};
use crate::lifecycle::rng;

/// Stored responses to GET requests; enough for tests of stale reads.
const STORED_RESPONSES: usize = 1_000;

/// A fault that was applied.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Fired {
    /// The fault.
    pub fault: Fault,
    /// The target it was applied to.
    pub target: Target,
    /// The number of the request or delivery of that target, counted from 1.
    pub request: u64,
}

/// The faults to apply to one request.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Scheduled {
    /// The fault of the first matching rule.
    pub(crate) fault: Option<Fault>,
    /// The edits of the response, in the order of their rules.
    pub(crate) edits: Vec<Fault>,
}

/// The faults of a running sandbox.
#[derive(Debug, Default)]
pub(crate) struct FaultSchedule(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    faults: Faults,
    requests: HashMap<Target, u64>,
    /// The number of times that each rule was applied.
    applied: Vec<u64>,
    fired: Vec<Fired>,
    /// The latest response body of each GET, by path and query.
    latest_bodies: HashMap<String, Bytes>,
}

impl FaultSchedule {
    /// Replaces the faults and starts counting from 1 again.
    pub(crate) fn set(&self, faults: Faults) {
        let applied = vec![0; faults.rules.len()];
        *self.lock() = State { faults, applied, ..State::default() };
    }

    /// Counts a request and returns the faults to apply to it.
    pub(crate) fn next(&self, target: Target) -> Scheduled {
        let mut state = self.lock();
        let state = &mut *state;
        let request = state.requests.entry(target).or_default();
        *request += 1;
        let request = *request;
        let mut scheduled = Scheduled::default();
        for (index, rule) in state.faults.rules.iter().enumerate() {
            let applied = &mut state.applied[index];
            let is_request = rule.requests.is_empty() || rule.requests.contains(&request);
            let is_left = rule.limit.is_none_or(|limit| *applied < limit);
            let is_drawn = |probability| {
                rng(state.faults.seed, index as u64, draw_number(target, request)).random::<f64>()
                    < probability
            };
            let is_free = rule.fault.is_edit() || scheduled.fault.is_none();
            if rule.covers(target)
                && is_request
                && is_left
                && is_free
                && rule.probability.is_none_or(is_drawn)
            {
                *applied += 1;
                state.fired.push(Fired { fault: rule.fault, target, request });
                match rule.fault {
                    edit if edit.is_edit() => scheduled.edits.push(edit),
                    fault => scheduled.fault = Some(fault),
                }
            }
        }
        scheduled
    }

    pub(crate) fn fired(&self) -> Vec<Fired> {
        self.lock().fired.clone()
    }

    /// Stores a response body for a stale read and returns the previous one.
    pub(crate) fn store_body(&self, path: String, body: Bytes) -> Option<Bytes> {
        let mut state = self.lock();
        if state.latest_bodies.len() >= STORED_RESPONSES {
            state.latest_bodies.clear();
        }
        state.latest_bodies.insert(path, body)
    }

    /// Returns true when there are no rules.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().faults.rules.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a different number for each request of each target.
fn draw_number(target: Target, request: u64) -> u64 {
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

    use super::*;
    use crate::faults::{BodyForm, Field, Rule};

    const GET: Target = Target::Operation(OperationId::GetCustomTemplateJob);
    const CREATE: Target = Target::Operation(OperationId::CreateCustomTemplateJob);

    fn schedule(rules: impl IntoIterator<Item = Rule>) -> FaultSchedule {
        let schedule = FaultSchedule::default();
        schedule.set(rules.into_iter().fold(Faults::new(7), Faults::with));
        schedule
    }

    #[test]
    fn a_rule_applies_to_its_targets_and_requests_only() {
        let schedule = schedule([Rule::new(Fault::DropAfter)
            .on(OperationId::GetCustomTemplateJob)
            .at(2)
            .at(4)]);
        let applied: Vec<_> = (1..=5).filter(|_| schedule.next(GET).fault.is_some()).collect();
        assert_eq!(applied.len(), 2);
        assert_eq!(schedule.fired().iter().map(|fired| fired.request).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(schedule.next(CREATE).fault, None);
    }

    #[test]
    fn the_first_matching_rule_applies_until_its_limit() {
        let schedule = schedule([
            Rule::new(Fault::DropBefore).limit(1),
            Rule::new(Fault::Truncate).on(OperationId::GetCustomTemplateJob),
        ]);
        assert_eq!(
            (schedule.next(GET).fault, schedule.next(GET).fault, schedule.next(CREATE).fault),
            (Some(Fault::DropBefore), Some(Fault::Truncate), None)
        );
        assert_eq!(schedule.next(Target::Media).fault, None);
    }

    #[test]
    fn the_media_host_and_webhooks_have_faults_only_by_name_or_by_a_fault_of_their_own() {
        let schedule = schedule([
            Rule::new(Fault::Forged),
            Rule::new(Fault::Replaced),
            Rule::new(Fault::DropBefore),
        ]);
        assert_eq!(schedule.next(GET).fault, Some(Fault::DropBefore));
        assert_eq!(schedule.next(Target::Media).fault, Some(Fault::Replaced));
        assert_eq!(schedule.next(Target::Webhooks).fault, Some(Fault::Forged));
    }

    #[test]
    fn a_probability_selects_its_share_and_the_same_requests_each_time() {
        let selected = || {
            let schedule = schedule([Rule::new(Fault::DropBefore).probability(0.2)]);
            (0..10_000).map(|_| schedule.next(GET).fault.is_some()).collect::<Vec<_>>()
        };
        let count = selected().iter().filter(|selected| **selected).count();
        assert!((1_800..2_200).contains(&count), "{count}");
        assert_eq!(selected(), selected());
    }

    #[test]
    fn edits_apply_on_top_of_the_first_matching_fault() {
        let edits = [Fault::Body(BodyForm::ByteOrderMark), Fault::Set(Field::CreditsUsed(Some(0)))];
        let schedule = schedule([
            Rule::new(edits[0]),
            Rule::new(Fault::Delay(1.0)),
            Rule::new(Fault::Truncate),
            Rule::new(edits[1]),
        ]);
        let expected = Scheduled { fault: Some(Fault::Delay(1.0)), edits: edits.to_vec() };
        assert_eq!(schedule.next(GET), expected);
        assert_eq!(schedule.fired().len(), 3);
    }

    #[test]
    fn faults_of_calls_skip_operations_that_are_not_billable() {
        let schedule = schedule([Rule::new(Fault::WorkFails), Rule::new(Fault::OldStatus(1))]);
        assert_eq!(schedule.next(GET).fault, None);
        assert_eq!(schedule.next(CREATE).fault, Some(Fault::WorkFails));
    }
}

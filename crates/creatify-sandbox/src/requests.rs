//! Which requests arrived, and what was answered?

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use creatify_api::OperationId;
use http::{Method, StatusCode};

/// How many requests are remembered one by one; counts go on without end.
const REMEMBERED: usize = 10_000;

/// A request that reached the API host.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// The operation; `None` for paths and methods that are none.
    pub operation: Option<OperationId>,
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub path: String,
    /// When it arrived, in sandbox time since the start.
    pub at: Duration,
    /// What was answered; `None` while it is worked on, and when its client went away before.
    pub status: Option<StatusCode>,
}

/// The log. Requests are counted when they arrive, so that one whose client goes away counts too.
#[derive(Debug, Default)]
pub(crate) struct Requests(Mutex<Log>);

#[derive(Debug, Default)]
struct Log {
    last: VecDeque<Request>,
    forgotten: usize,
    counts: HashMap<OperationId, usize>,
}

impl Requests {
    /// Notes a request and returns its place in the log.
    pub(crate) fn arrived(&self, request: Request) -> usize {
        self.locked(|log| {
            if let Some(operation) = request.operation {
                *log.counts.entry(operation).or_default() += 1;
            }
            if log.last.len() == REMEMBERED {
                log.last.pop_front();
                log.forgotten += 1;
            }
            log.last.push_back(request);
            log.forgotten + log.last.len() - 1
        })
    }

    pub(crate) fn answered(&self, place: usize, status: StatusCode) {
        self.locked(|log| {
            if let Some(request) =
                place.checked_sub(log.forgotten).and_then(|index| log.last.get_mut(index))
            {
                request.status = Some(status);
            }
        });
    }

    pub(crate) fn last(&self) -> Vec<Request> {
        self.locked(|log| log.last.iter().cloned().collect())
    }

    pub(crate) fn count(&self, operation: OperationId) -> usize {
        self.locked(|log| log.counts.get(&operation).copied().unwrap_or_default())
    }

    fn locked<T>(&self, f: impl FnOnce(&mut Log) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_requests_are_forgotten_and_still_counted() {
        let requests = Requests::default();
        let operation = OperationId::GetCustomTemplateJob;
        let request = Request {
            operation: Some(operation),
            method: Method::GET,
            path: "/".into(),
            at: Duration::ZERO,
            status: None,
        };
        for _ in 0..=REMEMBERED {
            let place = requests.arrived(request.clone());
            requests.answered(place, StatusCode::OK);
        }
        requests.answered(0, StatusCode::NOT_FOUND);
        assert_eq!(
            (requests.last().len(), requests.count(operation)),
            (REMEMBERED, REMEMBERED + 1)
        );
        assert!(requests.last().iter().all(|request| request.status == Some(StatusCode::OK)));
    }
}

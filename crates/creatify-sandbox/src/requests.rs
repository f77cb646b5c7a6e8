//! Request log of the API host.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use creatify_api::OperationId;
use http::{Method, StatusCode};

/// The number of stored requests; older ones are only counted.
const STORED: usize = 10_000;

/// A request that reached the API host.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// The operation, or `None` for an unknown path or method.
    pub operation: Option<OperationId>,
    /// HTTP method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// Time of arrival, in sandbox time since the start.
    pub at: Duration,
    /// Response status, or `None` while the request is processed and when its client disconnected.
    pub status: Option<StatusCode>,
}

/// The log. Requests are counted on arrival, also those whose client disconnects.
#[derive(Debug, Default)]
pub(crate) struct Requests(Mutex<Log>);

#[derive(Debug, Default)]
struct Log {
    latest: VecDeque<Request>,
    dropped: usize,
    counts: HashMap<OperationId, usize>,
}

impl Requests {
    /// Adds a request and returns its index.
    pub(crate) fn add(&self, request: Request) -> usize {
        self.locked(|log| {
            if let Some(operation) = request.operation {
                *log.counts.entry(operation).or_default() += 1;
            }
            if log.latest.len() == STORED {
                log.latest.pop_front();
                log.dropped += 1;
            }
            log.latest.push_back(request);
            log.dropped + log.latest.len() - 1
        })
    }

    /// Sets the status of a request, unless it is no longer stored.
    pub(crate) fn set_status(&self, index: usize, status: StatusCode) {
        self.locked(|log| {
            if let Some(request) =
                index.checked_sub(log.dropped).and_then(|index| log.latest.get_mut(index))
            {
                request.status = Some(status);
            }
        });
    }

    pub(crate) fn latest(&self) -> Vec<Request> {
        self.locked(|log| log.latest.iter().cloned().collect())
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
    fn old_requests_are_dropped_but_still_counted() {
        let requests = Requests::default();
        let operation = OperationId::GetCustomTemplateJob;
        let request = Request {
            operation: Some(operation),
            method: Method::GET,
            path: "/".into(),
            at: Duration::ZERO,
            status: None,
        };
        for _ in 0..=STORED {
            let index = requests.add(request.clone());
            requests.set_status(index, StatusCode::OK);
        }
        requests.set_status(0, StatusCode::NOT_FOUND);
        assert_eq!((requests.latest().len(), requests.count(operation)), (STORED, STORED + 1));
        assert!(requests.latest().iter().all(|request| request.status == Some(StatusCode::OK)));
    }
}

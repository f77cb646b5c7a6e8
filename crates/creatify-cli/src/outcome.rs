//! Outcomes of several jobs: one element for each, in the order in which they were named.

use std::sync::{Mutex, MutexGuard, PoisonError};

use creatify::{ChargeRisk, ErrorKind, Job, JobId};
use serde::Serialize;

use crate::error::{CliError, ErrorParts};

/// The outcome of one of several jobs, in JSON.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Outcome {
    id: JobId,
    result: String,
    job: Option<Job>,
    error: Option<ErrorParts>,
    #[serde(flatten)]
    file: Option<File>,
}

/// A downloaded file, in JSON.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) bytes: u64,
}

impl Outcome {
    /// A job that was read or reached its goal.
    pub(crate) fn of_job(job: &Job, result: &str) -> Self {
        let result = result.to_owned();
        Self { id: job.id(), result, job: Some(job.clone()), error: None, file: None }
    }

    pub(crate) fn of_file(id: JobId, file: File) -> Self {
        Self { id, result: "done".to_owned(), job: None, error: None, file: Some(file) }
    }

    pub(crate) fn of_error(id: JobId, error: &CliError) -> Self {
        let result = match error {
            CliError::Sdk(error) => match error.kind() {
                ErrorKind::JobFailed => "failed",
                ErrorKind::JobRejected => "rejected",
                kind => kind.as_str(),
            },
            error => error.kind(),
        };
        Self {
            id,
            result: result.to_owned(),
            job: error.last_seen().cloned(),
            error: Some(error.into()),
            file: None,
        }
    }

    fn interrupted(id: JobId, signal: &str) -> Self {
        let error = ErrorParts {
            kind: "interrupted",
            message: format!("interrupted by {signal}"),
            status: None,
            job_id: Some(id),
            request_id: None,
            charge_risk: ChargeRisk::Unknown,
        };
        let result = error.kind.to_owned();
        Self { id, result, job: None, error: Some(error), file: None }
    }
}

/// The outcomes so far, which are told even if the command is interrupted.
#[derive(Debug, Default)]
pub(crate) struct Outcomes(Mutex<Vec<(JobId, Option<Outcome>)>>);

impl Outcomes {
    pub(crate) fn begin(&self, ids: &[JobId]) {
        *self.lock() = ids.iter().map(|id| (*id, None)).collect();
    }

    pub(crate) fn record(&self, place: usize, outcome: Outcome) {
        if let Some((_, slot)) = self.lock().get_mut(place) {
            *slot = Some(outcome);
        }
    }

    /// Returns all outcomes; those that are not known yet as interrupted by a signal.
    pub(crate) fn interrupted_by(&self, signal: &str) -> Vec<Outcome> {
        let known = |(id, outcome): &(JobId, Option<Outcome>)| {
            outcome.clone().unwrap_or_else(|| Outcome::interrupted(*id, signal))
        };
        self.lock().iter().map(known).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(JobId, Option<Outcome>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

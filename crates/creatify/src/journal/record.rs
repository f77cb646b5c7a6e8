//! Requests of submissions: enough to recognise their jobs.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use creatify_api::{JobStatus, ModelVersion};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::EntryId;
use crate::{
    credits::{BillableOperation, Credits},
    job::{Job, JobId, TemplateId},
};

/// Difference that the clocks of two machines may have.
pub(crate) const MACHINE_SKEW: TimeDelta = TimeDelta::hours(2);

/// A submission of unknown outcome: enough to recognise its job among others, in this process or
/// another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubmissionRecord {
    /// Operation that is charged if it was accepted.
    pub operation: BillableOperation,
    /// The template. The service never returns it.
    pub template_id: Option<TemplateId>,
    /// The job, for a render.
    pub job_id: Option<JobId>,
    /// The name, which the service returns.
    pub name: Option<String>,
    /// The variables, which the service returns.
    pub variables: Option<Value>,
    /// The model.
    pub model_version: Option<ModelVersion>,
    /// Marker that makes the match exact, if the submission carried one.
    pub marker: Option<String>,
    /// Time just before it was sent.
    pub sent_at: DateTime<Utc>,
    /// Time at which the client stopped waiting for the answer.
    pub given_up_at: DateTime<Utc>,
    /// Longest time for which the service may have worked on it.
    pub timeout: Duration,
    /// Id of its entry in the journal.
    pub entry: EntryId,
    /// The job before it was rendered.
    #[serde(default)]
    pub before: Option<JobVersion>,
}

/// State of a job before it was rendered, to tell its earlier final status from that of the render.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JobVersion {
    /// Status.
    pub status: JobStatus,
    /// Time of its last change.
    pub updated_at: Option<DateTime<Utc>>,
    /// URL of its video.
    pub video_url: Option<String>,
    /// Credits charged for the last call on it.
    #[serde(default)]
    pub charged: Option<Credits>,
}

impl JobVersion {
    pub(crate) fn of(job: &Job) -> Self {
        Self {
            status: job.status().clone(),
            updated_at: job.updated_at(),
            video_url: job.video_url().map(str::to_owned),
            charged: job.credits_used(),
        }
    }

    /// Returns whether a job still shows this state: the same final status, and the same video if
    /// it had one.
    pub(crate) fn is_shown_by(&self, job: &Job) -> bool {
        match &self.status {
            JobStatus::Failed | JobStatus::Rejected => *job.status() == self.status,
            JobStatus::Done => {
                *job.status() == self.status
                    && self.video_url.is_some()
                    && job.video_url() == self.video_url.as_deref()
            }
            JobStatus::Other(_) => matches!(job.status(), JobStatus::Failed | JobStatus::Rejected),
            _ => false,
        }
    }
}

impl SubmissionRecord {
    pub(super) fn new(operation: BillableOperation, entry: EntryId, at: DateTime<Utc>) -> Self {
        Self {
            operation,
            template_id: None,
            job_id: None,
            name: None,
            variables: None,
            model_version: None,
            marker: None,
            sent_at: at,
            given_up_at: at,
            timeout: Duration::ZERO,
            entry,
            before: None,
        }
    }

    /// Returns a record for tests.
    #[cfg(test)]
    pub(crate) fn example(operation: BillableOperation) -> Self {
        let at: DateTime<Utc> = "2026-05-04T09:12:30Z".parse().unwrap();
        let timeout = Duration::from_secs(30);
        Self { given_up_at: at + timeout, timeout, ..Self::new(operation, EntryId::random(), at) }
    }
}

//! Entries of the journal: one for each attempt at a billable call.

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use creatify_api::ModelVersion;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::key::{Account, Key, RequestHash, random_uuid};
use crate::{
    credits::{BillableOperation, Charge, CreditRange, Credits, DurationRange},
    job::{Goal, JobHandle, JobId, TemplateId},
};

/// A billable call: what was about to be sent, what became of it, and its cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// Id, unique in the journal.
    pub id: EntryId,
    /// Account that is charged.
    pub account: Account,
    /// Key of the submission: the one that was given, or a random one.
    pub key: Key,
    /// Label, such as the name of a batch or campaign.
    pub label: Option<String>,
    /// Operation that is charged.
    pub operation: BillableOperation,
    /// Number of the attempt with this key, from 1.
    pub attempt: u32,
    /// Hash of the request.
    pub request_hash: RequestHash,
    /// Template; not known for a render.
    pub template_id: Option<TemplateId>,
    /// Model of the video.
    pub model_version: ModelVersion,
    /// Job, once it is known; of a render from the start.
    pub job_id: Option<JobId>,
    /// Duration of the video: as expected, and exact once the job has ended.
    pub seconds: Option<DurationRange>,
    /// Estimated cost.
    pub estimate: Option<CreditRange>,
    /// Charge, as told by the service.
    pub charged: Option<Credits>,
    /// Name of the rate card of the estimate.
    pub rate_card: Arc<str>,
    /// State of the call.
    pub state: EntryState,
    /// End of the job, once it has ended.
    pub end: Option<JobEnd>,
    /// Lease of the process that sends it.
    pub lease: Option<Lease>,
    /// Time at which it was entered.
    pub created_at: DateTime<Utc>,
    /// Time of its last change.
    pub updated_at: DateTime<Utc>,
    /// Last error, without credentials.
    pub error: Option<String>,
}

/// Id of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryId(Uuid);

/// Id of the process or task that sends an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OwnerId(Uuid);

/// The right to send an entry until a time. A process that dies does not renew it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Lease {
    /// Process or task that has it.
    pub owner: OwnerId,
    /// Time at which it expires, by the journal's clock.
    pub until: DateTime<Utc>,
}

/// State of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EntryState {
    /// It is being sent, or about to be.
    Sending,
    /// The service accepted it, and its job has not ended.
    Submitted,
    /// The job has ended, and its charge is known.
    Settled,
    /// It was refused, or certainly not processed: nothing was charged.
    Released,
    /// It may or may not have been accepted and charged.
    Unknown,
}

/// The way a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JobEnd {
    /// It has its output.
    Done,
    /// It failed.
    Failed,
    /// It was rejected.
    Rejected,
}

impl EntryState {
    /// All states.
    pub const ALL: [Self; 5] =
        [Self::Sending, Self::Submitted, Self::Settled, Self::Released, Self::Unknown];

    /// Returns its name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Submitted => "submitted",
            Self::Settled => "settled",
            Self::Released => "released",
            Self::Unknown => "unknown",
        }
    }

    /// Returns whether it may still cost the estimate's maximum.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Sending | Self::Submitted | Self::Unknown)
    }
}

impl fmt::Display for EntryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Entry {
    /// Returns the handle to wait for its job, if the job is known.
    pub fn handle(&self) -> Option<JobHandle> {
        Some(JobHandle { id: self.job_id?, goal: Goal::of(self.operation) })
    }

    /// Returns whether its job failed or was rejected.
    pub fn has_failed(&self) -> bool {
        matches!(self.end, Some(JobEnd::Failed | JobEnd::Rejected))
    }

    /// Returns the credits that it holds in budgets: the most that it may cost while it is open.
    pub fn reserved(&self) -> Credits {
        match (self.state.is_open(), self.estimate) {
            (true, Some(estimate)) => estimate.max,
            _ => Credits::ZERO,
        }
    }

    /// Returns the charge, to compare it with rate cards; `None` unless the video's exact duration
    /// is known. The charge of a failed job says nothing about prices.
    pub fn charge(&self) -> Option<Charge> {
        if self.state != EntryState::Settled || self.has_failed() {
            return None;
        }
        let charged = self.charged.filter(|charged| *charged > Credits::ZERO)?;
        let seconds = self
            .seconds
            .filter(|seconds| seconds.min() == seconds.max() && seconds.max() > Duration::ZERO)?;
        Some(Charge::new(self.operation, self.model_version.clone(), seconds.max(), charged))
    }

    /// Returns the entry as it is at a time: unknown, when the process that sent it has died.
    pub fn at(mut self, now: DateTime<Utc>) -> Self {
        if self.state == EntryState::Sending && !self.lease.is_some_and(|lease| lease.holds(now)) {
            self.state = EntryState::Unknown;
            self.lease = None;
            self.error.get_or_insert_with(|| {
                "the process that sent it ended before an answer was recorded".to_owned()
            });
        }
        self
    }
}

impl Lease {
    pub(super) fn new(owner: OwnerId, now: DateTime<Utc>, duration: Duration) -> Self {
        let until = TimeDelta::from_std(duration).ok().and_then(|by| now.checked_add_signed(by));
        Self { owner, until: until.unwrap_or(now) }
    }

    fn holds(self, now: DateTime<Utc>) -> bool {
        now < self.until
    }
}

impl EntryId {
    /// Makes an id that no other entry has.
    pub fn random() -> Self {
        Self(random_uuid())
    }
}

impl OwnerId {
    /// Makes an id that no other process has.
    pub fn random() -> Self {
        Self(random_uuid())
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

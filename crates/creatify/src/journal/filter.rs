//! Filters of journal entries.

use chrono::{DateTime, Utc};

use super::{Entry, EntryState, Key};
use crate::job::JobId;

/// A choice of entries; all of an account by default.
///
/// ```
/// use creatify::journal::{EntryState, Filter};
///
/// let unknown = Filter::default().states([EntryState::Unknown]).label("spring");
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Filter {
    /// Only entries in one of these states.
    pub states: Option<Vec<EntryState>>,
    /// Only entries of these jobs.
    pub jobs: Option<Vec<JobId>>,
    /// Only entries with this key.
    pub key: Option<Key>,
    /// Only entries whose key or job ID starts with this text.
    pub prefix: Option<String>,
    /// Only entries with this label.
    pub label: Option<String>,
    /// Only entries from this time on.
    pub since: Option<DateTime<Utc>>,
    /// Only so many of the latest entries.
    pub latest: Option<u32>,
}

impl Filter {
    /// Keeps entries in one of these states.
    pub fn states(mut self, states: impl Into<Vec<EntryState>>) -> Self {
        self.states = Some(states.into());
        self
    }

    /// Keeps entries that may still cost something, or of unknown outcome.
    pub fn open(self) -> Self {
        self.states([EntryState::Sending, EntryState::Submitted, EntryState::Unknown])
    }

    /// Keeps entries of these jobs.
    pub fn jobs(mut self, jobs: impl Into<Vec<JobId>>) -> Self {
        self.jobs = Some(jobs.into());
        self
    }

    /// Keeps entries with this key.
    pub fn key(mut self, key: Key) -> Self {
        self.key = Some(key);
        self
    }

    /// Keeps entries whose key or job ID starts with this text.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Keeps entries with this label.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Keeps entries from this time on.
    pub fn since(mut self, since: DateTime<Utc>) -> Self {
        self.since = Some(since);
        self
    }

    /// Keeps only so many of the latest entries.
    pub fn latest(mut self, entries: u32) -> Self {
        self.latest = Some(entries);
        self
    }

    /// Returns whether an entry passes. [`latest`](Self::latest) is left to the caller.
    pub fn admits(&self, entry: &Entry) -> bool {
        let has_prefix = |prefix: &String| {
            entry.key.as_str().starts_with(prefix)
                || entry.job_id.is_some_and(|job| job.to_string().starts_with(prefix))
        };
        self.states.as_ref().is_none_or(|states| states.contains(&entry.state))
            && self
                .jobs
                .as_ref()
                .is_none_or(|jobs| entry.job_id.is_some_and(|job| jobs.contains(&job)))
            && self.key.as_ref().is_none_or(|key| *key == entry.key)
            && self.prefix.as_ref().is_none_or(has_prefix)
            && (self.label.is_none() || self.label == entry.label)
            && self.since.is_none_or(|since| entry.created_at >= since)
    }
}

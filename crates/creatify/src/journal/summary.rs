//! Totals of entries, exact and in groups.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Entry, EntryState};
use crate::credits::Credits;

/// The property by which entries are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GroupBy {
    /// Day on which the call was entered, in UTC.
    Day,
    /// Template. Renders form one group, since their template is not known.
    Template,
    /// Operation that was charged.
    Operation,
    /// Model of the video.
    Model,
}

/// The totals of one group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GroupTotal {
    /// Name of the group: the day, template, operation or model.
    pub group: String,
    /// Number of calls.
    pub calls: u64,
    /// Number of calls that were charged.
    pub charged_calls: u64,
    /// Credits charged.
    pub charged: Credits,
    /// Maximum of the estimates for the charged calls.
    pub estimated: Credits,
    /// Maximum cost of calls whose jobs have not ended.
    pub reserved: Credits,
    /// Number of calls of unknown outcome.
    pub unknown_calls: u64,
    /// Maximum cost of calls of unknown outcome.
    pub unknown: Credits,
}

/// The totals of entries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// Totals of each group, in the order of their names.
    pub groups: Vec<GroupTotal>,
    /// Totals of all entries.
    pub total: GroupTotal,
}

/// Error for a total that is too large to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a total is too large to hold")]
pub struct TooLarge;

impl Summary {
    /// Adds up entries by group.
    ///
    /// # Errors
    ///
    /// When a total is too large to hold.
    pub fn of<'a>(
        entries: impl IntoIterator<Item = &'a Entry>,
        by: GroupBy,
    ) -> Result<Self, TooLarge> {
        let mut groups: BTreeMap<String, GroupTotal> = BTreeMap::new();
        let mut total = GroupTotal { group: "total".to_owned(), ..GroupTotal::default() };
        for entry in entries {
            let group = by.group(entry);
            let line = groups
                .entry(group.clone())
                .or_insert_with(|| GroupTotal { group, ..GroupTotal::default() });
            line.add(entry)?;
            total.add(entry)?;
        }
        Ok(Self { groups: groups.into_values().collect(), total })
    }
}

impl GroupBy {
    fn group(self, entry: &Entry) -> String {
        match self {
            Self::Day => entry.created_at.format("%Y-%m-%d").to_string(),
            Self::Template => {
                entry.template_id.map_or("(renders)".to_owned(), |template| template.to_string())
            }
            Self::Operation => entry.operation.to_string(),
            Self::Model => entry.model_version.to_string(),
        }
    }
}

impl GroupTotal {
    fn add(&mut self, entry: &Entry) -> Result<(), TooLarge> {
        let add = |sum: &mut Credits, amount: Credits| {
            *sum = sum.checked_add(amount).ok_or(TooLarge)?;
            Ok(())
        };
        let most = entry.estimate.map_or(Credits::ZERO, |estimate| estimate.max);
        self.calls += 1;
        match entry.state {
            EntryState::Settled => match entry.charged {
                Some(charged) if charged > Credits::ZERO => {
                    self.charged_calls += 1;
                    add(&mut self.charged, charged)?;
                    add(&mut self.estimated, most)
                }
                _ => Ok(()), // the service does not charge most failed jobs
            },
            EntryState::Sending | EntryState::Submitted => add(&mut self.reserved, most),
            EntryState::Unknown => {
                self.unknown_calls += 1;
                add(&mut self.unknown, most)
            }
            EntryState::Released => Ok(()),
        }
    }
}

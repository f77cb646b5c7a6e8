//! What does it come to? Exact totals of a ledger, in groups.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Entry, EntryState};
use crate::credits::Credits;

/// What entries are put together by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GroupBy {
    /// The day they were sent, in UTC.
    Day,
    /// Their template; renders have none of their own and stand together.
    Template,
    /// What was charged for.
    Operation,
    /// Their model.
    Model,
}

/// The totals of one group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GroupTotal {
    /// What the group has in common.
    pub group: String,
    /// How many calls.
    pub calls: u64,
    /// How many of them were charged.
    pub charged_calls: u64,
    /// What was charged for those.
    pub charged: Credits,
    /// What they were estimated to cost at most, where there was an estimate.
    pub estimated: Credits,
    /// What calls that have not ended may cost at most.
    pub reserved: Credits,
    /// How many calls may or may not have been charged.
    pub unknown_calls: u64,
    /// What those may have cost at most.
    pub unknown: Credits,
}

/// The totals of a ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// One line a group, in the order of the groups.
    pub groups: Vec<GroupTotal>,
    /// All together.
    pub total: GroupTotal,
}

/// A total that is too large to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a total of the ledger is too large to hold")]
pub struct TooLarge;

impl Summary {
    /// The totals of these entries.
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
            Self::Day => entry.time.format("%Y-%m-%d").to_string(),
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
            EntryState::Charged => {
                self.charged_calls += 1;
                add(&mut self.charged, entry.charged.unwrap_or(Credits::ZERO))?;
                add(&mut self.estimated, most)
            }
            EntryState::Reserved => add(&mut self.reserved, most),
            EntryState::Unknown => {
                self.unknown_calls += 1;
                add(&mut self.unknown, most)
            }
            EntryState::Released => Ok(()),
        }
    }
}

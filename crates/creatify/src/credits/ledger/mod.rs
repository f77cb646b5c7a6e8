//! What was spent, on what, and was it what was estimated? One entry for every billable call.

mod file;
mod summary;

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::{DateTime, Utc};
use creatify_api::ModelVersion;
use serde::{Deserialize, Serialize};

use super::{BillableOperation, Charge, CreditRange, Credits, DurationRange};
use crate::job::{JobId, TemplateId};

pub use file::{CorruptLine, LedgerContents};
pub use summary::{GroupBy, GroupTotal, Summary, TooLarge};

/// Where entries are kept: in memory, or in a file that several processes may append to. Clones share it.
///
/// The file has one JSON document a line, each the whole entry as it stood then; the last line of an entry counts. A line is written at
/// once and whole; one that was torn by a crash is skipped and [reported](LedgerContents::torn).
#[derive(Debug, Clone)]
pub struct Ledger(Arc<Store>);

#[derive(Debug)]
enum Store {
    Memory(Mutex<Vec<Entry>>),
    File(file::LedgerFile),
}

/// One billable call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// Id, unique in the file.
    #[serde(rename = "entry")]
    pub id: String,
    /// When it was about to be sent.
    pub time: DateTime<Utc>,
    /// What was charged for.
    pub operation: BillableOperation,
    /// The template; not known for a render.
    pub template_id: Option<TemplateId>,
    /// The model.
    pub model_version: ModelVersion,
    /// The job, once it is known.
    pub job_id: Option<JobId>,
    /// The video's duration: as expected, and exact once the job has ended.
    pub seconds: Option<DurationRange>,
    /// What it was estimated to cost.
    pub estimate: Option<CreditRange>,
    /// What the service said it charged.
    pub charged: Option<Credits>,
    /// The name of the rate card of the estimate.
    pub rate_card: Arc<str>,
    /// What became of it.
    pub state: EntryState,
}

/// What became of a billable call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EntryState {
    /// About to be sent, or accepted and not ended: it may cost the estimate's maximum.
    Reserved,
    /// The job ended, and this is what was charged.
    Charged,
    /// The service refused it, or certainly did not get it: nothing was charged.
    Released,
    /// Nobody knows whether it was accepted and charged.
    Unknown,
}

/// A ledger that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("ledger {path}: {source}")]
pub struct LedgerError {
    path: String,
    source: std::io::Error,
}

static COUNTER: AtomicU64 = AtomicU64::new(0);

impl Entry {
    /// An entry for a call that is about to be sent.
    pub fn reserved(
        operation: BillableOperation,
        model_version: ModelVersion,
        rate_card: Arc<str>,
    ) -> Self {
        let time = Utc::now();
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        Self {
            id: format!("{:x}-{:x}-{count:x}", time.timestamp_micros(), std::process::id()),
            time,
            operation,
            template_id: None,
            model_version,
            job_id: None,
            seconds: None,
            estimate: None,
            charged: None,
            rate_card,
            state: EntryState::Reserved,
        }
    }
}

impl Entry {
    /// What it says of today's prices: a charge for a video of a known duration. What a failed job is charged says nothing.
    pub fn charge(&self) -> Option<Charge> {
        let charged = self
            .charged
            .filter(|charged| *charged > Credits::ZERO && self.state == EntryState::Charged)?;
        let seconds = self.seconds.filter(|seconds| seconds.min() == seconds.max())?;
        Some(Charge::new(self.operation, self.model_version.clone(), seconds.max(), charged))
    }
}

impl Default for Ledger {
    /// In memory.
    fn default() -> Self {
        Self(Arc::new(Store::Memory(Mutex::default())))
    }
}

impl Ledger {
    /// A ledger in a file, made when the first entry is written.
    pub fn in_file(path: impl AsRef<Path>) -> Self {
        Self(Arc::new(Store::File(file::LedgerFile::new(path.as_ref()))))
    }

    /// How long its file is, by which a change shows; `None` in memory, where nobody else writes.
    pub(crate) fn file_length(&self) -> Option<u64> {
        match &*self.0 {
            Store::Memory(_) => None,
            Store::File(file) => Some(file.length()),
        }
    }

    /// Writes an entry as it stands now.
    ///
    /// # Errors
    ///
    /// When the file cannot be written. A submission whose entry cannot be written is not sent.
    pub fn write(&self, entry: &Entry) -> Result<(), LedgerError> {
        match &*self.0 {
            Store::Memory(entries) => {
                let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
                match entries.iter_mut().rev().find(|known| known.id == entry.id) {
                    Some(known) => *known = entry.clone(),
                    None => entries.push(entry.clone()),
                }
                Ok(())
            }
            Store::File(file) => file.append(entry).map_err(|source| file.error(source)),
        }
    }

    /// All entries as they stand, in the order of their first lines, and what could not be read.
    ///
    /// # Errors
    ///
    /// When the file cannot be read. A file that does not exist yet is empty.
    pub fn read(&self) -> Result<LedgerContents, LedgerError> {
        match &*self.0 {
            Store::Memory(entries) => {
                let entries = entries.lock().unwrap_or_else(PoisonError::into_inner).clone();
                Ok(LedgerContents { entries, torn: Vec::new() })
            }
            Store::File(file) => file.read().map_err(|source| file.error(source)),
        }
    }
}

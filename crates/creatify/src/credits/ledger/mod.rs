//! The ledger: one entry for every billable call, with its estimate and its charge.

mod file;
mod summary;

use std::{
    fmt,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use creatify_api::ModelVersion;
use serde::{Deserialize, Serialize};

use super::{BillableOperation, Charge, CreditRange, Credits, DurationRange};
use crate::job::{JobId, TemplateId};

pub use file::{CorruptLine, LedgerContents};
pub use summary::{GroupBy, GroupTotal, Summary, TooLarge};

/// A store of entries: in memory, or in a file that several processes may append to. Clones share
/// it.
///
/// Each line of the file is a JSON document with a whole entry; the last line of an entry counts. A
/// line that a crash cut off is skipped and [reported](LedgerContents::torn).
///
/// ```
/// use creatify::credits::{Ledger, ledger::{GroupBy, Summary}};
///
/// let ledger = Ledger::default(); // or Ledger::in_file("ledger.jsonl")
/// let contents = ledger.read()?;
/// let summary = Summary::of(&contents.entries, GroupBy::Day)?;
/// assert_eq!(summary.total.charged.in_words(), "0 credits");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[doc(alias = "journal")]
#[doc(alias = "spending")]
pub struct Ledger(Arc<Store>);

#[derive(Debug)]
enum Store {
    Memory(Mutex<Vec<Entry>>),
    File(file::LedgerFile),
}

/// A billable call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// Id, unique in the file.
    #[serde(rename = "entry")]
    pub id: String,
    /// Time just before it was sent.
    pub time: DateTime<Utc>,
    /// Operation that is charged.
    pub operation: BillableOperation,
    /// Template; not known for a render.
    pub template_id: Option<TemplateId>,
    /// Model of the video.
    pub model_version: ModelVersion,
    /// Job, once it is known.
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
}

/// The state of a billable call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EntryState {
    /// It is about to be sent, or the job has not ended: it may cost the estimate's maximum.
    Reserved,
    /// The job ended and its charge is known.
    Charged,
    /// It was not accepted, so nothing was charged.
    Released,
    /// It may or may not have been accepted and charged.
    Unknown,
}

/// Error when a ledger cannot be read or written. Its source tells the cause.
#[derive(Debug, thiserror::Error)]
#[error("the ledger {path} cannot be {action}")]
pub struct LedgerError {
    action: Action,
    path: String,
    source: std::io::Error,
}

/// The action on a ledger that failed.
#[derive(Debug, Clone, Copy)]
enum Action {
    Read,
    Write,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "written",
        })
    }
}

static COUNTER: AtomicU64 = AtomicU64::new(0);

impl Entry {
    /// Creates the entry of a call that is about to be sent.
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

    /// Returns the charge, to compare it with rate cards; `None` unless the video's exact duration
    /// is known.
    pub fn charge(&self) -> Option<Charge> {
        let charged = self
            .charged
            .filter(|charged| *charged > Credits::ZERO && self.state == EntryState::Charged)?;
        let seconds = self
            .seconds
            .filter(|seconds| seconds.min() == seconds.max() && seconds.max() > Duration::ZERO)?;
        Some(Charge::new(self.operation, self.model_version.clone(), seconds.max(), charged))
    }
}

impl Default for Ledger {
    /// Creates an empty ledger in memory.
    fn default() -> Self {
        Self(Arc::new(Store::Memory(Mutex::default())))
    }
}

impl Ledger {
    /// Creates a ledger in a file. The file is created when the first entry is written.
    pub fn in_file(path: impl AsRef<Path>) -> Self {
        Self(Arc::new(Store::File(file::LedgerFile::new(path.as_ref()))))
    }

    /// Returns the length of the file, which grows when another process writes to it; `None` in
    /// memory.
    pub(crate) fn file_length(&self) -> Option<u64> {
        match &*self.0 {
            Store::Memory(_) => None,
            Store::File(file) => Some(file.length()),
        }
    }

    /// Writes a new entry in one step, unless `refuse` finds a reason in the present entries: no
    /// other process writes in between.
    pub(crate) fn write_unless<T>(
        &self,
        entry: &Entry,
        refuse: impl FnOnce(&[Entry]) -> Option<T>,
    ) -> Result<Option<T>, LedgerError> {
        match &*self.0 {
            Store::Memory(entries) => {
                let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
                let refused = refuse(&entries);
                if refused.is_none() {
                    entries.push(entry.clone());
                }
                Ok(refused)
            }
            Store::File(file) => file
                .append_unless(entry, refuse)
                .map_err(|source| file.error(Action::Write, source)),
        }
    }

    /// Writes the present state of an entry.
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
            Store::File(file) => {
                file.append(entry).map_err(|source| file.error(Action::Write, source))
            }
        }
    }

    /// Reads all entries in their latest state, in the order of their first lines, and the lines
    /// that cannot be read.
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
            Store::File(file) => file.read().map_err(|source| file.error(Action::Read, source)),
        }
    }
}

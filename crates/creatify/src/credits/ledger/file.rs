//! Ledger files: JSON Lines, appended under a lock. A line that a crash cut off harms no other
//! line.

use std::{
    collections::HashMap,
    fs::{File, TryLockError},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{Action, Entry, LedgerError};

/// Longest wait for the lock of another process, which is normally held for a moment.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
const LOCK_RETRY: Duration = Duration::from_millis(2);

#[derive(Debug)]
pub(super) struct LedgerFile {
    path: PathBuf,
}

/// The contents of a ledger.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct LedgerContents {
    /// Entries, each in its latest state.
    pub entries: Vec<Entry>,
    /// Lines that cannot be read.
    pub torn: Vec<CorruptLine>,
}

/// A line that is not an entry: cut off by a crash, or written by another program.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CorruptLine {
    /// Line number, from 1.
    pub line: usize,
    /// Reason why it cannot be read.
    pub reason: String,
}

impl LedgerFile {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    pub(super) fn error(&self, action: Action, source: io::Error) -> LedgerError {
        LedgerError { action, path: self.path.display().to_string(), source }
    }

    pub(super) fn length(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |file| file.len())
    }

    /// Appends an entry in one step, unless `refuse` finds a reason in the present entries.
    pub(super) fn append_unless<T>(
        &self,
        entry: &Entry,
        refuse: impl FnOnce(&[Entry]) -> Option<T>,
    ) -> io::Result<Option<T>> {
        let file = self.locked()?;
        if let Some(reason) = refuse(&self.read()?.entries) {
            return Ok(Some(reason));
        }
        write(file, entry).map(|()| None)
    }

    pub(super) fn append(&self, entry: &Entry) -> io::Result<()> {
        write(self.locked()?, entry)
    }

    /// Opens the file and locks it, within a bounded time: another process may be stopped while it
    /// holds the lock, which must not delay the report of a paid job.
    fn locked(&self) -> io::Result<File> {
        if let Some(parent) = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent)?;
        }
        let file = File::options().read(true).append(true).create(true).open(&self.path)?;
        let started = Instant::now();
        loop {
            // The lock excludes other processes until the file is closed, also by a crash.
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_TIMEOUT => {
                    std::thread::sleep(LOCK_RETRY);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(super) fn read(&self) -> io::Result<LedgerContents> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(LedgerContents::default());
            }
            Err(error) => return Err(error),
        };
        let mut contents = LedgerContents::default();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut reader = BufReader::with_capacity(256 * 1024, file);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            if reader.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            match serde_json::from_slice::<Entry>(&line) {
                Ok(entry) => match places.get(&entry.id) {
                    Some(place) => contents.entries[*place] = entry,
                    None => {
                        places.insert(entry.id.clone(), contents.entries.len());
                        contents.entries.push(entry);
                    }
                },
                Err(error) => {
                    contents.torn.push(CorruptLine { line: number, reason: error.to_string() })
                }
            }
        }
        Ok(contents)
    }
}

/// Appends an entry to a locked file. Closing the file unlocks it.
fn write(mut file: File, entry: &Entry) -> io::Result<()> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    if ends_without_newline(&mut file)? {
        line.insert(0, b'\n'); // the line that was cut off stays a line of its own
    }
    file.write_all(&line)?;
    file.sync_data()
}

/// Returns whether the last line was cut off.
fn ends_without_newline(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

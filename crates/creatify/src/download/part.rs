//! File of a download that is not whole: `NAME.part`, and beside it `NAME.part.json` with what is
//! needed to go on in another process.

use std::{
    fs::{self, File as StdFile, TryLockError},
    io::{self, Read},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncSeekExt, AsyncWriteExt, BufWriter};
use url::Url;

use super::{
    answer::{Requested, Version},
    content::HEAD_BYTES,
    destination::{self, Existing},
    failure::Failure,
    mp4,
};

const BUFFER_BYTES: usize = 256 * 1024;
/// Attempts to open a file that other downloads finish at the same time.
const MAX_OPENS: usize = 5;

/// A file under way, locked against other downloads. Dropped before it is whole, it leaves what a
/// later download can go on from, and nothing else.
pub(super) struct Part {
    path: PathBuf,
    file: BufWriter<tokio::fs::File>,
    length: u64,
    /// First bytes, by which the content is recognised.
    head: Vec<u8>,
    source: Source,
}

/// Source of the bytes: bytes of another one must not be appended.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Source {
    /// Link without its query, which may be signed anew each time.
    url: String,
    version: Option<Version>,
}

impl Part {
    /// Opens the part of `destination`, with what is there already if it is of the same source.
    pub(super) async fn open(
        destination: &Path,
        link: &Url,
        existing: Existing,
    ) -> Result<Self, Failure> {
        let path = beside(destination, ".part")
            .ok_or_else(|| Failure::of_destination("the destination has no file name"))?;
        let folder = destination.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(folder) = folder {
            fs::create_dir_all(folder).map_err(|error| Failure::of_file(folder, error))?;
        }
        let failed = |error| Failure::of_file(&path, error);
        let file = open_locked(&path)?;
        // From here on the part is ours to write, if it is a part of ours at all.
        let notes_path = notes(&path);
        let notes = fs::read(&notes_path).ok();
        let known = notes.as_ref().and_then(|notes| serde_json::from_slice::<Source>(notes).ok());
        let length = file.metadata().map_err(failed)?.len();
        if existing == Existing::Keep {
            if length > 0 && notes.is_none() {
                return Err(destination::in_the_way(&path));
            }
            if length == 0 && notes.is_some() && known.is_none() {
                forget(&path);
                return Err(destination::in_the_way(&notes_path));
            }
        }
        let source = Source { url: without_query(link), version: None };
        let mut part = Self {
            file: BufWriter::with_capacity(BUFFER_BYTES, file.into()),
            length: 0,
            head: Vec::new(),
            source,
            path: path.clone(),
        };
        match known {
            Some(known) if known.url == part.source.url && known.is_of(length) => {
                part.source = known;
                part.length = length;
                part.head = read_head(&path).map_err(failed)?;
                part.file.seek(io::SeekFrom::Start(length)).await.map_err(failed)?;
            }
            _ => part.restart(None).await?,
        }
        Ok(part)
    }

    /// Returns the number of bytes that are there.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Returns the first bytes, at most [`HEAD_BYTES`] of them.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Returns what to ask the storage for: the rest, if the version is known to ask for it by.
    pub(super) fn request(&self) -> Requested<'_> {
        match &self.source.version {
            Some(version) if self.length > 0 && self.length < version.total => {
                Requested::Rest { from: self.length, version }
            }
            _ => Requested::Whole,
        }
    }

    /// Goes on with another link of the job. Bytes of another file are discarded.
    pub(super) async fn follow(&mut self, link: &Url) -> Result<(), Failure> {
        let url = without_query(link);
        if url == self.source.url {
            return Ok(());
        }
        self.source.url = url;
        self.restart(None).await
    }

    /// Begins again, with a version that can be resumed if there is one.
    pub(super) async fn restart(&mut self, version: Option<Version>) -> Result<(), Failure> {
        self.source.version = version;
        let emptied = async {
            self.file.flush().await?;
            self.file.get_mut().set_len(0).await?;
            self.file.rewind().await?;
            // Also without a version: they say that the part is ours.
            tokio::fs::write(notes(&self.path), serde_json::to_vec(&self.source)?).await
        };
        let emptied = emptied.await;
        self.length = 0;
        self.head.clear();
        emptied.map_err(|error| Failure::of_file(&self.path, error))
    }

    pub(super) async fn append(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.file.write_all(bytes).await;
        written.map_err(|error| Failure::of_file(&self.path, error))?;
        self.length += bytes.len() as u64;
        let missing = (HEAD_BYTES - self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..missing]);
        Ok(())
    }

    pub(super) async fn flush(&mut self) -> Result<(), Failure> {
        self.file.flush().await.map_err(|error| Failure::of_file(&self.path, error))
    }

    /// Returns whether it is an MP4 whose end is missing. For a file that was flushed.
    pub(super) async fn ends_early(&self) -> Result<bool, Failure> {
        let (path, length) = (self.path.clone(), self.length);
        let read =
            tokio::task::spawn_blocking(move || mp4::ends_early(&mut StdFile::open(path)?, length));
        let result = read.await.map_err(io::Error::other).and_then(|result| result);
        result.map_err(|error| Failure::of_file(&self.path, error))
    }

    /// Makes it the file.
    pub(super) async fn finish(
        &mut self,
        destination: &Path,
        existing: Existing,
    ) -> Result<(), Failure> {
        self.flush().await?;
        let synced = self.file.get_mut().sync_all().await;
        synced.map_err(|error| Failure::of_file(&self.path, error))?;
        destination::check(destination, existing)?;
        let renamed = match existing {
            Existing::Keep => destination::rename_to_new(&self.path, destination),
            Existing::Overwrite => fs::rename(&self.path, destination),
        };
        match renamed {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(destination::in_the_way(destination))
            }
            Err(error) => Err(Failure::of_file(destination, error)),
            Ok(()) => {
                forget(&notes(&self.path));
                self.source = Source::default();
                self.path = PathBuf::new(); // nothing to remove any more
                Ok(())
            }
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let is_finished = self.path.as_os_str().is_empty();
        if !is_finished && matches!(self.request(), Requested::Whole) {
            forget(&self.path);
            forget(&notes(&self.path));
        }
    }
}

impl Source {
    /// Returns whether bytes of that number can be a beginning of this source, and the rest can be
    /// asked for.
    fn is_of(&self, length: u64) -> bool {
        self.version.as_ref().is_some_and(|version| {
            let is_tag = http::HeaderValue::from_str(&version.etag).is_ok();
            is_tag && length > 0 && length < version.total
        })
    }
}

/// Opens a part, or makes it, and locks it. Another download may have renamed it in between; then
/// the lock is on a finished file, which must not be touched.
fn open_locked(path: &Path) -> Result<StdFile, Failure> {
    let failed = |error| Failure::of_file(path, error);
    for _ in 0..MAX_OPENS {
        if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(destination::in_the_way(path));
        }
        let mut options = StdFile::options();
        let options = options.create(true).truncate(false).read(true).write(true);
        let file = options.open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => break,
            // Without locks, as on some network file systems, it goes on unprotected.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        if is_at(&file, path).map_err(failed)? {
            return Ok(file);
        }
    }
    Err(Failure::new(format!("another download is writing {}", path.display())))
}

/// Returns whether an open file is still the one at a path.
fn is_at(file: &StdFile, path: &Path) -> io::Result<bool> {
    let open = same_file::Handle::from_file(file.try_clone()?)?;
    match same_file::Handle::from_path(path) {
        Ok(current) => Ok(current == open),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn read_head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    StdFile::open(path)?.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

fn notes(part: &Path) -> PathBuf {
    beside(part, ".json").unwrap_or_default()
}

/// Returns a path with an addition to its file name.
fn beside(path: &Path, addition: &str) -> Option<PathBuf> {
    let mut name = path.file_name()?.to_owned();
    name.push(addition);
    Some(path.with_file_name(name))
}

fn without_query(link: &Url) -> String {
    let mut link = link.clone();
    link.set_query(None);
    link.set_fragment(None);
    link.to_string()
}

fn forget(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::debug!(%error, path = %path.display(), "a file is left behind");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_another_download_has_finished_is_not_taken_for_ours() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("video.mp4.part");
        let file = open_locked(&path).unwrap();
        assert!(is_at(&file, &path).unwrap());
        fs::rename(&path, folder.path().join("video.mp4")).unwrap();
        assert!(!is_at(&file, &path).unwrap());
        let next = open_locked(&path).unwrap();
        assert!(is_at(&next, &path).unwrap() && !is_at(&file, &path).unwrap());
    }

    #[test]
    fn damaged_notes_are_not_gone_on_from() {
        let source = |etag: &str, total| Source {
            url: "https://e.com/video.mp4".to_owned(),
            version: Some(Version { etag: etag.to_owned(), total, last_modified: None }),
        };
        assert!(source("\"one\"", 8).is_of(4));
        assert!(!source("\"one\"", 8).is_of(0));
        assert!(!source("\"one\"", 8).is_of(8));
        assert!(!source("\"one\r\nx: y\"", 8).is_of(4));
        assert!(!Source::default().is_of(4));
    }

    #[test]
    fn a_part_under_way_is_opened_only_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("video.mp4.part");
        let file = open_locked(&path).unwrap();
        assert!(open_locked(&path).unwrap_err().reason().contains("another download"));
        drop(file);
        open_locked(&path).unwrap();
    }
}

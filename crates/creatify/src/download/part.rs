//! The file while it is not whole: `NAME.part`, and beside it `NAME.part.json` with what is needed to go on in another process.

use std::{
    fs::{File as StdFile, TryLockError},
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tokio::{
    fs,
    io::{AsyncSeekExt, AsyncWriteExt, BufWriter},
};
use url::Url;

/// A file under way, locked against other processes.
pub(super) struct Part {
    path: PathBuf,
    file: BufWriter<fs::File>,
    length: u64,
    source: Source,
}

/// Where the bytes come from: bytes of another source must not be appended.
#[derive(Debug, Serialize, Deserialize)]
struct Source {
    /// Without its query, which may be signed anew each time.
    url: String,
    /// Of the version of the file that the bytes are of.
    etag: Option<String>,
}

impl Part {
    /// Opens the part of `destination`, with what is there already if it is of the same source.
    pub(super) async fn open(destination: &Path, url: &Url) -> io::Result<Self> {
        if let Some(parent) = destination.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).await?;
        }
        let mut name = destination
            .file_name()
            .ok_or_else(|| io::Error::other("the destination has no file name"))?
            .to_owned();
        name.push(".part");
        let path = destination.with_file_name(name);
        let file =
            StdFile::options().create(true).truncate(false).read(true).write(true).open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::other(format!(
                    "another download is writing {}",
                    path.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let length = file.metadata()?.len();
        let source = Source { url: without_query(url), etag: None };
        let mut part = Self {
            file: BufWriter::with_capacity(256 * 1024, file.into()),
            length: 0,
            source,
            path,
        };
        let known = fs::read(part.notes())
            .await
            .ok()
            .and_then(|notes| serde_json::from_slice::<Source>(&notes).ok());
        match known {
            Some(known) if length > 0 && known.etag.is_some() && known.url == part.source.url => {
                part.source = known;
                part.length = length;
                part.file.seek(io::SeekFrom::Start(length)).await?;
            }
            _ => part.restart(None).await?,
        }
        Ok(part)
    }

    /// How many bytes there are.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// From where, and of which version, the server may be asked for the rest.
    pub(super) fn resumable(&self) -> Option<(u64, &str)> {
        let etag = self.source.etag.as_deref()?;
        (self.length > 0).then_some((self.length, etag))
    }

    /// Begins again, with a version that can be resumed if it has an etag.
    pub(super) async fn restart(&mut self, etag: Option<String>) -> io::Result<()> {
        self.file.flush().await?;
        self.file.get_mut().set_len(0).await?;
        self.file.rewind().await?;
        self.length = 0;
        self.source.etag = etag;
        match &self.source.etag {
            Some(_) => fs::write(self.notes(), serde_json::to_vec(&self.source)?).await,
            None => forget(&self.notes()).await,
        }
    }

    pub(super) async fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).await?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.file.flush().await
    }

    /// Makes it the file.
    pub(super) async fn finish(&mut self, destination: &Path) -> io::Result<()> {
        self.file.flush().await?;
        self.file.get_mut().sync_all().await?;
        fs::rename(&self.path, destination).await?;
        forget(&self.notes()).await
    }

    /// Leaves what a later download can go on from, and nothing else.
    pub(super) async fn abandon(mut self) {
        let flushed = self.file.flush().await.is_ok();
        if !flushed || self.resumable().is_none() {
            let removed = (fs::remove_file(&self.path).await, forget(&self.notes()).await);
            tracing::debug!(?removed, "nothing left behind");
        }
    }

    fn notes(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".json");
        name.into()
    }
}

fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}

async fn forget(path: &Path) -> io::Result<()> {
    match fs::remove_file(path).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

//! The file of a journal: created for its owner alone.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use creatify::journal::JournalError;

/// Creates the file and its directories if they are missing, checks that it can be written, and
/// returns its full path.
pub(super) async fn prepare(path: PathBuf) -> Result<PathBuf, JournalError> {
    let shown = path.clone();
    let prepared = tokio::task::spawn_blocking(move || create(&path)).await;
    prepared.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| {
        let name = shown.display();
        let message = match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                format!("the journal {name} cannot be opened for writing")
            }
            io::ErrorKind::IsADirectory => format!("the journal {name} is a directory"),
            io::ErrorKind::StorageFull => format!("no space is left for the journal {name}"),
            _ => format!("the journal {name} cannot be opened"),
        };
        JournalError::new(message).because(error)
    })
}

fn create(path: &Path) -> io::Result<PathBuf> {
    // A full path, so that SQLite does not take a name for a URI or a database in memory.
    let path = std::path::absolute(path)?;
    if let Some(directory) = path.parent() {
        create_directories(directory)?;
    }
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true);
    // SQLite gives the files beside it the same mode.
    match private(options.clone()).create_new(true).open(&path) {
        Ok(_) => sync_directory(&path)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            options.open(&path)?;
        }
        Err(error) => return Err(error),
    }
    Ok(path)
}

#[cfg(unix)]
fn private(mut options: fs::OpenOptions) -> fs::OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600);
    options
}

#[cfg(not(unix))]
fn private(options: fs::OpenOptions) -> fs::OpenOptions {
    options
}

#[cfg(unix)]
fn create_directories(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

#[cfg(not(unix))]
fn create_directories(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)
}

/// Makes a new file durable. SQLite does so for the files that it creates itself.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |directory| fs::File::open(directory)?.sync_all())
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

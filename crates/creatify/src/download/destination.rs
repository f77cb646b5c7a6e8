//! Destination of a download: the name of its file, and protection of files that are there.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use url::Url;

use super::failure::Failure;
use crate::job::{Goal, JobHandle};

/// Extensions that a video's file may take from its link.
const VIDEO_EXTENSIONS: [&str; 5] = ["mp4", "m4v", "mov", "webm", "mkv"];

/// Treatment of files that are in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    /// Leave them, and fail.
    Keep,
    /// Replace them.
    Overwrite,
}

/// Returns the file itself: the destination, or a name in it when it is a directory.
pub(super) fn file(destination: &Path, handle: JobHandle, link: &Url) -> PathBuf {
    // A separator is one byte, also in a path that is not UTF-8.
    let last = destination.as_os_str().as_encoded_bytes().last();
    let names_directory = last.is_some_and(|last| std::path::is_separator(char::from(*last)));
    if names_directory || destination.is_dir() {
        destination.join(default_name(handle, link))
    } else {
        destination.to_owned()
    }
}

fn default_name(handle: JobHandle, link: &Url) -> String {
    let id = handle.id;
    match handle.goal {
        Goal::Preview => format!("{id}.preview.html"),
        Goal::Video => {
            let extension = Path::new(link.path()).extension().and_then(|text| text.to_str());
            let extension = extension.unwrap_or_default().to_ascii_lowercase();
            let known = VIDEO_EXTENSIONS.into_iter().find(|known| *known == extension);
            format!("{id}.{}", known.unwrap_or("mp4"))
        }
    }
}

/// Refuses to replace a file, unless that is wished, and anything that is not a file, such as a
/// device, in any case: it would be renamed over, not written to.
pub(super) fn check(path: &Path, existing: Existing) -> Result<(), Failure> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Failure::of_file(path, error)),
    };
    // A link that leads nowhere is replaced like a file.
    let target = fs::metadata(path).unwrap_or(found);
    if !target.is_file() && !target.is_symlink() {
        let reason = format!("{} is not a regular file; nothing was downloaded", path.display());
        return Err(Failure::of_destination(reason));
    }
    match existing {
        Existing::Overwrite => Ok(()),
        Existing::Keep => Err(in_the_way(path)),
    }
}

/// Returns the failure for a file that must not be replaced.
pub(super) fn in_the_way(path: &Path) -> Failure {
    Failure::of_destination(format!(
        "{} exists already; only `overwrite` (`--force` on the command line) replaces it",
        path.display()
    ))
}

/// Gives a finished file its name without replacing another one that has turned up meanwhile.
pub(super) fn rename_to_new(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Not every file system has hard links.
        Err(_) if fs::symlink_metadata(to).is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11";

    fn name(goal: Goal, link: &str) -> String {
        default_name(JobHandle { id: ID.parse().unwrap(), goal }, &link.parse().unwrap())
    }

    #[test]
    fn a_file_is_named_after_its_job() {
        for (link, extension) in [
            ("https://e.com/a/x.mp4?signed=1", "mp4"),
            ("https://e.com/x.WebM", "webm"),
            ("https://e.com/x.mov", "mov"),
            ("https://e.com/x", "mp4"),
            ("https://e.com/x.php", "mp4"),
            ("https://e.com/x.html", "mp4"),
        ] {
            assert_eq!(name(Goal::Video, link), format!("{ID}.{extension}"), "{link}");
        }
        let link = "https://e.com/preview?layout=videos/x.json";
        assert_eq!(name(Goal::Preview, link), format!("{ID}.preview.html"));
    }

    #[test]
    fn existing_files_are_kept_and_devices_always_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("video.mp4");
        assert!(check(&path, Existing::Keep).is_ok());
        fs::write(&path, "mine").unwrap();
        assert!(check(&path, Existing::Keep).unwrap_err().reason().contains("video.mp4"));
        assert!(check(&path, Existing::Overwrite).is_ok());
        if cfg!(unix) {
            assert!(check(Path::new("/dev/null"), Existing::Keep).is_err());
            assert!(check(Path::new("/dev/null"), Existing::Overwrite).is_err());
        }
    }

    #[test]
    fn a_file_that_turns_up_meanwhile_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("part"), folder.path().join("video.mp4"));
        fs::write(&from, "new").unwrap();
        fs::write(&to, "mine").unwrap();
        let error = rename_to_new(&from, &to).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&to).unwrap(), b"mine");
        fs::remove_file(&to).unwrap();
        rename_to_new(&from, &to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"new");
        assert!(!from.exists());
    }
}

//! Files of SQLite journals that are damaged, foreign, newer, locked, or cannot be written.

use std::{
    error::Error as _,
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    process::Command,
};

use creatify::journal::{Filter, Journal as _, JournalError};
use creatify_journal::SqliteJournal;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{account, new, place::Place, started};

async fn raw(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

async fn open_error(path: &Path) -> JournalError {
    SqliteJournal::open(path).await.err().unwrap()
}

/// Checks that an error is one line that names the file, and has a cause.
#[track_caller]
fn assert_says(error: &JournalError, path: &Path, words: &str) {
    let message = error.to_string();
    assert!(message.contains(&path.display().to_string()), "{message}");
    assert!(message.contains(words) && !message.contains('\n'), "{message}");
    assert!(error.source().is_some(), "{error:?}");
}

#[tokio::test]
async fn files_are_for_their_owner_alone() {
    let place = Place::sqlite();
    let path = place.file().parent().unwrap().join("made/for it/journal.db");
    let journal = SqliteJournal::open(&path).await.unwrap();
    started(journal.begin(new("k")).await.unwrap());
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(path.parent().unwrap().parent().unwrap()), 0o700);
    let mut files = 0;
    for file in fs::read_dir(path.parent().unwrap()).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
        files += 1;
    }
    assert_eq!(files, 3); // with its -wal and -shm
}

#[tokio::test]
async fn any_name_is_that_of_a_file() {
    let place = Place::sqlite();
    for name in [":memory:", "file:x?mode=memory", "a b?c#d%20.db", "ä.db"] {
        let path = place.file().with_file_name(name);
        let journal = SqliteJournal::open(&path).await.unwrap();
        started(journal.begin(new("k")).await.unwrap());
        assert!(path.is_file(), "{name}");
        assert_eq!(journal.location(), path.display().to_string());
    }
}

#[tokio::test]
async fn a_journal_of_a_newer_version_is_refused_and_left_as_it_is() {
    let place = Place::sqlite();
    let path = place.file();
    place.open().await;
    let mut connection = raw(&path).await;
    sqlx::raw_sql("PRAGMA user_version = 99").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let before = fs::read(&path).unwrap();
    assert_says(&open_error(&path).await, &path, "newer version");
    assert!(open_error(&path).await.source().unwrap().to_string().contains("99"));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_left_as_it_is() {
    let place = Place::sqlite();
    let path = place.file();
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql("CREATE TABLE theirs (x)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let before = fs::read(&path).unwrap();
    assert_says(&open_error(&path).await, &path, "not a journal");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_damaged_file_is_said_to_be() {
    let place = Place::sqlite();
    let path = place.file();
    let text = "not a database at all\n".repeat(300);
    fs::write(&path, &text).unwrap();
    assert_says(&open_error(&path).await, &path, "damaged");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);

    fs::remove_file(&path).unwrap();
    let journal = place.open().await;
    for number in 0..50 {
        started(journal.begin(new(&format!("k{number}"))).await.unwrap());
    }
    let mut connection = raw(&path).await;
    sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    drop(journal);
    let mut bytes = fs::read(&path).unwrap();
    for byte in bytes.iter_mut().skip(4096) {
        *byte = 0xa5; // all pages but the first
    }
    fs::write(&path, bytes).unwrap();
    let journal = SqliteJournal::open(&path).await.unwrap();
    let error = journal.begin(new("more")).await.unwrap_err();
    assert_says(&error, &path, "damaged");
    let error = journal.entries(&account(), Filter::default()).await.unwrap_err();
    assert_says(&error, &path, "damaged");
}

#[tokio::test]
async fn a_lock_that_is_held_too_long_is_an_error_and_then_over() {
    let place = Place::sqlite();
    let journal = place.open().await;
    let mut connection = raw(&place.file()).await;
    let transaction = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let error = journal.begin(new("k")).await.unwrap_err();
    assert_says(&error, &place.file(), "locked by another program");
    // Reading goes on.
    assert!(journal.entries(&account(), Filter::default()).await.unwrap().is_empty());
    transaction.rollback().await.unwrap();
    started(journal.begin(new("k")).await.unwrap());
}

#[tokio::test]
async fn a_directory_is_not_a_journal() {
    let place = Place::sqlite();
    let path = place.file();
    fs::create_dir(&path).unwrap();
    assert_says(&open_error(&path).await, &path, "directory");
    let beside = place.file().with_file_name("file");
    fs::write(&beside, "").unwrap();
    let path = beside.join("journal.db");
    assert_says(&open_error(&path).await, &path, "cannot be opened");
}

#[tokio::test]
async fn processes_may_create_a_journal_at_once() {
    let place = Place::sqlite();
    let path = place.file();
    let tasks = (0..16).map(|task| {
        let path = path.clone();
        tokio::spawn(async move {
            let journal = SqliteJournal::open(path).await.unwrap();
            started(journal.begin(new(&format!("k{task}"))).await.unwrap());
        })
    });
    for task in futures_util::future::join_all(tasks).await {
        task.unwrap();
    }
}

/// Runs a test of this file in another process, behind a command such as `setpriv`. Returns
/// whether the command is there and allowed.
fn run_in(command: &[&str], test: &str, path: &Path) -> bool {
    let probe = Command::new(command[0]).args(&command[1..]).arg("true").output();
    if !probe.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: `{}` is not possible here", command.join(" "));
        return false;
    }
    let output = Command::new(command[0])
        .args(&command[1..])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env("JOURNAL_PATH", path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{output:?}");
    true
}

/// Returns the path that the other process gave; `None` when there is none.
fn path_of_parent() -> Option<std::path::PathBuf> {
    std::env::var_os("JOURNAL_PATH").map(Into::into)
}

#[tokio::test]
async fn a_file_or_directory_that_is_read_only_is_said_to_be() {
    let place = Place::sqlite();
    started(place.open().await.begin(new("k")).await.unwrap());
    let directory = place.file().parent().unwrap().to_owned();
    let set = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    // Root may write anywhere.
    let command: &[&str] = match fs::metadata("/proc/self").unwrap().uid() {
        0 => &["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"],
        _ => &["env"],
    };
    set(&place.file(), 0o444);
    set(&directory, 0o555);
    run_in(command, "sqlite::child_finds_the_file_read_only", &place.file());
    run_in(command, "sqlite::child_finds_the_directory_read_only", &directory.join("new.db"));
    set(&directory, 0o755);
}

#[tokio::test]
#[ignore = "run by another test"]
async fn child_finds_the_file_read_only() {
    let Some(path) = path_of_parent() else { return };
    assert_says(&open_error(&path).await, &path, "cannot be opened for writing");
}

#[tokio::test]
#[ignore = "run by another test"]
async fn child_finds_the_directory_read_only() {
    let Some(path) = path_of_parent() else { return };
    assert_says(&open_error(&path).await, &path, "cannot be opened for writing");
    let path = path.with_file_name("missing").join("new.db");
    assert_says(&open_error(&path).await, &path, "cannot be opened for writing");
}

#[test]
fn a_full_disk_is_said_to_be_and_nothing_is_half_entered() {
    let place = Place::sqlite();
    let directory = place.file().parent().unwrap().to_owned();
    // A file system of 400 kB that ends with the process.
    let script =
        format!("mount -t tmpfs -o size=400k journal '{}' && exec \"$@\"", directory.display());
    let command = ["unshare", "--map-root-user", "--mount", "sh", "-c", &script, "sh"];
    run_in(&command, "sqlite::child_fills_the_disk", &place.file());
}

#[tokio::test]
#[ignore = "run by another test"]
async fn child_fills_the_disk() {
    let Some(path) = path_of_parent() else { return };
    let journal = SqliteJournal::open(&path).await.unwrap();
    let mut entered = 0;
    let error = loop {
        match journal.begin(new(&format!("k{entered}"))).await {
            Ok(_) => entered += 1,
            Err(error) => break error,
        }
        assert!(entered < 10_000, "the disk does not fill");
    };
    assert_says(&error, &path, "no space is left");
    assert!(entered > 0);
    let entries = journal.entries(&account(), Filter::default()).await.unwrap();
    assert_eq!(entries.len(), entered);
}

//! The ledger: exact, complete after a kill, and shared by several processes.

#![allow(clippy::unwrap_used)] // a test file

use std::{fs, path::Path, process::Command, sync::Arc, time::Duration};

use creatify::{
    ModelVersion,
    credits::{
        BillableOperation, Credits, Ledger,
        ledger::{Entry, EntryState, GroupBy, Summary},
    },
};

fn entry(operation: BillableOperation, charged: &str) -> Entry {
    let mut entry = Entry::reserved(operation, ModelVersion::Standard, Arc::from("blocks"));
    entry.state = EntryState::Charged;
    entry.charged = Some(charged.parse().unwrap());
    entry.seconds = Some(Duration::from_secs(28).into());
    entry
}

#[test]
fn totals_are_exact_and_the_last_line_of_an_entry_counts() {
    let folder = tempfile::tempdir().unwrap();
    for ledger in [Ledger::default(), Ledger::in_file(folder.path().join("new/ledger.jsonl"))] {
        let mut reserved =
            Entry::reserved(BillableOperation::Create, ModelVersion::AuroraV1, Arc::from("blocks"));
        ledger.write(&reserved).unwrap();
        for _ in 0..10 {
            ledger.write(&entry(BillableOperation::Preview, "0.1")).unwrap();
        }
        reserved.state = EntryState::Charged;
        reserved.charged = Some(40.into());
        ledger.write(&reserved).unwrap();

        let contents = ledger.read().unwrap();
        assert_eq!((contents.entries.len(), contents.torn.len()), (11, 0));
        let summary = Summary::of(&contents.entries, GroupBy::Operation).unwrap();
        let groups: Vec<_> = summary
            .groups
            .iter()
            .map(|line| (line.group.as_str(), line.calls, line.charged))
            .collect();
        assert_eq!(groups, [("create", 1, 40.into()), ("preview", 10, 1.into())]);
        assert_eq!(summary.total.charged, 41.into());
    }
}

/// A crash may cut the last line anywhere. Earlier and later lines are read, and the cut is
/// reported.
#[test]
fn a_cut_line_is_reported_and_harms_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.jsonl");
    let ledger = Ledger::in_file(&path);
    ledger.write(&entry(BillableOperation::Preview, "1")).unwrap();
    let one = fs::read(&path).unwrap();
    ledger.write(&entry(BillableOperation::Preview, "2")).unwrap();
    let two = fs::read(&path).unwrap();
    for end in one.len() + 1..two.len() {
        fs::write(&path, &two[..end]).unwrap();
        ledger.write(&entry(BillableOperation::Preview, "4")).unwrap();
        let contents = ledger.read().unwrap();
        let charged = contents
            .entries
            .iter()
            .filter_map(|entry| entry.charged)
            .try_fold(Credits::ZERO, Credits::checked_add);
        // When only the newline is missing, nothing is lost.
        let (total, torn): (u32, &[usize]) =
            if end == two.len() - 1 { (7, &[]) } else { (5, &[2]) };
        assert_eq!(charged, Some(total.into()), "cut at {end}");
        assert_eq!(
            contents.torn.iter().map(|torn| torn.line).collect::<Vec<_>>(),
            torn,
            "cut at {end}"
        );
    }
}

/// The cause is printed once: by the source, not by the error too.
#[test]
fn an_error_does_not_repeat_its_source() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::in_file(folder.path());
    for (error, action) in [
        (ledger.read().unwrap_err(), "read"),
        (ledger.write(&entry(BillableOperation::Preview, "1")).unwrap_err(), "written"),
    ] {
        let shown = error.to_string();
        assert!(shown.ends_with(&format!("cannot be {action}")), "{shown}");
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(!shown.contains(&source), "{shown}: {source}");
    }
}

const CHILD: &str = "LEDGER_OF_CHILD";
const ENTRIES: usize = 300;

/// The work of the processes in the next test; not a test by itself.
#[test]
fn child() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let ledger = Ledger::in_file(Path::new(&path));
    for _ in 0..ENTRIES {
        let mut entry = entry(BillableOperation::Preview, "1");
        entry.state = EntryState::Reserved;
        ledger.write(&entry).unwrap();
        entry.state = EntryState::Charged;
        ledger.write(&entry).unwrap();
    }
}

#[test]
fn processes_append_at_the_same_time_and_a_kill_loses_no_written_entry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.jsonl");
    let spawn = || {
        let own = std::env::current_exe().unwrap();
        Command::new(own)
            .args(["child", "--exact", "--quiet"])
            .env(CHILD, &path)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut finishing: Vec<_> = (0..3).map(|_| spawn()).collect();
    let mut killed: Vec<_> = (0..3).map(|_| spawn()).collect();
    for child in &mut killed {
        // In the middle of its work: it has written something, and cannot have written all.
        let before = fs::metadata(&path).map_or(0, |file| file.len());
        while fs::metadata(&path).map_or(0, |file| file.len()) < before + 20_000 {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    for child in &mut finishing {
        assert!(child.wait().unwrap().success());
    }
    let contents = Ledger::in_file(&path).read().unwrap();
    let lines = fs::read_to_string(&path).unwrap();
    let whole = lines.lines().filter(|line| serde_json::from_str::<Entry>(line).is_ok()).count();
    assert_eq!(whole + contents.torn.len(), lines.lines().count());
    assert!(contents.torn.len() <= killed.len(), "{:?}", contents.torn);
    let charged =
        contents.entries.iter().filter(|entry| entry.state == EntryState::Charged).count();
    assert!(charged >= finishing.len() * ENTRIES, "{charged}");
    // Each killed process leaves at most one entry that is reserved and not charged.
    assert!(contents.entries.len() - charged <= killed.len());
}

//! Two machines with clocks that differ by an hour, and one database.

use std::{fs, path::PathBuf};

use creatify::{OperationId, journal::EntryState};
use creatify_sandbox::Sandbox;
use creatify_tests::kills::{Settings, StopAt};

use crate::{
    program::{Program, settings},
    random::entry_states,
    stores::Store,
};

/// Returns the library that gives programs a wrong clock, if it is installed.
fn libfaketime() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let library = folders
        .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.exists());
    if library.is_none() {
        let required = std::env::var("CREATIFY_REQUIRE_POSTGRES");
        assert!(!required.is_ok_and(|value| value == "1"), "libfaketime is not installed");
        eprintln!("skipped: libfaketime is not installed");
    }
    library
}

#[tokio::test]
#[ignore = "slow; run by CI"]
async fn machines_whose_clocks_differ_by_an_hour_send_a_key_once() {
    let (Some(store), Some(library)) = (Store::postgres(), libfaketime()) else { return };
    let sandbox = Sandbox::builder().speed(1.0).start().await.unwrap();
    for offset in ["+1h", "-1h"] {
        let of = |key: &str, stop_at| {
            let own = settings(&sandbox, &store.location, vec![format!("{key}{offset}")]);
            Settings { stop_at, ..own }
        };
        // A program that lives has its lease, whatever its clock says.
        let alive = of("alive", Some(StopAt::BeforeChange));
        let program = Program::start_at(offset, &library, &alive).stopped().await;
        let result = |own: Settings| async move {
            let outcomes = Program::start(&own).outcomes().await;
            outcomes.into_iter().next().unwrap().result
        };
        let own = Settings { timeout_ms: 1_000, stop_at: None, ..alive.clone() };
        assert_eq!(result(own).await, "key_in_use", "{offset}");
        program.kill().await;
        // A program that died loses it in time.
        assert_eq!(result(Settings { stop_at: None, ..alive }).await, "replayed", "{offset}");

        let dead = of("dead", Some(StopAt::AfterBegin));
        Program::start_at(offset, &library, &dead).stopped().await.kill().await;
        let own = Settings { stop_at: None, ..dead };
        let states = entry_states(&own).await;
        assert_eq!(states[&own.keys[0]], EntryState::Sending, "{offset}");
        assert_eq!(result(own).await, "outcome_unknown", "{offset}");
    }
    assert_eq!(sandbox.request_count(OperationId::CreateCustomTemplateJob), 2);
}

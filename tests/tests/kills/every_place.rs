//! A kill at every place of a submission: before and after each write to the journal, and after
//! each byte of the request and of its answer.

use creatify::{OperationId, journal::EntryState};
use creatify_sandbox::Sandbox;
use creatify_tests::kills::{Settings, StopAt};

use crate::{
    program::{Program, settings},
    proxy::{Cut, Proxy},
    random::{entry_states, jobs_named},
    stores::Store,
};

/// A place at which the program is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Journal(StopAt),
    Wire(Cut),
}

/// The state that the next run finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    /// Nothing: the submission is sent, for the first time.
    Nothing,
    /// An entry whose request did not arrive: it stays unknown, and is not sent.
    NotArrived,
    /// An entry whose job the service has made: the job is adopted.
    Made,
    /// The recorded job.
    Recorded,
}

fn key(place: Place) -> String {
    format!("{place:?}").replace([' ', '{', '}'], "")
}

async fn kill_at(proxy: &Proxy, own: Settings, place: Place) {
    let own = Settings { keys: vec![key(place)], ..own };
    match place {
        Place::Journal(place) => Program::kill_at(own, place).await,
        Place::Wire(cut) => {
            proxy.set_cut(cut);
            let program = Program::start(&own);
            proxy.stopped.notified().await;
            program.kill().await;
            proxy.set_cut(Cut::Never);
        }
    }
}

/// Kills the program at places with this stride between bytes, and looks at what the next run
/// finds.
async fn kill_everywhere(store: &Store, stride: usize) {
    let sandbox = Sandbox::builder().speed(1.0).credits(1_000_000).start().await.unwrap();
    let proxy = Proxy::start(sandbox.base_url()).await;
    let own = settings(&sandbox, &store.location, vec!["whole".to_owned()]);
    let own = Settings { base_url: proxy.base_url.clone(), ..own };
    let outcomes = Program::start(&own).outcomes().await;
    assert_eq!(outcomes[0].result, "sent");
    let length = *proxy.passed.lock().unwrap();
    assert!(length.request > 200 && length.answer > 200, "{length:?}");

    let mut places = vec![
        (Place::Journal(StopAt::BeforeBegin), Finding::Nothing),
        (Place::Journal(StopAt::AfterBegin), Finding::NotArrived),
        (Place::Journal(StopAt::BeforeChange), Finding::Made),
        (Place::Journal(StopAt::AfterChange), Finding::Recorded),
    ];
    // The keys have other lengths than `whole`, so the last bytes are left to the answer's first.
    for bytes in (0..length.request - 30).step_by(stride) {
        places.push((Place::Wire(Cut::Request(bytes)), Finding::NotArrived));
    }
    for bytes in (0..length.answer - 30).step_by(stride) {
        places.push((Place::Wire(Cut::Answer(bytes)), Finding::Made));
    }
    for (place, _) in &places {
        kill_at(&proxy, own.clone(), *place).await;
    }

    let posts = sandbox.request_count(OperationId::CreateCustomTemplateJob);
    let keys = places.iter().map(|(place, _)| key(*place)).collect();
    let next = Settings { keys, concurrency: places.len(), timeout_ms: 6_000, ..own };
    let outcomes = Program::start(&next).outcomes().await;
    assert_eq!(outcomes.len(), places.len(), "a key was lost");
    let states = entry_states(&next).await;
    for (place, finding) in &places {
        let key = key(*place);
        let result = &outcomes.iter().find(|outcome| outcome.key == key).unwrap().result;
        let jobs = jobs_named(&sandbox, &key);
        let found = (result.as_str(), jobs, states[&key]);
        match finding {
            Finding::Nothing => assert_eq!(found, ("sent", 1, EntryState::Submitted), "{place:?}"),
            Finding::NotArrived => {
                assert_eq!(found, ("outcome_unknown", 0, EntryState::Unknown), "{place:?}");
            }
            Finding::Made | Finding::Recorded => {
                assert_eq!(found, ("replayed", 1, EntryState::Submitted), "{place:?}");
            }
        }
    }
    let sent = places.iter().filter(|(_, finding)| *finding == Finding::Nothing).count();
    let posts_of_next = sandbox.request_count(OperationId::CreateCustomTemplateJob) - posts;
    assert_eq!(posts_of_next, sent, "the next run sent something again");
}

#[tokio::test]
async fn no_place_of_a_kill_leads_to_a_second_request_or_a_lost_key() {
    kill_everywhere(&Store::sqlite(), 60).await;
}

#[tokio::test]
#[ignore = "slow; run by CI"]
async fn no_place_of_a_kill_leads_to_a_second_request_or_a_lost_key_in_postgres() {
    let Some(store) = Store::postgres() else { return };
    kill_everywhere(&store, 20).await;
}

#[tokio::test]
#[ignore = "several minutes"]
async fn no_byte_after_which_it_is_killed_leads_to_a_second_request_or_a_lost_key() {
    kill_everywhere(&Store::sqlite(), 1).await;
}

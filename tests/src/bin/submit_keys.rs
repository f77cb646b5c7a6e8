//! A program that submits videos, to be killed at any moment and started again: with the journal,
//! or as a script would.
//!
//! It prints one JSON document for each key, and `stopped` when it reaches the place at which it is
//! to be killed.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a program of the tests

use std::{collections::HashSet, fs, io::Write as _, sync::Arc, time::Duration};

use creatify::{Client, Create, Variables, journal::Journal};
use creatify_tests::kills::{self, Outcome, SETTINGS, Settings, StoppingJournal, Strategy};
use futures_util::{StreamExt as _, stream};

#[tokio::main]
async fn main() {
    let settings: Settings = serde_json::from_str(&std::env::var(SETTINGS).unwrap()).unwrap();
    let journal: Option<Arc<dyn Journal>> = match settings.strategy {
        Strategy::Journal => {
            let journal = kills::open(&settings.store).await;
            Some(Arc::new(StoppingJournal::new(journal, settings.stop_at)))
        }
        Strategy::Loop | Strategy::StateFile => None,
    };
    let client = kills::client(&settings, journal);
    let done: HashSet<String> = match settings.strategy {
        Strategy::StateFile => {
            let state = fs::read_to_string(&settings.store).unwrap_or_default();
            state.lines().map(str::to_owned).collect()
        }
        Strategy::Journal | Strategy::Loop => HashSet::new(),
    };
    let keys = settings.keys.iter().filter(|key| !done.contains(*key));
    stream::iter(keys)
        .map(|key| submit(&client, &settings, key))
        .buffer_unordered(settings.concurrency)
        .for_each(|outcome| async move {
            println!("{}", serde_json::to_string(&outcome).unwrap());
        })
        .await;
}

async fn submit(client: &Client, settings: &Settings, key: &str) -> Outcome {
    let submission = create(client, settings, key);
    let result = match settings.strategy {
        Strategy::Journal => submission.key(key).send().await,
        Strategy::Loop | Strategy::StateFile => submission.name(key).send().await,
    };
    if settings.strategy == Strategy::StateFile && result.is_ok() {
        let mut state = fs::OpenOptions::new();
        let mut state = state.create(true).append(true).open(&settings.store).unwrap();
        state.write_all(format!("{key}\n").as_bytes()).unwrap();
    }
    let result = match result {
        Ok(job) if job.is_replayed() => "replayed".to_owned(),
        Ok(_) => "sent".to_owned(),
        Err(error) => error.kind().as_str().to_owned(),
    };
    Outcome { key: key.to_owned(), result }
}

fn create<'c>(client: &'c Client, settings: &Settings, key: &str) -> Create<'c> {
    let template = creatify_sandbox::templates()[0].id.into();
    client
        .create(template, Variables::new().text("headline", key))
        .timeout(Duration::from_millis(settings.timeout_ms))
}

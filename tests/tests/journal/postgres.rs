//! PostgreSQL servers that go away, refuse, or have newer tables.

use std::{
    error::Error as _,
    process::Command,
    time::{Duration, Instant},
};

use creatify::journal::{EntryState, Filter, Journal as _, JournalError};
use creatify_journal::PostgresJournal;
use creatify_tests::postgres::PostgresServer;

use crate::{account, applied, job, new, started, submitted};

/// Checks that an error is one line that names the server, has a cause, and shows no password.
#[track_caller]
fn assert_says(error: &JournalError, words: &str) {
    let message = error.to_string();
    assert!(message.contains("postgres://creatify@127.0.0.1:"), "{message}");
    assert!(message.contains(words) && !message.contains('\n'), "{message}");
    assert!(error.source().is_some(), "{error:?}");
    let mut chain = format!("{error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        chain.push_str(&format!("{error} {error:?}"));
        cause = error.source();
    }
    assert!(!chain.contains("s3cret"), "{chain}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_goes_away_is_an_error_until_it_is_back() {
    let Some(mut server) = PostgresServer::start() else { return };
    let url = server.create_database("journal");
    let journal = PostgresJournal::connect(&url).await.unwrap();
    assert!(!format!("{} {journal:?}", journal.location()).contains("s3cret"));
    let before = started(journal.begin(new("before")).await.unwrap());

    // Calls are under way while it stops: each is entered whole, or is an error.
    let calls: Vec<_> = (0..8)
        .map(|number| {
            let journal = journal.clone();
            tokio::spawn(async move { journal.begin(new(&format!("k{number}"))).await.is_ok() })
        })
        .collect();
    server.stop();
    let mut entered = 0;
    for call in calls {
        entered += usize::from(call.await.unwrap());
    }
    let asked = Instant::now();
    assert_says(&journal.begin(new("away")).await.unwrap_err(), "cannot be reached");
    assert!(asked.elapsed() < Duration::from_secs(31), "{:?}", asked.elapsed());
    let error = PostgresJournal::connect(&url).await.err().unwrap();
    assert_says(&error, "cannot be reached");

    server.start_again();
    let entry = applied(journal.change(before.id, submitted(job())).await.unwrap());
    assert_eq!(entry.state, EntryState::Submitted);
    started(journal.begin(new("after")).await.unwrap());
    let entries = journal.entries(&account(), Filter::default()).await.unwrap();
    assert!(entries.len() >= entered + 2, "{} of {entered}", entries.len());
    assert!(entries.iter().all(|entry| entry.key.as_str() != "away"));

    // A server that ends the sessions of one process is no different.
    for round in 0..10 {
        server.sql(
            "postgres",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'journal'",
        );
        started(journal.begin(new(&format!("round {round}"))).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_that_hangs_is_given_up() {
    let Some(server) = PostgresServer::start() else { return };
    let journal = PostgresJournal::connect(&server.create_database("journal")).await.unwrap();
    started(journal.begin(new("before")).await.unwrap());
    let sessions = "SELECT pid FROM pg_stat_activity WHERE datname = 'journal'";
    let sessions = server.sql("postgres", sessions);
    let signal = |signal: &str| {
        let kill = Command::new("kill").arg(signal).args(sessions.lines()).status();
        assert!(kill.unwrap().success());
    };
    signal("-STOP");
    let asked = Instant::now();
    assert_says(&journal.begin(new("hanging")).await.unwrap_err(), "cannot be reached");
    assert!(asked.elapsed() < Duration::from_secs(31), "{:?}", asked.elapsed());
    started(journal.begin(new("after")).await.unwrap());
    signal("-CONT");
    started(journal.begin(new("hanging")).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_refuses_in_words() {
    let Some(server) = PostgresServer::start() else { return };
    let url = server.create_database("journal");
    let error = |url: String| async move { PostgresJournal::connect(&url).await.err().unwrap() };
    assert_says(&error(server.url("missing")).await, "does not exist");
    let wrong = url.replace(":s3cret@", ":s3cret-wrong@");
    assert_says(&error(wrong).await, "refuses the user or password");

    // Many may create the tables at once.
    for database in ["journal", "second", "third", "fourth", "fifth"] {
        let url = match database {
            "journal" => url.clone(),
            _ => server.create_database(database),
        };
        let connects = (0..12).map(|_| {
            let url = url.clone();
            tokio::spawn(async move { PostgresJournal::connect(&url).await.map(|_| ()) })
        });
        for connected in futures_util::future::join_all(connects).await {
            connected.unwrap().unwrap();
        }
        assert_eq!(server.sql(database, "SELECT * FROM creatify_schema"), "1");
    }

    // A user without the right to create tables can use them.
    let reader = "CREATE ROLE worker LOGIN PASSWORD 's3cret'; \
                  GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO worker";
    server.sql("journal", reader);
    let worker = url.replace("creatify:", "worker:");
    let journal = PostgresJournal::connect(&worker).await.unwrap();
    started(journal.begin(new("of the worker")).await.unwrap());

    // Tables of a newer version are left as they are.
    server.sql("journal", "UPDATE creatify_schema SET version = 99; DROP TABLE creatify_budgets");
    assert_says(&error(url.clone()).await, "newer version");
    assert_eq!(server.sql("journal", "SELECT version FROM creatify_schema"), "99");
    assert_eq!(server.sql("journal", "SELECT to_regclass('creatify_budgets') IS NULL"), "t");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn times_are_those_of_the_database() {
    let Some(server) = PostgresServer::start() else { return };
    let url = server.create_database("journal");
    let journal = PostgresJournal::connect(&url).await.unwrap();
    let clock = || {
        let sql = "SELECT trunc(extract(epoch FROM clock_timestamp()) * 1000000)";
        server.sql("journal", sql).parse::<i64>().unwrap()
    };
    let before = clock();
    let entry = started(journal.begin(new("k")).await.unwrap());
    let time = entry.created_at.timestamp_micros();
    assert!((before..=clock()).contains(&time), "{time}");
    let lease = entry.lease.unwrap().until - entry.created_at;
    assert_eq!(lease.to_std().unwrap(), 5 * crate::MINUTE);
}

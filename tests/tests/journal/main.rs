//! Promises of every journal: the same tests for the one in memory, SQLite and PostgreSQL. After
//! them, those of files and servers.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)] // a test file

mod accounts;
mod budgets;
mod filters;
mod keys;
mod leases;
mod place;
mod postgres;
mod races;
mod renders;
mod sqlite;

use std::time::Duration;

use creatify::{
    JobId,
    credits::{BillableOperation, CreditRange, Credits},
    journal::{
        Account, Begun, BudgetState, Change, Changed, Entry, Filter, JobEnd, Journal, NewEntry,
        RequestHash,
    },
};

/// The tests of all journals. Each gets a journal of its own.
macro_rules! promises {
    ($($file:ident: $($promise:ident),+;)+) => {
        mod memory {
            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $promise() {
                crate::$file::$promise(crate::place::Place::memory()).await;
            })+)+
        }

        mod sqlite_file {
            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $promise() {
                crate::$file::$promise(crate::place::Place::sqlite()).await;
            })+)+
        }

        /// In one test, since a server takes a while to start.
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn every_promise_holds_in_postgresql() {
            let Some(server) = creatify_tests::postgres::PostgresServer::start() else { return };
            $($(
                eprintln!("{}", stringify!($promise));
                let place = crate::place::Place::postgres(&server, stringify!($promise));
                crate::$file::$promise(place).await;
            )+)+
        }
    };
}

promises! {
    keys: a_key_is_entered_once, a_key_of_another_request_is_refused,
        a_released_key_starts_a_new_attempt, a_failed_job_is_repeated_on_the_explicit_word_only,
        an_acceptance_counts_even_after_a_release, unknown_never_replaces_submitted,
        keys_of_operations_are_apart, a_request_is_kept_while_it_may_be_looked_for,
        an_entry_that_is_missing_is_said_to_be, every_text_comes_back_as_it_was;
    renders: another_render_of_a_job_is_refused, a_superseded_render_is_unknown;
    leases: an_expired_lease_makes_an_entry_unknown, only_the_owner_renews_a_lease;
    budgets: a_budget_lets_in_exactly_what_fits, a_budget_holds_for_handles_opened_apart,
        credits_are_reserved_then_spent_or_given_back, a_label_limits_a_budget,
        a_budget_that_is_set_again_counts_what_is_there, the_first_setting_of_a_budget_stays,
        a_cost_must_be_known_where_a_budget_is, every_budget_in_scope_must_have_the_credits;
    accounts: accounts_never_mix;
    races: one_of_64_tasks_starts_a_key, a_change_happens_once,
        a_call_that_is_cancelled_leaves_nothing_half_done;
    filters: a_filter_admits_the_same_everywhere, the_latest_are_the_last_that_were_entered;
}

const MINUTE: Duration = Duration::from_secs(60);

fn account() -> Account {
    Account::new("https://api.example.com", "me")
}

fn new(key: &str) -> NewEntry {
    let mut new = NewEntry::new(account(), key.parse().unwrap(), BillableOperation::Create);
    new.lease = 5 * MINUTE; // longer than any test
    new
}

fn costing(key: &str, credits: u32) -> NewEntry {
    NewEntryExt::estimate(new(key), credits.into())
}

fn credits(min: Credits, max: Credits) -> CreditRange {
    serde_json::from_value(serde_json::json!({ "min": min, "max": max })).unwrap()
}

/// Settings of new entries, as in a chain.
trait NewEntryExt {
    fn estimate(self, credits: Credits) -> Self;
    fn labelled(self, label: &str) -> Self;
    fn request(self, request: &str) -> Self;
}

impl NewEntryExt for NewEntry {
    fn estimate(mut self, credits: Credits) -> Self {
        self.estimate = Some(crate::credits(credits, credits));
        self
    }

    fn labelled(mut self, label: &str) -> Self {
        self.label = Some(label.to_owned());
        self
    }

    fn request(mut self, request: &str) -> Self {
        self.request_hash = RequestHash::of(&request.into());
        self
    }
}

#[track_caller]
fn started(begun: Begun) -> Entry {
    let Begun::Started(entry) = begun else { panic!("{begun:?}") };
    *entry
}

#[track_caller]
fn known(begun: Begun) -> Entry {
    let Begun::Known(entry) = begun else { panic!("{begun:?}") };
    *entry
}

#[track_caller]
fn applied(changed: Changed) -> Entry {
    let Changed::Applied(entry) = changed else { panic!("{changed:?}") };
    *entry
}

#[track_caller]
fn unchanged(changed: Changed) -> Entry {
    let Changed::Unchanged(entry) = changed else { panic!("{changed:?}") };
    *entry
}

fn job() -> JobId {
    uuid::Uuid::from_u128(rand::random()).into()
}

fn submitted(job: JobId) -> Change {
    Change::Submitted { job }
}

fn released() -> Change {
    Change::Released { reason: "refused".to_owned() }
}

fn unknown() -> Change {
    Change::Unknown { reason: "no answer".to_owned(), record: None }
}

fn settled(end: JobEnd, charged: u32) -> Change {
    Change::Settled { end, charged: charged.into(), duration: Some(Duration::from_secs(31)) }
}

async fn only_entry(journal: &dyn Journal) -> Entry {
    let mut entries = journal.entries(&account(), Filter::default()).await.unwrap();
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.remove(0)
}

async fn only_budget(journal: &dyn Journal) -> BudgetState {
    let mut budgets = journal.budgets(&account()).await.unwrap();
    assert_eq!(budgets.len(), 1, "{budgets:?}");
    budgets.remove(0)
}

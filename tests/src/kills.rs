//! Killing of a program that submits videos: its settings, and the places at which it stops to be
//! killed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use creatify::{
    Client, Credentials,
    journal::{
        Account, Begun, Budget, BudgetState, Change, Changed, Entry, EntryId, EntryWithRecord,
        Filter, Journal, JournalError, Lease, NewEntry, OwnerId,
    },
};
use creatify_journal::{PostgresJournal, SqliteJournal};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

/// Environment variable with the program's [`Settings`].
pub const SETTINGS: &str = "SUBMIT_KEYS";

/// Lease of a submission. The library's is longer than a request may take, which would make a test
/// wait.
const LEASE: Duration = Duration::from_secs(2);

/// Settings of the program.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settings {
    /// Strategy.
    pub strategy: Strategy,
    /// Journal or state file.
    pub store: String,
    /// URL of the sandbox.
    pub base_url: String,
    /// API ID of the sandbox.
    pub api_id: String,
    /// API key of the sandbox.
    pub api_key: String,
    /// Keys to submit.
    pub keys: Vec<String>,
    /// Number of submissions at once.
    pub concurrency: usize,
    /// Time-out of each submission in milliseconds.
    pub timeout_ms: u64,
    /// Credits of a budget in the journal.
    pub budget: Option<u32>,
    /// Place at which it stops, to be killed there.
    pub stop_at: Option<StopAt>,
}

/// Strategy of a program that submits videos.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Strategy {
    /// Submissions with keys, and a journal.
    Journal,
    /// A loop that starts over.
    Loop,
    /// A loop that notes each submission in a file after it was accepted.
    StateFile,
}

/// Place at which the program stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopAt {
    /// Before the submission is entered in the journal.
    BeforeBegin,
    /// After it was entered, before anything is sent.
    AfterBegin,
    /// After the answer, before it is recorded.
    BeforeChange,
    /// After it was recorded.
    AfterChange,
}

/// Outcome of one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The key.
    pub key: String,
    /// `sent`, `replayed` or the kind of the error.
    pub result: String,
}

/// The line by which the program says that it has reached its place.
pub const STOPPED: &str = "stopped";

/// Opens the journal in a SQLite file or at a PostgreSQL URL.
///
/// # Panics
///
/// When it cannot be opened.
#[allow(clippy::unwrap_used)] // for tests
pub async fn open(store: &str) -> Arc<dyn Journal> {
    if store.starts_with("postgres") {
        Arc::new(PostgresJournal::connect(store).await.unwrap())
    } else {
        Arc::new(SqliteJournal::open(store).await.unwrap())
    }
}

/// Builds the client of the program.
///
/// # Panics
///
/// When the settings are wrong.
#[allow(clippy::unwrap_used)] // for tests
pub fn client(settings: &Settings, journal: Option<Arc<dyn Journal>>) -> Client {
    let credentials = Credentials::new(settings.api_id.as_str(), settings.api_key.as_str());
    let builder = Client::builder()
        .credentials(credentials.unwrap())
        .base_url(&settings.base_url)
        .attempt_timeout(Duration::from_secs(5));
    let builder = match settings.budget {
        Some(credits) => builder
            .budget(Budget::new("kills", credits.into()))
            .default_duration(Duration::from_secs(30)),
        None => builder,
    };
    match journal {
        Some(journal) => builder.journal(journal).build().unwrap(),
        None => builder.build().unwrap(),
    }
}

/// A journal that stops the program at a place, and whose leases are short.
#[derive(Debug)]
pub struct StoppingJournal {
    inner: Arc<dyn Journal>,
    stop_at: Option<StopAt>,
    has_stopped: AtomicBool,
}

impl StoppingJournal {
    /// Wraps a journal.
    pub fn new(inner: Arc<dyn Journal>, stop_at: Option<StopAt>) -> Self {
        Self { inner, stop_at, has_stopped: AtomicBool::new(false) }
    }

    #[allow(clippy::print_stdout)] // it is for the test that started the program
    async fn pass(&self, place: StopAt) {
        if self.stop_at == Some(place) && !self.has_stopped.swap(true, Ordering::Relaxed) {
            println!("{STOPPED}");
            std::future::pending::<()>().await;
        }
    }
}

impl Journal for StoppingJournal {
    fn location(&self) -> String {
        self.inner.location()
    }

    fn begin(&self, new: NewEntry) -> BoxFuture<'_, Result<Begun, JournalError>> {
        Box::pin(async move {
            self.pass(StopAt::BeforeBegin).await;
            let mut new = new;
            new.lease = LEASE;
            let begun = self.inner.begin(new).await;
            self.pass(StopAt::AfterBegin).await;
            begun
        })
    }

    fn renew(
        &self,
        entry: EntryId,
        owner: OwnerId,
        _: Duration,
    ) -> BoxFuture<'_, Result<Option<Lease>, JournalError>> {
        self.inner.renew(entry, owner, LEASE)
    }

    fn change(
        &self,
        entry: EntryId,
        change: Change,
    ) -> BoxFuture<'_, Result<Changed, JournalError>> {
        Box::pin(async move {
            self.pass(StopAt::BeforeChange).await;
            let changed = self.inner.change(entry, change).await;
            self.pass(StopAt::AfterChange).await;
            changed
        })
    }

    fn entries(
        &self,
        account: &Account,
        filter: Filter,
    ) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
        self.inner.entries(account, filter)
    }

    fn find(&self, entry: EntryId) -> BoxFuture<'_, Result<Option<EntryWithRecord>, JournalError>> {
        self.inner.find(entry)
    }

    fn set_budget(
        &self,
        account: &Account,
        budget: Budget,
    ) -> BoxFuture<'_, Result<BudgetState, JournalError>> {
        self.inner.set_budget(account, budget)
    }

    fn ensure_budget(
        &self,
        account: &Account,
        budget: Budget,
    ) -> BoxFuture<'_, Result<BudgetState, JournalError>> {
        self.inner.ensure_budget(account, budget)
    }

    fn budgets(&self, account: &Account) -> BoxFuture<'_, Result<Vec<BudgetState>, JournalError>> {
        self.inner.budgets(account)
    }
}

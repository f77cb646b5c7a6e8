//! A journal whose database fails at the worst moment, and records given to a wrong client.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use creatify::{
    Credentials, ErrorKind, OperationId,
    journal::{
        Account, Begun, Budget, BudgetState, Change, Changed, Entry, EntryId, EntryState,
        EntryWithRecord, Filter, Journal, JournalError, Lease, MemoryJournal, NewEntry, OwnerId,
        Period,
    },
};
use creatify_sandbox::{Fault, Rule};
use futures_util::future::BoxFuture;

use crate::{
    SECOND, builder, create, entries, limit, on_create, posts, sandbox, states, template, usage,
    variables,
};

/// A journal in memory whose methods fail when they are told to.
#[derive(Debug, Default)]
struct Broken {
    memory: MemoryJournal,
    /// An entry is begun, and the answer of the database is lost.
    loses_beginnings: AtomicBool,
}

impl Journal for Broken {
    fn location(&self) -> String {
        self.memory.location()
    }

    fn begin(&self, new: NewEntry) -> BoxFuture<'_, Result<Begun, JournalError>> {
        Box::pin(async move {
            let begun = self.memory.begin(new).await?;
            match self.loses_beginnings.load(SeqCst) {
                true => Err(JournalError::new("the connection was lost during COMMIT")),
                false => Ok(begun),
            }
        })
    }

    fn renew(
        &self,
        entry: EntryId,
        owner: OwnerId,
        duration: Duration,
    ) -> BoxFuture<'_, Result<Option<Lease>, JournalError>> {
        self.memory.renew(entry, owner, duration)
    }

    fn change(
        &self,
        entry: EntryId,
        change: Change,
    ) -> BoxFuture<'_, Result<Changed, JournalError>> {
        self.memory.change(entry, change)
    }

    fn entries(
        &self,
        account: &Account,
        filter: Filter,
    ) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
        self.memory.entries(account, filter)
    }

    fn find(&self, entry: EntryId) -> BoxFuture<'_, Result<Option<EntryWithRecord>, JournalError>> {
        self.memory.find(entry)
    }

    fn set_budget(
        &self,
        account: &Account,
        budget: Budget,
    ) -> BoxFuture<'_, Result<BudgetState, JournalError>> {
        self.memory.set_budget(account, budget)
    }

    fn ensure_budget(
        &self,
        account: &Account,
        budget: Budget,
    ) -> BoxFuture<'_, Result<BudgetState, JournalError>> {
        self.memory.ensure_budget(account, budget)
    }

    fn budgets(&self, account: &Account) -> BoxFuture<'_, Result<Vec<BudgetState>, JournalError>> {
        self.memory.budgets(account)
    }
}

#[tokio::test(start_paused = true)]
async fn a_beginning_of_unknown_outcome_sends_nothing_and_blocks_neither_key_nor_budget() {
    let sandbox = sandbox().await;
    let journal = Arc::new(Broken::default());
    let client = builder(&sandbox).journal(journal.clone()).budget(limit(5));
    let client = client.default_duration(30 * SECOND).build().unwrap();
    journal.loses_beginnings.store(true, SeqCst);
    let error = create(&client).send().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Journal, "{error}");
    assert_eq!(posts(&sandbox), 0);

    journal.loses_beginnings.store(false, SeqCst);
    let submitted = create(&client).send().await.unwrap();
    assert!(!submitted.is_replayed());
    assert_eq!(states(&client).await, [EntryState::Released, EntryState::Submitted]);
    assert_eq!((posts(&sandbox), usage(&client).await), (1, (5.into(), 0.into())));
}

/// Otherwise it would hold for other submissions, or in other periods, than the program means.
#[tokio::test(start_paused = true)]
async fn a_budget_of_a_program_that_differs_from_that_of_the_journal_is_an_error() {
    let sandbox = sandbox().await;
    let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::default());
    for there in [limit(5).label("spring"), limit(5).per(Period::Day)] {
        let builder = || builder(&sandbox).journal(journal.clone());
        builder().build().unwrap().set_budget(there).await.unwrap();
        let client = builder().budget(limit(5)).default_duration(30 * SECOND).build().unwrap();
        let error = create(&client).send().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error}");
        assert_eq!(posts(&sandbox), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_submission_of_another_account_is_neither_adopted_nor_disowned() {
    let sandbox = sandbox().await;
    let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::default());
    let own = builder(&sandbox).journal(journal.clone()).build().unwrap();
    let other = Credentials::new("another-account", "key").unwrap();
    let other = builder(&sandbox).credentials(other).journal(journal).build().unwrap();
    sandbox.set_faults(on_create(Fault::DropAfter));
    let error = create(&own).send().await.unwrap_err();
    let record = error.submission_record().unwrap();
    let [job] = &own.list_jobs().await.unwrap()[..] else { panic!("not one job") };

    let error = other.disown(record).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(other.adopt(record, job).await.is_err());
    let entry = &entries(&own).await[0];
    assert_eq!(other.submission_record(entry).await.unwrap(), None);
    assert_eq!(states(&own).await, [EntryState::Unknown]);
    own.adopt(record, job).await.unwrap();
}

/// It could be sent a second time then, while the first is under way.
#[tokio::test(start_paused = true)]
async fn a_submission_that_is_being_sent_is_not_disowned() {
    let sandbox = sandbox().await;
    let client = builder(&sandbox).build().unwrap();
    sandbox.set_faults(on_create(Fault::Delay(5.0)));
    let sending = {
        let client = client.clone();
        tokio::spawn(async move { create(&client).send().await })
    };
    while entries(&client).await.is_empty() {
        tokio::time::sleep(SECOND / 10).await;
    }
    let entry = entries(&client).await.remove(0);
    let record = client.submission_record(&entry).await.unwrap().unwrap();
    let error = client.disown(&record).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error}");
    sending.await.unwrap().unwrap();
    assert_eq!(posts(&sandbox), 1);
}

/// Both have the name of the key, and only one of them was accepted.
#[tokio::test(start_paused = true)]
async fn a_lost_preview_is_not_taken_for_the_lost_video_of_the_same_key() {
    let sandbox = sandbox().await;
    let client = builder(&sandbox).build().unwrap();
    let preview = || client.preview(template("Teaser"), variables()).key("sku/1");
    let asynchronous = OperationId::PreviewCustomTemplateJobAsync;
    sandbox.set_faults(
        on_create(Fault::DropBefore).with(Rule::new(Fault::DropAfter).on(asynchronous)),
    );
    assert!(preview().send().await.unwrap_err().is_outcome_unknown());
    assert!(create(&client).send().await.unwrap_err().is_outcome_unknown());
    let error = create(&client).send().await.unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
    assert_eq!(states(&client).await, [EntryState::Unknown; 2]);
}

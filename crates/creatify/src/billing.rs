//! Charges of billable calls: entered in the journal before sending, settled when the job ends.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use backon::{ExponentialBuilder, Retryable as _};
use chrono::{DateTime, Utc};
use tokio::{sync::OnceCell, time::Instant};

use crate::{
    credits::{BillableOperation, Charge, Credits, Mismatch, RateCard},
    error::{ChargeRisk, Error, ErrorKind, RetrySafety},
    job::{Job, JobId},
    journal::{
        Account, Begun, Budget, BudgetState, Change, Changed, Entry, EntryId, EntryState, Filter,
        Journal, JournalError, MACHINE_SKEW, NewEntry, OverBudget, OwnerId, SubmissionRecord,
    },
    settlement::{Settlement, has_ended, settlement},
    sync::lock,
};

/// Number of latest charges that are compared with the rate card. Older ones may be from before a
/// price change.
const CHARGES_COMPARED: usize = 100;
/// Largest number of jobs in one query of the journal.
const JOBS_PER_QUERY: usize = 500;
/// Time to record the outcome of a submission: a database may be away for a moment.
const RECORD_TIMEOUT: Duration = Duration::from_secs(20);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// The journal of one account, and the prices it is charged by.
pub(crate) struct Billing {
    journal: Arc<dyn Journal>,
    account: Account,
    /// Budgets of the client, which are entered in the journal before the first submission.
    budgets: Vec<Budget>,
    budgets_entered: OnceCell<()>,
    rate_card: RateCard,
    owner: OwnerId,
    charges: Mutex<RecentCharges>,
}

#[derive(Default)]
struct RecentCharges {
    latest: Vec<Charge>,
    mismatch_logged: bool,
}

/// An entry that this process is to send. If this is dropped, the entry becomes unknown when its
/// lease expires.
pub(crate) struct PendingCharge {
    entry: Box<Entry>,
    lease: Duration,
    /// Time at which the lease was known to hold, by both clocks: one stands still while the
    /// machine sleeps, the other may be set.
    held_at: Mutex<(Instant, DateTime<Utc>)>,
}

/// The process that sent a render.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Render {
    /// This one, which has decided already whether its job shows an earlier state.
    OfThisProcess,
    OfAnyProcess,
}

/// The start of a submission.
pub(crate) enum Start {
    /// It is to be sent.
    Send(PendingCharge),
    /// The same request was entered before.
    Known(Box<Entry>),
}

impl PendingCharge {
    pub(crate) fn id(&self) -> EntryId {
        self.entry.id
    }

    fn is_held(&self) -> bool {
        let (instant, time) = *lock(&self.held_at);
        let passed = (Utc::now() - time).abs().to_std().unwrap_or(Duration::MAX);
        instant.elapsed().max(passed) < self.lease / 3
    }
}

impl Billing {
    pub(crate) fn new(
        journal: Arc<dyn Journal>,
        account: Account,
        budgets: Vec<Budget>,
        rate_card: RateCard,
    ) -> Self {
        let (budgets_entered, charges) = (OnceCell::new(), Mutex::default());
        let owner = OwnerId::random();
        Self { journal, account, budgets, budgets_entered, rate_card, owner, charges }
    }

    pub(crate) fn journal(&self) -> &Arc<dyn Journal> {
        &self.journal
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    pub(crate) fn owner(&self) -> OwnerId {
        self.owner
    }

    pub(crate) fn own_budgets(&self) -> &[Budget] {
        &self.budgets
    }

    pub(crate) fn rate_card(&self) -> &RateCard {
        &self.rate_card
    }

    /// Enters a call and reserves the most that it may cost. When this fails, nothing may be sent.
    pub(crate) async fn begin(&self, new: NewEntry) -> Result<Start, Error> {
        self.enter_budgets().await?;
        let lease = new.lease;
        let held_at = Mutex::new((Instant::now(), Utc::now()));
        let entry = new.id;
        let begun = self.journal.begin(new).await.map_err(|error| {
            self.withdraw(entry);
            self.unusable(error)
        })?;
        match begun {
            Begun::Started(entry) => Ok(Start::Send(PendingCharge { entry, lease, held_at })),
            Begun::Known(entry) => Ok(Start::Known(entry)),
            Begun::KeyReused(entry) => {
                let message = format!(
                    "the key `{}` was used for a different {} before; nothing was sent",
                    entry.key, entry.operation
                );
                Err(Error::new(ErrorKind::KeyReused, message).of_entry(&entry))
            }
            Begun::OtherRender(entry) => Err(other_render(&entry)),
            Begun::OverBudget(over) => Err(over_budget(over)),
            Begun::EstimateNeeded(state) => Err(estimate_needed(&state)),
        }
    }

    /// Releases an entry that may have been made although the journal reported an error, such as a
    /// lost answer to a commit. It was not sent. Unless this succeeds, it becomes unknown when its
    /// lease expires.
    fn withdraw(&self, entry: EntryId) {
        let journal = self.journal.clone();
        let reason = "the journal failed, so it was not sent".to_owned();
        tokio::spawn(async move {
            let release = || journal.change(entry, Change::Released { reason: reason.clone() });
            let released = release.retry(pauses()).sleep(tokio::time::sleep);
            tokio::time::timeout(RECORD_TIMEOUT, released).await.ok();
        });
    }

    /// Checks what is left of the budgets, without reserving anything.
    pub(crate) async fn check_budgets(&self, new: NewEntry) -> Result<(), Error> {
        self.enter_budgets().await?;
        let budgets = self.budgets().await?;
        match new.within_budgets(budgets) {
            Some(Begun::OverBudget(over)) => Err(over_budget(over)),
            Some(Begun::EstimateNeeded(state)) => Err(estimate_needed(&state)),
            _ => Ok(()),
        }
    }

    async fn enter_budgets(&self) -> Result<(), Error> {
        let enter = async || {
            for budget in &self.budgets {
                let entered = self.journal.ensure_budget(&self.account, budget.clone()).await;
                let there = entered.map_err(|error| self.unusable(error))?.budget;
                if (there.period, &there.label) != (budget.period, &budget.label) {
                    return Err(Error::invalid(format!(
                        "the budget `{}` of the journal has another period or label",
                        budget.name
                    )));
                }
            }
            Ok(())
        };
        self.budgets_entered.get_or_try_init(enter).await.copied()
    }

    /// Reads the budgets of the account.
    pub(crate) async fn budgets(&self) -> Result<Vec<BudgetState>, Error> {
        self.journal.budgets(&self.account).await.map_err(|error| self.unusable(error))
    }

    /// Creates or changes a budget of the account.
    pub(crate) async fn set_budget(&self, budget: Budget) -> Result<BudgetState, Error> {
        self.journal.set_budget(&self.account, budget).await.map_err(|error| self.unusable(error))
    }

    /// Reads entries of the account.
    pub(crate) async fn entries(&self, filter: Filter) -> Result<Vec<Entry>, Error> {
        self.journal.entries(&self.account, filter).await.map_err(|error| self.unusable(error))
    }

    /// Reads an entry of the account and its request.
    pub(crate) async fn find(
        &self,
        entry: EntryId,
    ) -> Result<Option<(Entry, Option<SubmissionRecord>)>, Error> {
        let found = self.journal.find(entry).await.map_err(|error| self.unusable(error))?;
        Ok(found.filter(|(entry, _)| entry.account == self.account))
    }

    async fn known(&self, entry: EntryId) -> Result<Entry, Error> {
        let found = self.find(entry).await?.map(|(entry, _)| entry);
        found.ok_or_else(|| Error::invalid("the journal has no such submission of this account"))
    }

    /// Renews the lease until this is dropped, or another process has taken the entry for dead.
    pub(crate) async fn keep_lease(&self, pending: &PendingCharge) {
        loop {
            tokio::time::sleep(pending.lease / 3).await;
            match self.renew(pending).await {
                Ok(true) | Err(_) => {} // the next renewal may succeed
                Ok(false) => return std::future::pending().await,
            }
        }
    }

    /// Confirms that nobody else has taken the entry for dead, just before it is sent.
    pub(crate) async fn confirm_lease(&self, pending: &PendingCharge) -> Result<(), String> {
        if pending.is_held() {
            return Ok(());
        }
        match self.renew(pending).await {
            Ok(true) => Ok(()),
            Ok(false) => Err("the journal has given the submission to another process".to_owned()),
            Err(error) => Err(format!("the journal cannot be read: {error}")),
        }
    }

    async fn renew(&self, pending: &PendingCharge) -> Result<bool, JournalError> {
        let now = (Instant::now(), Utc::now());
        let lease = self.journal.renew(pending.id(), self.owner, pending.lease).await?;
        if lease.is_some() {
            *lock(&pending.held_at) = now;
        }
        Ok(lease.is_some())
    }

    /// Records that the service accepted a call. It stays reserved until the job ends.
    pub(crate) async fn accepted(&self, pending: PendingCharge, job: JobId) {
        let operation = pending.entry.operation;
        self.record(pending.id(), Change::Submitted { job }, Some(job)).await;
        if operation == BillableOperation::Render {
            // An earlier render of the job no longer shows its own charge.
            let filter = Filter::default().states([EntryState::Submitted]).jobs([job]);
            let earlier = self.journal.entries(&self.account, filter).await.unwrap_or_default();
            let is_earlier =
                |entry: &Entry| entry.operation == operation && entry.id != pending.id();
            for entry in earlier.into_iter().filter(is_earlier) {
                self.record(entry.id, Change::Superseded, Some(job)).await;
            }
        }
    }

    /// Records that a call was certainly not processed.
    pub(crate) async fn released(&self, pending: PendingCharge, reason: String) {
        self.record(pending.id(), Change::Released { reason }, pending.entry.job_id).await;
    }

    /// Records that the outcome of a call is unknown. It stays reserved.
    pub(crate) async fn unknown(&self, entry: EntryId, reason: String, record: SubmissionRecord) {
        let job = record.job_id;
        self.record(entry, Change::Unknown { reason, record: Some(Box::new(record)) }, job).await;
    }

    /// Assigns a job to a call of unknown outcome.
    pub(crate) async fn adopt(&self, entry: EntryId, job: JobId) -> Result<(), Error> {
        let known = self.known(entry).await?;
        if known.operation == BillableOperation::Render && known.job_id != Some(job) {
            return Err(Error::invalid("the submission is of another job").of_entry(&known));
        }
        self.decide(entry, Change::Submitted { job }, |entry| entry.job_id == Some(job)).await
    }

    /// Records that a call of unknown outcome was not accepted.
    pub(crate) async fn disown(&self, entry: EntryId) -> Result<(), Error> {
        let known = self.known(entry).await?;
        if known.state == EntryState::Sending {
            return Err(Error::invalid("the submission is being sent").of_entry(&known));
        }
        let reason = "declared not accepted".to_owned();
        let is_released = |entry: &Entry| entry.state == EntryState::Released;
        self.decide(entry, Change::Released { reason }, is_released).await
    }

    /// Makes a change that a person or program decided on.
    async fn decide(
        &self,
        entry: EntryId,
        change: Change,
        is_made: impl Fn(&Entry) -> bool,
    ) -> Result<(), Error> {
        let changed = self.journal.change(entry, change).await;
        match changed.map_err(|error| self.unusable(error))? {
            Changed::Unchanged(entry) if !is_made(&entry) => {
                let message = format!("the submission is {} in the journal", entry.state);
                Err(Error::invalid(message).of_entry(&entry))
            }
            Changed::Missing => Err(Error::invalid("the journal has no such submission")),
            _ => Ok(()),
        }
    }

    /// Settles the open charges of jobs that have ended. Returns the renders of other processes
    /// whose jobs may still show their states from before; `is_known` tells those that this process
    /// has decided on.
    pub(crate) async fn record_ended(
        &self,
        jobs: &[&Job],
        is_known: impl Fn(JobId, EntryId) -> bool,
    ) -> Vec<(Entry, SubmissionRecord)> {
        let ended: Vec<_> = jobs.iter().copied().filter(|job| has_ended(job)).collect();
        let mut renders = Vec::new();
        for jobs in ended.chunks(JOBS_PER_QUERY) {
            let ids: Vec<_> = jobs.iter().map(|job| job.id()).collect();
            let filter = Filter::default().states([EntryState::Submitted]).jobs(ids);
            match self.journal.entries(&self.account, filter).await {
                Ok(entries) => {
                    for entry in entries {
                        let job = jobs.iter().find(|job| Some(job.id()) == entry.job_id);
                        if let Some(job) = job {
                            let render = match is_known(job.id(), entry.id) {
                                true => Render::OfThisProcess,
                                false => Render::OfAnyProcess,
                            };
                            renders.extend(self.settle(entry, job, render).await);
                        }
                    }
                }
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(error, "the journal cannot be read, so charges are not settled");
                }
            }
        }
        renders
    }

    /// Settles an entry with its job, unless the job may still show its state from before a render:
    /// then it returns the entry and that state.
    async fn settle(
        &self,
        entry: Entry,
        job: &Job,
        render: Render,
    ) -> Option<(Entry, SubmissionRecord)> {
        let (end, charged) = match settlement(job, entry.operation) {
            Settlement::Open => return None,
            Settlement::Ended { end, charged } => (end, charged),
        };
        if entry.operation == BillableOperation::Render {
            let Ok(found) = self.journal.find(entry.id).await else { return None }; // read again
            if let Some(record) = found.and_then(|(_, record)| record)
                && let Some(before) = &record.before
            {
                // The grace counts from here, unless the render is older than clocks can differ.
                let is_recent = (Utc::now() - entry.updated_at) < MACHINE_SKEW;
                if render == Render::OfAnyProcess && is_recent && before.is_shown_by(job) {
                    return Some((entry, record));
                }
                // Unchanged, and less than this call can cost: the charge of the earlier call.
                let least = entry.estimate.map(|estimate| estimate.min);
                let is_charged = charged > Credits::ZERO;
                let is_earlier = before.charged == Some(charged);
                if is_charged && is_earlier && least.is_some_and(|least| charged < least) {
                    return None;
                }
            }
        }
        let duration = job.duration();
        let change = Change::Settled { end, charged, duration };
        if let Err(error) = self.journal.change(entry.id, change).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, job = %job.id(), "the charge is settled when it is read again");
            return None;
        }
        let settled = Entry {
            state: EntryState::Settled,
            end: Some(end),
            charged: Some(charged),
            seconds: duration.map(Into::into),
            ..entry
        };
        settled.charge().into_iter().for_each(|charge| self.compare(charge));
        None
    }

    fn compare(&self, charge: Charge) {
        let mut charges = lock(&self.charges);
        charges.latest.push(charge);
        let excess = charges.latest.len().saturating_sub(CHARGES_COMPARED);
        charges.latest.drain(..excess);
        if !charges.mismatch_logged
            && let Some(mismatch) =
                Mismatch::find(&self.rate_card, RateCard::known(), &charges.latest)
        {
            charges.mismatch_logged = true;
            tracing::warn!("{mismatch}; choose a card with ClientBuilder::rate_card");
        }
    }

    /// Returns the mismatch of recent charges with the rate card, if there is one.
    pub(crate) fn mismatch(&self) -> Option<Mismatch> {
        Mismatch::find(&self.rate_card, RateCard::known(), &lock(&self.charges).latest)
    }

    /// Records the outcome of a submission. If that fails for a while, it is logged as an error, so
    /// that a paid job is not lost.
    async fn record(&self, entry: EntryId, change: Change, job: Option<JobId>) {
        let write = || self.journal.change(entry, change.clone());
        let written = write.retry(pauses()).sleep(tokio::time::sleep).notify(|error, pause| {
            let error: &dyn std::error::Error = error;
            tracing::warn!(error, ?job, ?pause, "the journal cannot be written; trying again");
        });
        match tokio::time::timeout(RECORD_TIMEOUT, written).await {
            Ok(Ok(Changed::Applied(_))) => {}
            Ok(Ok(Changed::Unchanged(known))) if matches!(change, Change::Submitted { job } if known.job_id != Some(job)) =>
            {
                let (known, state) = (known.job_id, known.state);
                tracing::error!(%entry, ?job, ?known, %state, "the journal has another job");
            }
            Ok(Ok(Changed::Unchanged(known))) => {
                tracing::debug!(%entry, state = %known.state, ?change, "not changed");
            }
            Ok(Ok(Changed::Missing)) => {
                tracing::error!(%entry, ?job, ?change, "the journal has lost an entry");
            }
            Ok(Err(_)) | Err(_) => {
                let place = self.journal.location();
                tracing::error!(%entry, ?job, ?change, place, "the journal was not written");
            }
        }
    }

    fn unusable(&self, error: JournalError) -> Error {
        let message = format!("the journal ({}) cannot be used", self.journal.location());
        Error::new(ErrorKind::Journal, message).because(error)
    }
}

/// Returns the pauses between attempts to write to the journal.
fn pauses() -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(MAX_PAUSE)
        .without_max_times()
}

fn over_budget(over: Box<OverBudget>) -> Error {
    let message = format!("{over}; nothing was sent");
    Error::new(ErrorKind::OverBudget(over), message)
}

fn estimate_needed(state: &BudgetState) -> Error {
    Error::invalid(format!(
        "the budget `{}` is set, so the most that the submission may cost must be known; it needs \
         an expected duration and a model with a price",
        state.budget.name
    ))
}

fn other_render(entry: &Entry) -> Error {
    let key = &entry.key;
    let (kind, message, risk) = match entry.state {
        EntryState::Settled => (
            ErrorKind::AlreadyRendered,
            format!("the job was rendered before, with the key `{key}`"),
            ChargeRisk::Charged,
        ),
        EntryState::Unknown => (
            ErrorKind::AlreadyRunning,
            format!(
                "a render of this job was sent before, with the key `{key}`, and its outcome is \
                 unknown"
            ),
            ChargeRisk::Unknown,
        ),
        _ => (
            ErrorKind::AlreadyRunning,
            format!("a render of this job, with the key `{key}`, has not ended"),
            ChargeRisk::Charged,
        ),
    };
    let message = format!("{message}; nothing was sent");
    let error = Error::new(kind, message).charged(risk).with_retry_safety(RetrySafety::Futile);
    error.of_entry(entry)
}

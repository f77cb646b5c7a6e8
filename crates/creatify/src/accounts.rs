//! What did this client pay for? Joins budget and ledger: set aside before sending, settle when the job ends.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use creatify_api::ModelVersion;

use crate::{
    credits::{
        Budget, Charge, DurationRange, Estimate, Ledger, Mismatch, Operation, RateCard,
        Reservation,
        ledger::{Entry, State},
    },
    error::{Error, ErrorKind},
    job::{Goal, Job, JobId, Standing, TemplateId},
};

/// More recent charges say more of today's prices.
const CHARGES_COMPARED: usize = 100;

pub(crate) struct Accounts {
    budget: Option<Budget>,
    ledger: Ledger,
    rate_card: RateCard,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    /// Calls that were accepted and whose jobs have not ended.
    open: HashMap<(JobId, Operation), Open>,
    /// Calls of unknown outcome, by their entries.
    unknown: HashMap<String, Open>,
    /// How long the ledger's file was when it was last read.
    loaded: Option<u64>,
    /// How long videos of each template were.
    durations: HashMap<TemplateId, DurationRange>,
    charges: Vec<Charge>,
    mismatch_told: bool,
}

/// A call that was entered and set aside for. Dropped, it stays so: nobody knows what became of it.
pub(crate) struct Open {
    entry: Entry,
    reservation: Option<Reservation>,
}

impl Accounts {
    pub(crate) fn new(budget: Option<Budget>, ledger: Ledger, rate_card: RateCard) -> Self {
        Self { budget, ledger, rate_card, books: Mutex::default() }
    }

    /// Sets aside the most that the call may cost, and enters it. Refuses if either cannot be done; then nothing may be sent.
    pub(crate) fn begin(
        &self,
        operation: Operation,
        model_version: &ModelVersion,
        seconds: Option<DurationRange>,
        estimate: Option<&Estimate>,
        complete: impl FnOnce(&mut Entry),
    ) -> Result<Open, Error> {
        let reservation = match (&self.budget, estimate) {
            (None, _) => None,
            (Some(budget), Some(estimate)) => {
                Some(budget.reserve(estimate.credits.max).map_err(|over| {
                    Error::new(ErrorKind::OverBudget(over), format!("{over}; nothing was sent"))
                })?)
            }
            (Some(_), None) => {
                return Err(Error::invalid(
                    "the budget cannot be held without the expected duration of the video",
                ));
            }
        };
        let mut entry =
            Entry::reserved(operation, model_version.clone(), self.rate_card.shared_name());
        entry.seconds = seconds;
        entry.estimate = estimate.map(|estimate| estimate.credits);
        complete(&mut entry);
        match self.ledger.write(&entry) {
            Ok(()) => Ok(Open { entry, reservation }),
            Err(error) => {
                reservation.into_iter().for_each(Reservation::release);
                Err(Error::new(
                    ErrorKind::Ledger,
                    "the ledger cannot be written, so nothing was sent",
                )
                .because(error))
            }
        }
    }

    pub(crate) fn entry_id(open: &Open) -> &str {
        &open.entry.entry
    }

    /// The service accepted it. It stays set aside until the job ends.
    pub(crate) fn accepted(&self, mut open: Open, job: JobId) {
        open.entry.job_id = Some(job);
        self.write(&open.entry);
        self.books().open.insert((job, open.entry.operation), open);
    }

    /// It was certainly not accepted.
    pub(crate) fn released(&self, mut open: Open) {
        open.entry.state = State::Released;
        self.write(&open.entry);
        open.reservation.into_iter().for_each(Reservation::release);
    }

    /// Nobody knows. It stays set aside.
    pub(crate) fn unknown(&self, mut open: Open) {
        open.entry.state = State::Unknown;
        self.write(&open.entry);
        self.books().unknown.insert(open.entry.entry.clone(), open);
    }

    /// A job turned out to be that of a call of unknown outcome.
    pub(crate) fn adopt(&self, entry: &str, job: JobId) {
        if let Some(mut open) = self.take_unknown(entry) {
            open.entry.state = State::Reserved;
            self.accepted(open, job);
        }
    }

    /// A call of unknown outcome turned out not to have been accepted.
    pub(crate) fn disown(&self, entry: &str) {
        if let Some(open) = self.take_unknown(entry) {
            self.released(open);
        }
    }

    /// The jobs that are known to be those of other calls; none if the ledger cannot be read.
    pub(crate) fn jobs_of_others(&self, entry: &str) -> HashSet<JobId> {
        let entries = self.ledger.read().map(|contents| contents.entries).unwrap_or_default();
        entries
            .into_iter()
            .filter(|other| other.entry != entry)
            .filter_map(|other| other.job_id)
            .collect()
    }

    /// Of this process, or of another that wrote to the same ledger.
    fn take_unknown(&self, entry: &str) -> Option<Open> {
        if let Some(open) = self.books().unknown.remove(entry) {
            return Some(open);
        }
        let contents = self.ledger.read().ok()?;
        let is_it = |known: &Entry| known.entry == entry && known.state == State::Unknown;
        contents.entries.into_iter().find(is_it).map(|entry| Open { entry, reservation: None })
    }

    /// Settles what a look at a job shows to have ended.
    pub(crate) fn saw(&self, job: &Job) {
        for operation in [Operation::Preview, Operation::Create, Operation::Render] {
            if has_ended(job, operation)
                && let Some(charged) = job.credits_used()
                && let Some(mut open) = self.take_open(job.id(), operation)
            {
                open.entry.state = State::Charged;
                open.entry.charged = Some(charged);
                if let Some(duration) = job.duration() {
                    open.entry.seconds = Some(duration.into());
                    if let Some(template) = open.entry.template_id {
                        self.learn(template, duration);
                    }
                }
                self.write(&open.entry);
                if let Some(reservation) = open.reservation {
                    reservation.settle(charged);
                }
                // What a failed job is charged says nothing of prices.
                if let (Some(duration), false) = (job.duration(), failed(job)) {
                    self.compare(Charge::new(
                        operation,
                        open.entry.model_version,
                        duration,
                        charged,
                    ));
                }
            }
        }
    }

    fn learn(&self, template: TemplateId, duration: Duration) {
        let mut books = self.books();
        let known = books.durations.entry(template).or_insert_with(|| duration.into());
        *known = (known.min().min(duration)..=known.max().max(duration)).into();
    }

    /// How long earlier videos of a template were, in this process.
    pub(crate) fn durations_of(&self, template: TemplateId) -> Option<DurationRange> {
        self.books().durations.get(&template).copied()
    }

    /// The entry that waits for this job: of this process, or of another that wrote to the same ledger.
    fn take_open(&self, job: JobId, operation: Operation) -> Option<Open> {
        let key = (job, operation);
        let found = self.books().open.remove(&key);
        if found.is_some() || self.books().loaded == self.ledger.file_length() {
            return found;
        }
        self.load();
        self.books().open.remove(&key)
    }

    /// Takes over what waits in a shared ledger. Not again before the file has changed: lists show many jobs that are none of ours.
    fn load(&self) {
        let length = self.ledger.file_length();
        let entries = match self.ledger.read() {
            Ok(contents) => contents.entries,
            Err(error) => {
                tracing::warn!(%error, "charges of other processes cannot be entered");
                Vec::new()
            }
        };
        let mut books = self.books();
        books.loaded = length;
        for entry in entries.into_iter().filter(|entry| entry.state == State::Reserved) {
            if let Some(job) = entry.job_id {
                let key = (job, entry.operation);
                books.open.entry(key).or_insert(Open { entry, reservation: None });
            }
        }
    }

    fn compare(&self, charge: Charge) {
        let mut books = self.books();
        books.charges.push(charge);
        let excess = books.charges.len().saturating_sub(CHARGES_COMPARED);
        books.charges.drain(..excess);
        if !books.mismatch_told
            && let Some(mismatch) =
                Mismatch::find(&self.rate_card, RateCard::known(), &books.charges)
        {
            books.mismatch_told = true;
            tracing::warn!("{mismatch}; choose a card with ClientBuilder::rate_card");
        }
    }

    /// Whether recent charges contradict the rate card.
    pub(crate) fn mismatch(&self) -> Option<Mismatch> {
        Mismatch::find(&self.rate_card, RateCard::known(), &self.books().charges)
    }

    pub(crate) fn budget(&self) -> Option<&Budget> {
        self.budget.as_ref()
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// For what has happened already, an entry that cannot be written must not lose the job: it is told and goes on.
    fn write(&self, entry: &Entry) {
        if let Err(error) = self.ledger.write(entry) {
            tracing::error!(%error, entry = entry.entry, job = ?entry.job_id, state = ?entry.state, "a ledger entry was lost");
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner) // its changes are whole or not made
    }
}

fn failed(job: &Job) -> bool {
    matches!(job.standing(Goal::Video), Standing::Failed | Standing::Rejected)
}

fn has_ended(job: &Job, operation: Operation) -> bool {
    let goal = match operation {
        Operation::Preview => Goal::Preview,
        Operation::Create | Operation::Render => Goal::Video,
    };
    matches!(job.standing(goal), Standing::Reached | Standing::Failed | Standing::Rejected)
}

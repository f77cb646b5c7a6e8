//! Charges of this client's billable calls: reserved in the budget and entered in the ledger before
//! sending, settled when the job ends.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard},
};

use chrono::{TimeDelta, Utc};
use creatify_api::ModelVersion;

use crate::{
    credits::{
        BillableOperation, Budget, Charge, Credits, DurationRange, Estimate, Ledger, Mismatch,
        RateCard, Reservation,
        ledger::{Entry, EntryState},
    },
    error::{Error, ErrorKind},
    job::{Goal, GoalStatus, Job, JobId},
    sync::lock,
};

/// Number of recent charges that are compared with the rate card: they say more of today's prices.
const CHARGES_COMPARED: usize = 100;
/// A render of another process is not taken for failed before this: the job may still show how it
/// had ended before.
const LEFT_OVER_GRACE: TimeDelta = TimeDelta::seconds(120);

pub(crate) struct Billing {
    budget: Option<Budget>,
    ledger: Ledger,
    rate_card: RateCard,
    state: Mutex<BillingState>,
}

#[derive(Default)]
struct BillingState {
    /// Accepted calls whose jobs have not ended.
    accepted: HashMap<(JobId, BillableOperation), PendingCharge>,
    /// Calls of unknown outcome, by the ids of their entries.
    unknown: HashMap<String, PendingCharge>,
    /// Length of the ledger's file when it was last read.
    loaded: Option<u64>,
    charges: Vec<Charge>,
    mismatch_told: bool,
}

/// An entered and reserved call. Dropped, it stays reserved: nobody knows what became of it.
pub(crate) struct PendingCharge {
    entry: Entry,
    reservation: Option<Reservation>,
    owner: Owner,
}

/// The process that made a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    ThisProcess,
    Another,
}

impl PendingCharge {
    fn of_another(entry: Entry) -> Self {
        Self { entry, reservation: None, owner: Owner::Another }
    }
}

impl Billing {
    pub(crate) fn new(budget: Option<Budget>, ledger: Ledger, rate_card: RateCard) -> Self {
        Self { budget, ledger, rate_card, state: Mutex::default() }
    }

    /// Reserves the most that a call may cost, and enters it. When this fails, nothing may be sent.
    pub(crate) fn begin(
        &self,
        operation: BillableOperation,
        model_version: &ModelVersion,
        seconds: Option<DurationRange>,
        estimate: Option<&Estimate>,
        complete: impl FnOnce(&mut Entry),
    ) -> Result<PendingCharge, Error> {
        let reservation = match (&self.budget, estimate) {
            (None, _) => None,
            (Some(budget), Some(estimate)) => {
                Some(budget.reserve(estimate.credits.max).map_err(|over| {
                    Error::new(ErrorKind::OverBudget(over), format!("{over}; nothing was sent"))
                })?)
            }
            (Some(_), None) => {
                let missing = match seconds {
                    None => "the expected duration of the video",
                    Some(_) => "a price of this model in the rate card",
                };
                return Err(Error::invalid(format!("the budget cannot be held without {missing}")));
            }
        };
        let mut entry =
            Entry::reserved(operation, model_version.clone(), self.rate_card.shared_name());
        entry.seconds = seconds;
        entry.estimate = estimate.map(|estimate| estimate.credits);
        complete(&mut entry);
        match self.ledger.write(&entry) {
            Ok(()) => Ok(PendingCharge { entry, reservation, owner: Owner::ThisProcess }),
            Err(error) => {
                reservation.into_iter().for_each(Reservation::release);
                let message = "the ledger cannot be written, so nothing was sent";
                Err(Error::new(ErrorKind::Ledger, message).because(error))
            }
        }
    }

    pub(crate) fn entry_id(pending: &PendingCharge) -> &str {
        &pending.entry.id
    }

    /// Notes that the service accepted a call. It stays reserved until the job ends.
    pub(crate) fn accepted(&self, mut pending: PendingCharge, job: JobId) {
        pending.entry.job_id = Some(job);
        self.write(&pending.entry);
        self.state().accepted.insert((job, pending.entry.operation), pending);
    }

    /// Notes that a call was certainly not accepted.
    pub(crate) fn released(&self, mut pending: PendingCharge) {
        pending.entry.state = EntryState::Released;
        self.write(&pending.entry);
        pending.reservation.into_iter().for_each(Reservation::release);
    }

    /// Notes that the outcome of a call is unknown. It stays reserved.
    pub(crate) fn unknown(&self, mut pending: PendingCharge) {
        pending.entry.state = EntryState::Unknown;
        self.write(&pending.entry);
        self.state().unknown.insert(pending.entry.id.clone(), pending);
    }

    /// Takes a job for that of a call of unknown outcome.
    pub(crate) fn adopt(&self, entry: &str, job: JobId) {
        if let Some(mut pending) = self.take_unknown(entry) {
            pending.entry.state = EntryState::Reserved;
            self.accepted(pending, job);
        }
    }

    /// Takes a call of unknown outcome for not accepted.
    pub(crate) fn disown(&self, entry: &str) {
        if let Some(pending) = self.take_unknown(entry) {
            self.released(pending);
        }
    }

    /// Returns the jobs that are known to be those of other calls; none if the ledger cannot be
    /// read.
    pub(crate) fn jobs_of_others(&self, entry: &str) -> HashSet<JobId> {
        let entries = self.ledger.read().map(|contents| contents.entries).unwrap_or_default();
        entries
            .into_iter()
            .filter(|other| other.id != entry)
            .filter_map(|other| other.job_id)
            .collect()
    }

    /// Returns the state of a render of this job that has not ended, by this client's record.
    pub(crate) fn open_render(&self, job: JobId) -> Option<EntryState> {
        let is_it = |entry: &Entry| {
            entry.job_id == Some(job)
                && entry.operation == BillableOperation::Render
                && matches!(entry.state, EntryState::Reserved | EntryState::Unknown)
        };
        let entries = self.ledger.read().map(|contents| contents.entries).unwrap_or_default();
        entries.into_iter().find(is_it).map(|entry| entry.state)
    }

    /// Takes a call of this process, or of another that wrote to the same ledger.
    fn take_unknown(&self, entry: &str) -> Option<PendingCharge> {
        if let Some(pending) = self.state().unknown.remove(entry) {
            return Some(pending);
        }
        let contents = self.ledger.read().ok()?;
        let is_it = |known: &Entry| known.id == entry && known.state == EntryState::Unknown;
        let entry = contents.entries.into_iter().find(is_it)?;
        Some(PendingCharge::of_another(entry))
    }

    /// Settles the calls that a job shows to have ended.
    pub(crate) fn record_status(&self, job: &Job) {
        if !self.may_wait_for(job.id()) {
            return;
        }
        for operation in
            [BillableOperation::Preview, BillableOperation::Create, BillableOperation::Render]
        {
            match settlement(job, operation) {
                Settlement::Open => {}
                Settlement::Charged(charged) => {
                    if let Some(pending) = self.take_accepted(job, operation) {
                        self.charge(pending, job, charged);
                    }
                }
                Settlement::NotCharged => {
                    if let Some(pending) = self.take_accepted(job, operation) {
                        self.released(pending);
                    }
                }
            }
        }
    }

    /// Returns whether a call may wait for this job, which is seldom so: lists show many jobs.
    fn may_wait_for(&self, job: JobId) -> bool {
        let state = self.state();
        state.loaded != self.ledger.file_length()
            || [BillableOperation::Preview, BillableOperation::Create, BillableOperation::Render]
                .iter()
                .any(|operation| state.accepted.contains_key(&(job, *operation)))
    }

    fn charge(&self, mut pending: PendingCharge, job: &Job, charged: Credits) {
        pending.entry.state = EntryState::Charged;
        pending.entry.charged = Some(charged);
        if let Some(duration) = job.duration() {
            pending.entry.seconds = Some(duration.into());
        }
        self.write(&pending.entry);
        if let Some(reservation) = pending.reservation {
            reservation.settle(charged);
        }
        // The charge of a failed job says nothing about prices.
        if let (Some(duration), false) = (job.duration(), has_failed(job)) {
            let Entry { operation, model_version, .. } = pending.entry;
            self.compare(Charge::new(operation, model_version, duration, charged));
        }
    }

    /// Takes the call that waits for this job: of this process, or of another that wrote to the
    /// same ledger.
    fn take_accepted(&self, job: &Job, operation: BillableOperation) -> Option<PendingCharge> {
        let key = (job.id(), operation);
        let found = self.state().accepted.remove(&key);
        let found = match found {
            Some(found) => Some(found),
            None if self.state().loaded == self.ledger.file_length() => None,
            None => {
                self.load();
                self.state().accepted.remove(&key)
            }
        }?;
        let may_be_left_over = found.owner == Owner::Another
            && operation == BillableOperation::Render
            && has_failed(job)
            && Utc::now() - found.entry.time < LEFT_OVER_GRACE;
        if may_be_left_over {
            self.state().accepted.insert(key, found);
            return None;
        }
        Some(found)
    }

    /// Takes over the open calls of a shared ledger, unless its file has not changed: lists show
    /// many jobs of others.
    fn load(&self) {
        let length = self.ledger.file_length();
        let entries = match self.ledger.read() {
            Ok(contents) => contents.entries,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "charges of other processes cannot be entered");
                Vec::new()
            }
        };
        let mut state = self.state();
        state.loaded = length;
        for entry in entries.into_iter().filter(|entry| entry.state == EntryState::Reserved) {
            if let Some(job) = entry.job_id {
                let key = (job, entry.operation);
                state.accepted.entry(key).or_insert(PendingCharge::of_another(entry));
            }
        }
    }

    fn compare(&self, charge: Charge) {
        let mut state = self.state();
        state.charges.push(charge);
        let excess = state.charges.len().saturating_sub(CHARGES_COMPARED);
        state.charges.drain(..excess);
        if !state.mismatch_told
            && let Some(mismatch) =
                Mismatch::find(&self.rate_card, RateCard::known(), &state.charges)
        {
            state.mismatch_told = true;
            tracing::warn!("{mismatch}; choose a card with ClientBuilder::rate_card");
        }
    }

    /// Returns the mismatch of recent charges with the rate card, if there is one.
    pub(crate) fn mismatch(&self) -> Option<Mismatch> {
        Mismatch::find(&self.rate_card, RateCard::known(), &self.state().charges)
    }

    pub(crate) fn budget(&self) -> Option<&Budget> {
        self.budget.as_ref()
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn rate_card(&self) -> &RateCard {
        &self.rate_card
    }

    /// Writes an entry for what has happened already. A failure must not lose the job: it is logged
    /// with all that is known.
    fn write(&self, entry: &Entry) {
        if let Err(error) = self.ledger.write(entry) {
            tracing::error!(
                error = &error as &dyn std::error::Error, entry = entry.id, job = ?entry.job_id, state = ?entry.state,
                "a ledger entry was lost"
            );
        }
    }

    fn state(&self) -> MutexGuard<'_, BillingState> {
        lock(&self.state)
    }
}

/// The effect of a job's present status on a billable call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settlement {
    /// Not ended, or its charge is not known yet.
    Open,
    Charged(Credits),
    NotCharged,
}

/// Decides what a job's status says about one of its calls. `credits_used` is what the last
/// billable call on the job was charged; 0 or less on a finished job is not a price but a charge
/// that the service has not entered yet.
fn settlement(job: &Job, operation: BillableOperation) -> Settlement {
    let goal = match operation {
        // A job with a video tells what the render was charged, not the preview.
        BillableOperation::Preview if job.video_url().is_some() => return Settlement::Open,
        BillableOperation::Preview => Goal::Preview,
        BillableOperation::Create | BillableOperation::Render => Goal::Video,
    };
    let charged = job.credits_used().filter(|charged| *charged > Credits::ZERO);
    match (job.goal_status(goal), charged) {
        (GoalStatus::Reached | GoalStatus::Failed | GoalStatus::Rejected, Some(charged)) => {
            Settlement::Charged(charged)
        }
        (GoalStatus::Failed | GoalStatus::Rejected, None) => Settlement::NotCharged,
        _ => Settlement::Open,
    }
}

fn has_failed(job: &Job) -> bool {
    matches!(job.goal_status(Goal::Video), GoalStatus::Failed | GoalStatus::Rejected)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn job(fields: Value) -> Job {
        let mut job = json!({ "id": uuid::Uuid::nil(), "status": "done", "preview": "https://p" });
        job.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(job).unwrap()
    }

    #[test]
    fn a_charge_of_zero_on_a_finished_job_settles_nothing() {
        for credits in [json!(0), json!(-1), Value::Null] {
            let job = job(json!({ "credits_used": credits }));
            assert_eq!(settlement(&job, BillableOperation::Preview), Settlement::Open);
        }
        let job = job(json!({ "credits_used": 1 }));
        let charged = Settlement::Charged(1.into());
        assert_eq!(settlement(&job, BillableOperation::Preview), charged);
        assert_eq!(settlement(&job, BillableOperation::Render), Settlement::Open);
    }

    #[test]
    fn a_failed_job_without_a_charge_is_not_charged() {
        for status in ["failed", "rejected"] {
            let free = job(json!({ "status": status, "credits_used": 0 }));
            assert_eq!(settlement(&free, BillableOperation::Create), Settlement::NotCharged);
            let charged = job(json!({ "status": status, "credits_used": 2 }));
            assert_eq!(
                settlement(&charged, BillableOperation::Create),
                Settlement::Charged(2.into())
            );
        }
    }

    #[test]
    fn a_preview_is_not_settled_with_the_charge_of_its_render() {
        let rendered = job(json!({ "video_output": "https://v", "credits_used": 4 }));
        assert_eq!(settlement(&rendered, BillableOperation::Preview), Settlement::Open);
        assert_eq!(settlement(&rendered, BillableOperation::Render), Settlement::Charged(4.into()));
    }
}

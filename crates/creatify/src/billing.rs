//! Charges of this client's billable calls: reserved in the budget and entered in the ledger before
//! sending, settled when the job ends.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard},
};

use chrono::{TimeDelta, Utc};
use creatify_api::{JobStatus, ModelVersion};

use crate::{
    credits::{
        BillableOperation, Budget, Charge, Credits, DurationRange, Estimate, Ledger, Mismatch,
        RateCard, Reservation,
        ledger::{Entry, EntryState},
    },
    error::{ChargeRisk, Error, ErrorKind},
    job::{Goal, GoalStatus, Job, JobId},
    sync::lock,
};

/// Number of latest charges that are compared with the rate card. Older ones may be from before a
/// price change.
const CHARGES_COMPARED: usize = 100;
/// Time for which a failure is not taken for that of a render of another process: the job may still
/// show how it ended before the render.
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
    mismatch_logged: bool,
}

/// A call that is reserved in the budget and entered in the ledger. If this is dropped, the call
/// stays reserved, since its outcome is not known.
pub(crate) struct PendingCharge {
    entry: Entry,
    reservation: Option<Reservation>,
    owner: Owner,
    /// Charge that the job showed before it was rendered.
    charged_before: Option<Credits>,
}

/// Treatment of a render that is under way, or done already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExistingRender {
    Refuses,
    Ignored,
}

/// The process that made a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    ThisProcess,
    Another,
}

impl PendingCharge {
    /// Sets the charge that the job shows before it is rendered.
    pub(crate) fn charged_before(mut self, charged: Option<Credits>) -> Self {
        self.charged_before = charged;
        self
    }

    /// Returns whether a charge is still that of the earlier call: it has not changed, and is less
    /// than this call can cost.
    fn shows_earlier_charge(&self, charged: Credits) -> bool {
        self.charged_before == Some(charged)
            && self.entry.estimate.is_some_and(|estimate| charged < estimate.min)
    }

    fn of_another(entry: Entry) -> Self {
        Self { entry, reservation: None, owner: Owner::Another, charged_before: None }
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
        existing: ExistingRender,
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
                return Err(Error::invalid(match seconds {
                    None => "a budget is set, so the expected duration of the video is needed",
                    Some(_) => "a budget is set, but the rate card has no price of this model",
                }));
            }
        };
        let mut entry =
            Entry::reserved(operation, model_version.clone(), self.rate_card.shared_name());
        entry.seconds = seconds;
        entry.estimate = estimate.map(|estimate| estimate.credits);
        complete(&mut entry);
        let open_render = |entries: &[Entry]| match (existing, entry.job_id) {
            (ExistingRender::Refuses, Some(job)) => {
                entries.iter().find(|known| is_open_render(known, job)).map(|known| known.state)
            }
            _ => None,
        };
        let refused = match self.ledger.write_unless(&entry, open_render) {
            Ok(None) => {
                return Ok(PendingCharge {
                    entry,
                    reservation,
                    owner: Owner::ThisProcess,
                    charged_before: None,
                });
            }
            Ok(Some(state)) => already_open(state),
            Err(error) => {
                let message = "the ledger cannot be written, so nothing was sent";
                Error::new(ErrorKind::Ledger, message).because(error)
            }
        };
        reservation.into_iter().for_each(Reservation::release);
        Err(refused)
    }

    pub(crate) fn entry_id(pending: &PendingCharge) -> &str {
        &pending.entry.id
    }

    /// Notes that the service accepted a call. It stays reserved until the job ends.
    pub(crate) fn accepted(&self, mut pending: PendingCharge, job: JobId) {
        pending.entry.job_id = Some(job);
        self.write(&pending.entry);
        let earlier = self.state().accepted.insert((job, pending.entry.operation), pending);
        // An earlier call of the same kind on the job no longer shows its own charge.
        earlier.into_iter().for_each(|earlier| self.unknown(earlier));
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

    /// Assigns a job to a call of unknown outcome.
    pub(crate) fn adopt(&self, entry: &str, job: JobId) {
        if let Some(mut pending) = self.take_unknown(entry) {
            pending.entry.state = EntryState::Reserved;
            self.accepted(pending, job);
        }
    }

    /// Notes that a call of unknown outcome was not accepted.
    pub(crate) fn disown(&self, entry: &str) {
        if let Some(pending) = self.take_unknown(entry) {
            self.released(pending);
        }
    }

    /// Returns the jobs of other calls in the ledger.
    pub(crate) fn jobs_of_others(&self, entry: &str) -> Result<HashSet<JobId>, Error> {
        let contents = self.ledger.read().map_err(|error| {
            Error::new(ErrorKind::Ledger, "the ledger cannot be read, so the outcome stays unknown")
                .because(error)
        })?;
        let others = contents.entries.into_iter().filter(|other| other.id != entry);
        Ok(others.filter_map(|other| other.job_id).collect())
    }

    /// Notes that the task that sent a call ended without an outcome.
    pub(crate) fn lost(&self, entry: &str) {
        if let Some(pending) = self.take_unknown(entry) {
            self.unknown(pending);
        }
    }

    /// Returns whether another process rendered this job so recently that it may still show its
    /// earlier final status.
    pub(crate) fn may_show_left_over_end(&self, job: JobId) -> bool {
        if self.ledger_has_changed() {
            self.load();
        }
        let state = self.state();
        let render = state.accepted.get(&(job, BillableOperation::Render));
        render.is_some_and(|render| {
            render.owner == Owner::Another && Utc::now() - render.entry.time < LEFT_OVER_GRACE
        })
    }

    /// Takes a call of unknown outcome: of this process, or of another that wrote to the same
    /// ledger.
    fn take_unknown(&self, entry: &str) -> Option<PendingCharge> {
        if let Some(pending) = self.state().unknown.remove(entry) {
            return Some(pending);
        }
        let contents = self.ledger.read().ok()?;
        let is_it = |known: &Entry| {
            let has_no_job = known.job_id.is_none() || known.operation == BillableOperation::Render;
            known.id == entry
                && (known.state == EntryState::Unknown
                    || known.state == EntryState::Reserved && has_no_job)
        };
        let entry = contents.entries.into_iter().find(is_it)?;
        Some(PendingCharge::of_another(entry))
    }

    /// Settles the open charges of a job that has ended.
    pub(crate) fn record_status(&self, job: &Job) {
        // The ledger's file is not looked at for a job that has not ended.
        let has_ended =
            matches!(job.status(), JobStatus::Done | JobStatus::Failed | JobStatus::Rejected);
        if !has_ended || !self.may_have_open_charge(job.id()) {
            return;
        }
        for operation in
            [BillableOperation::Preview, BillableOperation::Create, BillableOperation::Render]
        {
            match settlement(job, operation) {
                Settlement::Open => {}
                Settlement::Charged(charged) => {
                    if let Some(pending) = self.take_accepted(job, operation) {
                        if pending.shows_earlier_charge(charged) {
                            self.state().accepted.insert((job.id(), operation), pending);
                        } else {
                            self.charge(pending, job, charged);
                        }
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

    /// Returns whether this job may have an open charge. Most jobs of a list have none, so this
    /// check is cheap.
    fn may_have_open_charge(&self, job: JobId) -> bool {
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

    /// Takes the accepted call of this job: of this process, or of another that wrote to the same
    /// ledger.
    fn take_accepted(&self, job: &Job, operation: BillableOperation) -> Option<PendingCharge> {
        let key = (job.id(), operation);
        let found = self.state().accepted.remove(&key);
        if found.is_some() || !self.ledger_has_changed() {
            return found;
        }
        self.load();
        self.state().accepted.remove(&key)
    }

    /// Returns whether another process may have written to the ledger since it was read.
    fn ledger_has_changed(&self) -> bool {
        self.state().loaded != self.ledger.file_length()
    }

    /// Takes over the open calls that other processes wrote to the ledger.
    fn load(&self) {
        let length = self.ledger.file_length();
        let entries = match self.ledger.read() {
            Ok(contents) => contents.entries,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(
                    error,
                    "the ledger cannot be read, so charges of other processes are not settled"
                );
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
        if !state.mismatch_logged
            && let Some(mismatch) =
                Mismatch::find(&self.rate_card, RateCard::known(), &state.charges)
        {
            state.mismatch_logged = true;
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

    /// Writes an entry for something that has already happened. If that fails, the entry is logged,
    /// so that the job is not lost.
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

fn is_open_render(entry: &Entry, job: JobId) -> bool {
    entry.job_id == Some(job)
        && entry.operation == BillableOperation::Render
        && matches!(entry.state, EntryState::Reserved | EntryState::Unknown)
}

fn already_open(state: EntryState) -> Error {
    let (message, charge_risk) = match state {
        EntryState::Unknown => (
            "a render of this job was sent earlier and its outcome is unknown",
            ChargeRisk::Unknown,
        ),
        _ => ("a render of this job was sent earlier and has not ended", ChargeRisk::Charged),
    };
    Error::new(ErrorKind::AlreadyRunning, message).charged(charge_risk)
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
/// billable call on the job was charged; 0 or less on a finished job means that the service has not
/// entered the charge yet.
fn settlement(job: &Job, operation: BillableOperation) -> Settlement {
    let goal = match operation {
        // A rendered job shows the charge of the render, not of the preview.
        BillableOperation::Preview if job.video_url().is_some() => return Settlement::Open,
        BillableOperation::Preview if has_failed(job) && job.preview_url().is_some() => {
            return Settlement::Open;
        }
        BillableOperation::Preview => Goal::Preview,
        BillableOperation::Create | BillableOperation::Render => Goal::Video,
    };
    match (job.goal_status(goal), job.credits_used()) {
        (GoalStatus::Reached | GoalStatus::Failed | GoalStatus::Rejected, Some(charged))
            if charged > Credits::ZERO =>
        {
            Settlement::Charged(charged)
        }
        (GoalStatus::Failed | GoalStatus::Rejected, _) => Settlement::NotCharged,
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

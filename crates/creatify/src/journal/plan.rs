//! Decisions of a journal: what a new entry or a change means for what is there already. Pure, and
//! the same for every store.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use creatify_api::ModelVersion;

use super::{
    Account, Budget, BudgetState, Entry, EntryId, EntryState, JobEnd, Key, Lease, OverBudget,
    OwnerId, RequestHash, SubmissionRecord, budget::usage,
};
use crate::{
    credits::{BillableOperation, CreditRange, Credits, DurationRange},
    job::{JobId, TemplateId},
};

/// Longest error text that is kept, in characters.
const MAX_ERROR_LENGTH: usize = 500;

/// A billable call that is about to be sent.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NewEntry {
    /// Id of the entry, if one is made.
    pub id: EntryId,
    /// Account that is charged.
    pub account: Account,
    /// Key of the submission.
    pub key: Key,
    /// Label of the submission.
    pub label: Option<String>,
    /// Operation that is charged.
    pub operation: BillableOperation,
    /// Hash of the request.
    pub request_hash: RequestHash,
    /// Template.
    pub template_id: Option<TemplateId>,
    /// Model of the video.
    pub model_version: ModelVersion,
    /// Job of a render.
    pub job_id: Option<JobId>,
    /// Expected duration.
    pub seconds: Option<DurationRange>,
    /// Estimated cost.
    pub estimate: Option<CreditRange>,
    /// Name of the rate card of the estimate.
    pub rate_card: Arc<str>,
    /// The request, to look for its job when the answer is lost.
    pub record: SubmissionRecord,
    /// Treatment of other renders of the job.
    pub existing_render: ExistingRender,
    /// Treatment of an earlier job of the key that failed.
    pub repetition: Repetition,
    /// Process or task that sends it.
    pub owner: OwnerId,
    /// Duration of the lease.
    pub lease: Duration,
    /// Budgets with limits of the caller, which may be lower than those of the journal.
    pub budgets: Vec<Budget>,
}

/// Treatment of a render of the same job under another key that is under way or has a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExistingRender {
    /// It prevents the new one.
    Refuses,
    /// It does not matter.
    Ignored,
}

/// Treatment of a key whose job failed or was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repetition {
    /// The failed job is the result.
    Never,
    /// It is submitted once more.
    AfterFailure,
}

/// The entries and budgets that a store has found for a new entry or a change, in one transaction.
#[derive(Debug, Clone)]
pub struct FoundEntries {
    /// Time by the journal's clock.
    pub now: DateTime<Utc>,
    /// Latest attempt with the same account, operation and key.
    pub latest: Option<Entry>,
    /// Renders of the same job.
    pub renders: Vec<Entry>,
    /// Budgets of the account, in the period of `now`.
    pub budgets: Vec<BudgetState>,
}

/// The result of a plan, and what has to be written for it.
#[derive(Debug, Clone)]
#[must_use = "nothing is written yet"]
pub struct Planned<T> {
    /// Result for the caller.
    pub result: T,
    /// Entry to be written: a new one or one that is there.
    pub entry: Option<Entry>,
    /// Budgets to be written.
    pub budgets: Vec<BudgetState>,
}

/// The answer of a journal to a new entry.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Begun {
    /// It was entered, and is to be sent by the caller.
    Started(Box<Entry>),
    /// The same request was entered with this key before. It must not be sent.
    Known(Box<Entry>),
    /// A different request was entered with this key before. It must not be sent.
    KeyReused(Box<Entry>),
    /// The job has another render. It must not be sent.
    OtherRender(Box<Entry>),
    /// A budget does not have the credits. It must not be sent.
    OverBudget(Box<OverBudget>),
    /// A budget is in scope, and the most that the call may cost is not known. It must not be sent.
    EstimateNeeded(Box<BudgetState>),
}

/// A change of an entry's state.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Change {
    /// The service accepted it as this job.
    Submitted {
        /// The job.
        job: JobId,
    },
    /// It was certainly not processed.
    Released {
        /// Reason, in one line.
        reason: String,
    },
    /// The outcome of the call that was being sent is unknown.
    Unknown {
        /// Reason, in one line.
        reason: String,
        /// The request, with the times between which it was sent.
        record: Option<Box<SubmissionRecord>>,
    },
    /// Another call on the same job hides its charge.
    Superseded,
    /// The job has ended.
    Settled {
        /// The way it ended.
        end: JobEnd,
        /// Credits charged.
        charged: Credits,
        /// Duration of the video, if it is known.
        duration: Option<Duration>,
    },
}

/// The effect of a change.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Changed {
    /// The entry has changed.
    Applied(Box<Entry>),
    /// The entry is in a state in which the change has no effect.
    Unchanged(Box<Entry>),
    /// There is no such entry.
    Missing,
}

impl NewEntry {
    /// Creates an entry with no estimate and an empty request, for tests of stores. All fields can
    /// be set.
    pub fn new(account: Account, key: Key, operation: BillableOperation) -> Self {
        let (id, now) = (EntryId::random(), Utc::now());
        Self {
            id,
            account,
            key,
            label: None,
            operation,
            request_hash: RequestHash::of(&serde_json::Value::Null),
            template_id: None,
            model_version: ModelVersion::Standard,
            job_id: None,
            seconds: None,
            estimate: None,
            rate_card: Arc::from(""),
            record: SubmissionRecord::new(operation, id, now),
            existing_render: ExistingRender::Refuses,
            repetition: Repetition::Never,
            owner: OwnerId::random(),
            lease: Duration::from_secs(45),
            budgets: Vec::new(),
        }
    }

    /// Decides whether the call may be sent.
    pub fn plan(&self, found: FoundEntries) -> Planned<Begun> {
        let FoundEntries { now, latest, renders, budgets } = found;
        let only = |result| Planned { result, entry: None, budgets: Vec::new() };
        if let Some(stored) = &latest {
            let known = stored.clone().at(now);
            let is_new_attempt = known.state == EntryState::Released
                || known.state == EntryState::Settled
                    && known.has_failed()
                    && self.repetition == Repetition::AfterFailure;
            if !is_new_attempt {
                if known.request_hash != self.request_hash {
                    return only(Begun::KeyReused(Box::new(known)));
                }
                let changed = (known.state != stored.state).then(|| known.clone());
                let result = Begun::Known(Box::new(known));
                return Planned { result, entry: changed, budgets: Vec::new() };
            }
        }
        if self.existing_render == ExistingRender::Refuses {
            let counts = |render: &Entry| {
                render.state.is_open()
                    || render.state == EntryState::Settled && render.end == Some(JobEnd::Done)
            };
            if let Some(other) = renders.into_iter().map(|render| render.at(now)).find(counts) {
                return only(Begun::OtherRender(Box::new(other)));
            }
        }
        let budgets = self.in_scope(budgets);
        let mut entry = self.entry(now, latest.map_or(1, |latest| latest.attempt + 1));
        // A clock that was set back takes nothing out of a budget that was set before.
        entry.created_at = budgets.iter().map(|budget| budget.period_start).fold(now, Ord::max);
        match self.refused_by(&budgets) {
            Some(refused) => only(refused),
            None => Planned {
                result: Begun::Started(Box::new(entry.clone())),
                budgets: counted(budgets, None, &entry),
                entry: Some(entry),
            },
        }
    }

    /// Returns why the call must not be sent because of a budget, if there is a reason.
    pub(crate) fn within_budgets(&self, budgets: Vec<BudgetState>) -> Option<Begun> {
        self.refused_by(&self.in_scope(budgets))
    }

    fn in_scope(&self, budgets: Vec<BudgetState>) -> Vec<BudgetState> {
        let label = self.label.as_deref();
        budgets.into_iter().filter(|budget| budget.is_for(label)).collect()
    }

    fn refused_by(&self, budgets: &[BudgetState]) -> Option<Begun> {
        budgets.iter().find_map(|state| {
            let Some(estimate) = &self.estimate else {
                return Some(Begun::EstimateNeeded(Box::new(state.clone())));
            };
            let own = self.budgets.iter().find(|own| own.name == state.budget.name);
            let limit = own.map_or(state.budget.limit, |own| own.limit);
            let over = state.refuses(estimate.max, limit)?;
            Some(Begun::OverBudget(Box::new(over)))
        })
    }

    fn entry(&self, now: DateTime<Utc>, attempt: u32) -> Entry {
        Entry {
            id: self.id,
            account: self.account.clone(),
            key: self.key.clone(),
            label: self.label.clone(),
            operation: self.operation,
            attempt,
            request_hash: self.request_hash.clone(),
            template_id: self.template_id,
            model_version: self.model_version.clone(),
            job_id: self.job_id,
            seconds: self.seconds,
            estimate: self.estimate,
            charged: None,
            rate_card: self.rate_card.clone(),
            state: EntryState::Sending,
            end: None,
            lease: Some(Lease::new(self.owner, now, self.lease)),
            created_at: now,
            updated_at: now,
            error: None,
        }
    }
}

impl Entry {
    /// Decides the effect of a change. `budgets` are those of the account in the period in which
    /// the entry was created.
    pub fn plan(
        &self,
        change: &Change,
        now: DateTime<Utc>,
        budgets: Vec<BudgetState>,
    ) -> Planned<Changed> {
        use EntryState::{Released, Sending, Settled, Submitted, Unknown};
        let mut entry = self.clone().at(now);
        match (change, entry.state) {
            // Also after it was declared not accepted: the service has the last word.
            (Change::Submitted { job }, Sending | Unknown | Released) => {
                (entry.state, entry.job_id, entry.error) = (Submitted, Some(*job), None);
            }
            (Change::Released { reason }, Sending | Unknown) => {
                (entry.state, entry.error) = (Released, Some(bounded(reason)));
            }
            (Change::Unknown { reason, .. }, Sending | Unknown) => {
                (entry.state, entry.error) = (Unknown, Some(bounded(reason)));
            }
            (Change::Superseded, Submitted) => {
                let reason = "another call on the same job hides its charge";
                (entry.state, entry.error) = (Unknown, Some(reason.to_owned()));
            }
            (Change::Settled { end, charged, duration }, Submitted) => {
                (entry.state, entry.end, entry.charged) = (Settled, Some(*end), Some(*charged));
                entry.seconds = duration.map(DurationRange::from).or(entry.seconds);
            }
            _ => {
                let result = Changed::Unchanged(Box::new(entry));
                return Planned { result, entry: None, budgets: Vec::new() };
            }
        }
        (entry.lease, entry.updated_at) = (None, now);
        let in_scope = budgets.into_iter().filter(|budget| budget.covers(&entry)).collect();
        let budgets = counted(in_scope, Some(self), &entry);
        Planned { result: Changed::Applied(Box::new(entry.clone())), entry: Some(entry), budgets }
    }

    /// Returns the entry with a longer lease, if this owner is still sending it.
    pub fn renewed(
        &self,
        owner: OwnerId,
        now: DateTime<Utc>,
        duration: Duration,
    ) -> Option<(Self, Lease)> {
        let is_owner = self.lease.is_some_and(|lease| lease.owner == owner);
        if self.state != EntryState::Sending || !is_owner {
            return None;
        }
        let lease = Lease::new(owner, now, duration);
        Some((Self { lease: Some(lease), ..self.clone() }, lease))
    }
}

/// Returns budgets after an entry has changed.
fn counted(
    mut budgets: Vec<BudgetState>,
    before: Option<&Entry>,
    after: &Entry,
) -> Vec<BudgetState> {
    let before = before.map_or((Credits::ZERO, Credits::ZERO), usage);
    budgets.iter_mut().for_each(|budget| budget.replace(before, usage(after)));
    budgets
}

fn bounded(text: &str) -> String {
    text.chars().take(MAX_ERROR_LENGTH).collect()
}

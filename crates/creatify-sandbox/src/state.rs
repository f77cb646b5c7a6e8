//! Service state: jobs, charges and due changes. Pure: no sockets, clock or tasks; the time is an
//! argument.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use creatify_api::{
    JobStatus, ModelVersion,
    credit_rates::{BillableOperation, RateCard},
};
use rand::RngExt;
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    charge::charge,
    job::{Call, Job, JobParams},
    lifecycle::{Outcome, ProgressProfile, Timeline, Timing, rng},
    templates::Template,
};

/// The maximum length of a list without `ids`.
pub(crate) const LIST_LENGTH: usize = 100;

/// The account and its jobs.
#[derive(Debug)]
pub(crate) struct ServiceState {
    pub(crate) settings: Settings,
    jobs: HashMap<Uuid, Job>,
    /// Oldest first.
    oldest_first: Vec<Uuid>,
    /// Changes to come, by time. The number orders changes of the same time.
    pending_changes: BTreeMap<(Duration, u64), Uuid>,
    sequence: u64,
    charged: Decimal,
}

/// The settings of a sandbox.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) seed: u64,
    pub(crate) credits: Decimal,
    pub(crate) card: &'static RateCard,
    pub(crate) timing: Timing,
    pub(crate) progress: ProgressProfile,
    pub(crate) render_body: RenderBody,
}

/// The fields that a render body must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum RenderBody {
    /// None; the body may be empty.
    #[default]
    Lenient,
    /// `template_id` and `variables`, as in a create.
    Strict,
}

/// Parameters that a render replaces. The template stays that of the preview.
#[derive(Debug, Default)]
pub(crate) struct JobChanges {
    pub(crate) template: Option<&'static Template>,
    pub(crate) variables: Option<Map<String, Value>>,
    pub(crate) name: Option<Option<String>>,
    pub(crate) webhook_url: Option<Option<String>>,
    pub(crate) model_version: Option<ModelVersion>,
    pub(crate) is_hidden: Option<bool>,
}

/// Deviations of one call that faults ask for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CallFaults {
    /// The outcome instead of the template's.
    pub(crate) outcome: Option<Outcome>,
    /// The number of reads after a render that show the state from before it.
    pub(crate) old_status_reads: u32,
}

/// A refusal of a call. Nothing was charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    NoSuchJob,
    PreviewNotReady,
    AlreadyRendering,
    InsufficientCredits,
    NoPrice,
}

/// A status change of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) job: Uuid,
    pub(crate) status: JobStatus,
    pub(crate) failed_reason: &'static str,
    /// The operation of the call that changed the status.
    pub(crate) operation: BillableOperation,
    pub(crate) has_video: bool,
    pub(crate) webhook_url: Option<String>,
}

impl ServiceState {
    pub(crate) fn new(settings: Settings) -> Self {
        let (jobs, oldest_first, pending_changes) = Default::default();
        Self { settings, jobs, oldest_first, pending_changes, sequence: 0, charged: Decimal::ZERO }
    }

    /// Accepts a new job and charges for it.
    pub(crate) fn submit(
        &mut self,
        operation: BillableOperation,
        params: JobParams,
        faults: CallFaults,
        now: Duration,
    ) -> Result<&Job, Refusal> {
        let charge = self.price(operation, &params.model_version, params.template)?;
        let number = self.oldest_first.len() as u64;
        let mut rng = rng(self.settings.seed, number, 0);
        let id = uuid::Builder::from_random_bytes(rng.random()).into_uuid();
        let media_job = uuid::Builder::from_random_bytes(rng.random()).into_uuid();
        let timeline = Timeline::draw(
            &self.settings.timing,
            operation,
            faults.outcome.unwrap_or(params.template.first_call),
            now,
            &mut rng,
        );
        self.accept(id, &timeline, charge);
        self.oldest_first.push(id);
        let first = Call { operation, timeline, charge, media_job };
        Ok(self
            .jobs
            .entry(id)
            .insert_entry(Job {
                id,
                number,
                params,
                first,
                renders: Vec::new(),
                old_status_reads: 0,
            })
            .into_mut())
    }

    /// Accepts a render of a job and charges for it, also when there is a video already.
    pub(crate) fn render(
        &mut self,
        id: Uuid,
        changes: JobChanges,
        faults: CallFaults,
        now: Duration,
    ) -> Result<&Job, Refusal> {
        let job = self.jobs.get(&id).ok_or(Refusal::NoSuchJob)?;
        if !job.has_preview(now) {
            return Err(Refusal::PreviewNotReady);
        }
        if now < job.last().timeline.ended {
            return Err(Refusal::AlreadyRendering);
        }
        let model = changes.model_version.as_ref().unwrap_or(&job.params.model_version);
        let charge = self.price(BillableOperation::Render, model, job.params.template)?;
        let mut rng = rng(self.settings.seed, job.number, job.renders.len() as u64 + 1);
        let media_job = uuid::Builder::from_random_bytes(rng.random()).into_uuid();
        let timeline = Timeline::draw(
            &self.settings.timing,
            BillableOperation::Render,
            faults.outcome.unwrap_or(job.params.template.render),
            now,
            &mut rng,
        );
        self.accept(id, &timeline, charge);
        let job = self.jobs.get_mut(&id).ok_or(Refusal::NoSuchJob)?;
        job.renders.push(Call {
            operation: BillableOperation::Render,
            timeline,
            charge,
            media_job,
        });
        job.old_status_reads = faults.old_status_reads;
        let params = &mut job.params;
        params.variables =
            changes.variables.unwrap_or_else(|| std::mem::take(&mut params.variables));
        params.name = changes.name.unwrap_or_else(|| params.name.take());
        params.webhook_url = changes.webhook_url.unwrap_or_else(|| params.webhook_url.take());
        params.model_version =
            changes.model_version.unwrap_or_else(|| params.model_version.clone());
        params.is_hidden = changes.is_hidden.unwrap_or(params.is_hidden);
        Ok(job)
    }

    fn price(
        &self,
        operation: BillableOperation,
        model: &ModelVersion,
        template: &Template,
    ) -> Result<Decimal, Refusal> {
        let charge = charge(self.settings.card, operation, model, template.duration)
            .ok_or(Refusal::NoPrice)?;
        if charge > self.balance() { Err(Refusal::InsufficientCredits) } else { Ok(charge) }
    }

    fn accept(&mut self, id: Uuid, timeline: &Timeline, charge: Decimal) {
        self.charged += charge;
        for at in timeline.changes() {
            self.pending_changes.insert((at, self.sequence), id);
            self.sequence += 1;
        }
    }

    /// Applies all changes that are due and returns their events. The effort depends on the number
    /// of
    /// changes, not of jobs.
    pub(crate) fn advance(&mut self, now: Duration) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(due) = self.pending_changes.first_entry().filter(|due| due.key().0 <= now) {
            let ((at, _), id) = due.remove_entry();
            let Some(job) = self.jobs.get(&id) else { continue };
            let (view, call) = (job.view(at, self.settings.progress), job.last());
            if at >= call.timeline.ended {
                self.charged -= call.charge - call.charged(at);
            }
            events.push(Event {
                job: id,
                status: view.status,
                failed_reason: view.failed_reason.unwrap_or_default(),
                operation: call.operation,
                has_video: view.media_job.is_some(),
                webhook_url: job.params.webhook_url.clone(),
            });
        }
        events
    }

    /// Returns the time of the next change.
    pub(crate) fn next_change(&self) -> Option<Duration> {
        self.pending_changes.first_key_value().map(|((at, _), _)| *at)
    }

    /// Counts a read of a job: its old state is shown in a limited number of reads.
    pub(crate) fn count_read(&mut self, id: Uuid) {
        if let Some(job) = self.jobs.get_mut(&id) {
            job.old_status_reads = job.old_status_reads.saturating_sub(1);
        }
    }

    pub(crate) fn job(&self, id: Uuid) -> Option<&Job> {
        self.jobs.get(&id)
    }

    /// Returns all jobs, newest first.
    pub(crate) fn newest(&self) -> impl Iterator<Item = &Job> {
        self.oldest_first.iter().rev().filter_map(|id| self.jobs.get(id))
    }

    /// Returns the existing jobs with these ids, newest first and without duplicates.
    pub(crate) fn with_ids(&self, ids: &[Uuid]) -> Vec<&Job> {
        let mut jobs: Vec<_> = ids.iter().filter_map(|id| self.jobs.get(id)).collect();
        jobs.sort_by_key(|job| std::cmp::Reverse(job.number));
        jobs.dedup_by_key(|job| job.number);
        jobs
    }

    pub(crate) fn job_count(&self) -> usize {
        self.oldest_first.len()
    }

    /// Returns the credits charged, less those returned.
    pub(crate) fn charged(&self) -> Decimal {
        self.charged
    }

    /// Returns the remaining credits.
    pub(crate) fn balance(&self) -> Decimal {
        self.settings.credits - self.charged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::templates::templates;

    fn state_with(credits: i64) -> ServiceState {
        ServiceState::new(Settings {
            seed: 7,
            credits: credits.into(),
            card: creatify_api::DEFAULT_RATE_CARD,
            timing: Timing { sigma: 0.0, ..Timing::default() },
            progress: ProgressProfile::default(),
            render_body: RenderBody::default(),
        })
    }

    fn params(template: &str) -> JobParams {
        JobParams {
            template: templates().iter().find(|known| known.name == template).unwrap(),
            variables: Map::new(),
            name: None,
            webhook_url: None,
            model_version: ModelVersion::Standard,
            is_hidden: false,
        }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_rendered_job_shows_done_until_the_render_is_queued() {
        let mut state = state_with(100);
        let id = state
            .submit(
                BillableOperation::Preview,
                params("Seasonal sale"),
                CallFaults::default(),
                at(0),
            )
            .unwrap()
            .id;
        state.advance(at(60));
        state.render(id, JobChanges::default(), CallFaults::default(), at(60)).unwrap();
        let view = |second| state.job(id).unwrap().view(at(second), ProgressProfile::default());
        let shown: Vec<_> = [60, 61, 76, 226]
            .map(view)
            .into_iter()
            .map(|view| (view.status, view.media_job.is_some()))
            .collect();
        use JobStatus::{Done, InQueue, Running};
        assert_eq!(shown, [(Done, false), (InQueue, false), (Running, false), (Done, true)]);
        assert_eq!((view(60).credits_used, view(60).has_preview), (4.into(), true));
    }

    #[test]
    fn a_second_render_is_accepted_after_the_first_and_charged_again() {
        let mut state = state_with(100);
        let id = state
            .submit(
                BillableOperation::Preview,
                params("Seasonal sale"),
                CallFaults::default(),
                at(0),
            )
            .unwrap()
            .id;
        let mut render = |second| {
            state.render(id, JobChanges::default(), CallFaults::default(), at(second)).map(|_| ())
        };
        assert_eq!(render(55), Err(Refusal::PreviewNotReady));
        assert_eq!(render(60), Ok(()));
        assert_eq!(render(61), Err(Refusal::AlreadyRendering));
        assert_eq!(render(300), Ok(()));
        assert_eq!(state.charged(), 9.into());
        assert!(
            state.job(id).unwrap().view(at(300), ProgressProfile::default()).media_job.is_some(),
            "the old video is still shown"
        );
        assert!(
            state.job(id).unwrap().view(at(301), ProgressProfile::default()).media_job.is_none()
        );
    }

    #[test]
    fn the_charge_of_failed_and_rejected_work_is_returned() {
        for (template, status) in
            [("Always fails", JobStatus::Failed), ("Always rejected", JobStatus::Rejected)]
        {
            let mut state = state_with(100);
            let id = state
                .submit(BillableOperation::Create, params(template), CallFaults::default(), at(0))
                .unwrap()
                .id;
            assert_eq!(state.balance(), 95.into());
            let last = state.advance(at(999)).pop().unwrap();
            assert_eq!((last.status, last.failed_reason.is_empty()), (status, false));
            assert_eq!((state.balance(), state.charged()), (100.into(), 0.into()));
            let view = state.job(id).unwrap().view(at(999), ProgressProfile::default());
            assert_eq!((view.credits_used, view.duration), (0.into(), None));
        }
    }

    #[test]
    fn a_failed_render_returns_its_charge_and_keeps_the_preview() {
        let mut state = state_with(100);
        let id = state
            .submit(
                BillableOperation::Preview,
                params("Fails when rendered"),
                CallFaults::default(),
                at(0),
            )
            .unwrap()
            .id;
        state.advance(at(60));
        state.render(id, JobChanges::default(), CallFaults::default(), at(60)).unwrap();
        state.advance(at(999));
        let view = state.job(id).unwrap().view(at(999), ProgressProfile::default());
        assert_eq!(
            (view.status, view.has_preview, state.charged()),
            (JobStatus::Failed, true, 1.into())
        );
        assert!(state.render(id, JobChanges::default(), CallFaults::default(), at(999)).is_ok());
    }

    #[test]
    fn a_call_is_refused_without_enough_credits() {
        let mut state = state_with(5);
        state
            .submit(
                BillableOperation::Preview,
                params("Seasonal sale"),
                CallFaults::default(),
                at(0),
            )
            .unwrap();
        let refused = state
            .submit(
                BillableOperation::Create,
                params("Seasonal sale"),
                CallFaults::default(),
                at(0),
            )
            .map(|job| job.id);
        assert_eq!(refused, Err(Refusal::InsufficientCredits));
        assert_eq!((state.job_count(), state.balance()), (1, 4.into()));
    }

    #[test]
    fn the_same_seed_and_submissions_give_the_same_jobs_with_or_without_renders() {
        let ids = |renders: bool| {
            let mut state = state_with(1000);
            let mut submit = |second| {
                state
                    .submit(
                        BillableOperation::Preview,
                        params("Teaser"),
                        CallFaults::default(),
                        at(second),
                    )
                    .map(|job| (job.id, job.first.timeline))
                    .unwrap()
            };
            let first = submit(0);
            if renders {
                state
                    .render(first.0, JobChanges::default(), CallFaults::default(), at(90))
                    .unwrap();
            }
            let second = state
                .submit(
                    BillableOperation::Preview,
                    params("Teaser"),
                    CallFaults::default(),
                    at(100),
                )
                .map(|job| (job.id, job.first.timeline))
                .unwrap();
            [first, second]
        };
        assert_eq!(ids(false), ids(true));
        assert_ne!(ids(true)[0].0, ids(true)[1].0);
    }

    /// Counts work instead of measuring time: each change is handled once, and a read handles none.
    #[test]
    fn reading_one_of_ten_thousand_jobs_handles_no_changes() {
        let mut state = state_with(100_000);
        let mut ids = Vec::new();
        for number in 0..10_000 {
            ids.push(
                state
                    .submit(
                        BillableOperation::Preview,
                        params("Teaser"),
                        CallFaults::default(),
                        at(number),
                    )
                    .unwrap()
                    .id,
            );
        }
        assert_eq!(state.advance(at(20_000)).len(), 30_000, "three changes each");
        assert_eq!(state.advance(at(20_000)).len(), 0);
        assert_eq!(state.next_change(), None);
        assert_eq!(
            state.with_ids(&ids[5000..5003]).iter().map(|job| job.number).collect::<Vec<_>>(),
            [5002, 5001, 5000]
        );
        assert_eq!(state.newest().take(2).map(|job| job.number).collect::<Vec<_>>(), [9999, 9998]);
    }
}

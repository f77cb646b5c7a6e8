//! What happens to jobs and credits? Pure: no sockets, no clock, no tasks; every call says what time it is.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use creatify_api::{
    JobStatus, ModelVersion,
    credit_rates::{Operation, RateCard},
};
use rand::RngExt;
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    charge::charge,
    job::{Call, Job, NewJob},
    lifecycle::{Plan, ProgressProfile, Timing, rng},
    templates::Template,
};

/// How many jobs a list without `ids` shows at most.
pub(crate) const LIST_LENGTH: usize = 100;

/// The account and its jobs.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) rules: Rules,
    jobs: HashMap<Uuid, Job>,
    /// Oldest first.
    accepted: Vec<Uuid>,
    /// Changes still to come. The number keeps those of the same moment apart, in the order they were made.
    agenda: BTreeMap<(Duration, u64), Uuid>,
    planned: u64,
    charged: Decimal,
}

/// What a world never changes.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) seed: u64,
    pub(crate) credits: Decimal,
    pub(crate) card: &'static RateCard,
    pub(crate) timing: Timing,
    pub(crate) progress: ProgressProfile,
}

/// What to change of a job when it is rendered. The template stays that of the preview.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) template: Option<&'static Template>,
    pub(crate) variables: Option<Map<String, Value>>,
    pub(crate) name: Option<Option<String>>,
    pub(crate) webhook_url: Option<Option<String>>,
    pub(crate) model_version: Option<ModelVersion>,
    pub(crate) is_hidden: Option<bool>,
}

/// Why a call was not accepted. Nothing was charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    NoSuchJob,
    PreviewNotReady,
    AlreadyRendering,
    InsufficientCredits,
    NoPrice,
}

/// A job changed its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) job: Uuid,
    pub(crate) status: JobStatus,
    pub(crate) failed_reason: &'static str,
    /// What the job was last asked for.
    pub(crate) operation: Operation,
    pub(crate) has_video: bool,
    pub(crate) webhook_url: Option<String>,
}

impl World {
    pub(crate) fn new(rules: Rules) -> Self {
        let (jobs, accepted, agenda) = Default::default();
        Self { rules, jobs, accepted, agenda, planned: 0, charged: Decimal::ZERO }
    }

    /// Accepts a new job and charges for it.
    pub(crate) fn submit(
        &mut self,
        operation: Operation,
        order: NewJob,
        now: Duration,
    ) -> Result<&Job, Refusal> {
        let charge = self.price(operation, &order.model_version, order.template)?;
        let number = self.accepted.len() as u64;
        let mut rng = rng(self.rules.seed, number, 0);
        let id = uuid::Builder::from_random_bytes(rng.random()).into_uuid();
        let media_job = uuid::Builder::from_random_bytes(rng.random()).into_uuid();
        let plan =
            Plan::draw(&self.rules.timing, operation, order.template.first_call, now, &mut rng);
        self.accept(id, &plan, charge);
        self.accepted.push(id);
        let first = Call { operation, plan, charge, media_job };
        Ok(self
            .jobs
            .entry(id)
            .insert_entry(Job { id, number, order, first, renders: Vec::new() })
            .into_mut())
    }

    /// Accepts a render of a job and charges for it, again if there is a video already.
    pub(crate) fn render(
        &mut self,
        id: Uuid,
        changes: Changes,
        now: Duration,
    ) -> Result<&Job, Refusal> {
        let job = self.jobs.get(&id).ok_or(Refusal::NoSuchJob)?;
        if !job.has_preview(now) {
            return Err(Refusal::PreviewNotReady);
        }
        if now < job.last().plan.ended {
            return Err(Refusal::AlreadyRendering);
        }
        let model = changes.model_version.as_ref().unwrap_or(&job.order.model_version);
        let charge = self.price(Operation::Render, model, job.order.template)?;
        let mut rng = rng(self.rules.seed, job.number, job.renders.len() as u64 + 1);
        let media_job = uuid::Builder::from_random_bytes(rng.random()).into_uuid();
        let plan = Plan::draw(
            &self.rules.timing,
            Operation::Render,
            job.order.template.render,
            now,
            &mut rng,
        );
        self.accept(id, &plan, charge);
        let job = self.jobs.get_mut(&id).ok_or(Refusal::NoSuchJob)?;
        job.renders.push(Call { operation: Operation::Render, plan, charge, media_job });
        let order = &mut job.order;
        order.variables = changes.variables.unwrap_or_else(|| std::mem::take(&mut order.variables));
        order.name = changes.name.unwrap_or_else(|| order.name.take());
        order.webhook_url = changes.webhook_url.unwrap_or_else(|| order.webhook_url.take());
        order.model_version = changes.model_version.unwrap_or_else(|| order.model_version.clone());
        order.is_hidden = changes.is_hidden.unwrap_or(order.is_hidden);
        Ok(job)
    }

    fn price(
        &self,
        operation: Operation,
        model: &ModelVersion,
        template: &Template,
    ) -> Result<Decimal, Refusal> {
        let charge =
            charge(self.rules.card, operation, model, template.duration).ok_or(Refusal::NoPrice)?;
        if charge > self.balance() { Err(Refusal::InsufficientCredits) } else { Ok(charge) }
    }

    fn accept(&mut self, id: Uuid, plan: &Plan, charge: Decimal) {
        self.charged += charge;
        for at in plan.changes() {
            self.agenda.insert((at, self.planned), id);
            self.planned += 1;
        }
    }

    /// Lets everything happen that is due, returns what changed. Its work is bounded by that, not by how many jobs there are.
    pub(crate) fn advance(&mut self, now: Duration) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(due) = self.agenda.first_entry().filter(|due| due.key().0 <= now) {
            let ((at, _), id) = due.remove_entry();
            let Some(job) = self.jobs.get(&id) else { continue };
            let (view, call) = (job.view(at, self.rules.progress), job.last());
            if at >= call.plan.ended {
                self.charged -= call.charge - call.charged(at);
            }
            events.push(Event {
                job: id,
                status: view.status,
                failed_reason: view.failed_reason.unwrap_or_default(),
                operation: call.operation,
                has_video: view.media_job.is_some(),
                webhook_url: job.order.webhook_url.clone(),
            });
        }
        events
    }

    /// When the next change is due.
    pub(crate) fn next_change(&self) -> Option<Duration> {
        self.agenda.first_key_value().map(|((at, _), _)| *at)
    }

    pub(crate) fn job(&self, id: Uuid) -> Option<&Job> {
        self.jobs.get(&id)
    }

    /// The newest jobs, newest first.
    pub(crate) fn newest(&self) -> impl Iterator<Item = &Job> {
        self.accepted.iter().rev().filter_map(|id| self.jobs.get(id))
    }

    /// Those of these jobs that exist, newest first, each once.
    pub(crate) fn these(&self, ids: &[Uuid]) -> Vec<&Job> {
        let mut jobs: Vec<_> = ids.iter().filter_map(|id| self.jobs.get(id)).collect();
        jobs.sort_by_key(|job| std::cmp::Reverse(job.number));
        jobs.dedup_by_key(|job| job.number);
        jobs
    }

    pub(crate) fn len(&self) -> usize {
        self.accepted.len()
    }

    /// What was charged, less what was returned.
    pub(crate) fn charged(&self) -> Decimal {
        self.charged
    }

    /// What is left.
    pub(crate) fn balance(&self) -> Decimal {
        self.rules.credits - self.charged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::templates::templates;

    fn world(credits: i64) -> World {
        World::new(Rules {
            seed: 7,
            credits: credits.into(),
            card: creatify_api::DEFAULT_RATE_CARD,
            timing: Timing { sigma: 0.0, ..Timing::default() },
            progress: ProgressProfile::default(),
        })
    }

    fn order(template: &str) -> NewJob {
        NewJob {
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
    fn a_rendered_job_looks_done_until_the_render_is_queued() {
        let mut world = world(100);
        let id = world.submit(Operation::Preview, order("Seasonal sale"), at(0)).unwrap().id;
        world.advance(at(60));
        world.render(id, Changes::default(), at(60)).unwrap();
        let view = |second| world.job(id).unwrap().view(at(second), ProgressProfile::default());
        let story: Vec<_> = [60, 61, 76, 226]
            .map(view)
            .into_iter()
            .map(|view| (view.status, view.media_job.is_some()))
            .collect();
        use JobStatus::{Done, InQueue, Running};
        assert_eq!(story, [(Done, false), (InQueue, false), (Running, false), (Done, true)]);
        assert_eq!((view(60).credits_used, view(60).has_preview), (4.into(), true));
    }

    #[test]
    fn a_second_render_is_charged_again_and_only_after_the_first() {
        let mut world = world(100);
        let id = world.submit(Operation::Preview, order("Seasonal sale"), at(0)).unwrap().id;
        let mut render = |second| world.render(id, Changes::default(), at(second)).map(|_| ());
        assert_eq!(render(55), Err(Refusal::PreviewNotReady));
        assert_eq!(render(60), Ok(()));
        assert_eq!(render(61), Err(Refusal::AlreadyRendering));
        assert_eq!(render(300), Ok(()));
        assert_eq!(world.charged(), 9.into());
        assert!(
            world.job(id).unwrap().view(at(300), ProgressProfile::default()).media_job.is_some(),
            "the old video, for a moment"
        );
        assert!(
            world.job(id).unwrap().view(at(301), ProgressProfile::default()).media_job.is_none()
        );
    }

    #[test]
    fn failed_and_rejected_work_is_not_charged_in_the_end() {
        for (template, status) in
            [("Always fails", JobStatus::Failed), ("Always rejected", JobStatus::Rejected)]
        {
            let mut world = world(100);
            let id = world.submit(Operation::Create, order(template), at(0)).unwrap().id;
            assert_eq!(world.balance(), 95.into());
            let last = world.advance(at(999)).pop().unwrap();
            assert_eq!((last.status, last.failed_reason.is_empty()), (status, false));
            assert_eq!((world.balance(), world.charged()), (100.into(), 0.into()));
            let view = world.job(id).unwrap().view(at(999), ProgressProfile::default());
            assert_eq!((view.credits_used, view.duration), (0.into(), None));
        }
    }

    #[test]
    fn a_failed_render_returns_its_charge_and_keeps_the_preview() {
        let mut world = world(100);
        let id = world.submit(Operation::Preview, order("Fails when rendered"), at(0)).unwrap().id;
        world.advance(at(60));
        world.render(id, Changes::default(), at(60)).unwrap();
        world.advance(at(999));
        let view = world.job(id).unwrap().view(at(999), ProgressProfile::default());
        assert_eq!(
            (view.status, view.has_preview, world.charged()),
            (JobStatus::Failed, true, 1.into())
        );
        assert!(world.render(id, Changes::default(), at(999)).is_ok());
    }

    #[test]
    fn nothing_is_accepted_that_cannot_be_paid() {
        let mut world = world(5);
        world.submit(Operation::Preview, order("Seasonal sale"), at(0)).unwrap();
        let refused =
            world.submit(Operation::Create, order("Seasonal sale"), at(0)).map(|job| job.id);
        assert_eq!(refused, Err(Refusal::InsufficientCredits));
        assert_eq!((world.len(), world.balance()), (1, 4.into()));
    }

    #[test]
    fn the_same_seed_and_order_give_the_same_jobs_whatever_happens_in_between() {
        let ids = |renders: bool| {
            let mut world = world(1000);
            let mut submit = |second| {
                world
                    .submit(Operation::Preview, order("Teaser"), at(second))
                    .map(|job| (job.id, job.first.plan))
                    .unwrap()
            };
            let first = submit(0);
            if renders {
                world.render(first.0, Changes::default(), at(90)).unwrap();
            }
            let second = world
                .submit(Operation::Preview, order("Teaser"), at(100))
                .map(|job| (job.id, job.first.plan))
                .unwrap();
            [first, second]
        };
        assert_eq!(ids(false), ids(true));
        assert_ne!(ids(true)[0].0, ids(true)[1].0);
    }

    /// Counts work instead of measuring time: each change is handled once, and a look at a job handles nothing else.
    #[test]
    fn ten_thousand_jobs_cost_a_look_at_one_of_them_nothing() {
        let mut world = world(100_000);
        let mut ids = Vec::new();
        for number in 0..10_000 {
            ids.push(world.submit(Operation::Preview, order("Teaser"), at(number)).unwrap().id);
        }
        assert_eq!(world.advance(at(20_000)).len(), 30_000, "three changes each");
        assert_eq!(world.advance(at(20_000)).len(), 0);
        assert_eq!(world.next_change(), None);
        assert_eq!(
            world.these(&ids[5000..5003]).iter().map(|job| job.number).collect::<Vec<_>>(),
            [5002, 5001, 5000]
        );
        assert_eq!(world.newest().take(2).map(|job| job.number).collect::<Vec<_>>(), [9999, 9998]);
    }
}

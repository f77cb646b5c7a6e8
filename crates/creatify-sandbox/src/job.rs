//! What does a job look like at a given moment?

use std::time::Duration;

use creatify_api::{JobStatus, ModelVersion, credit_rates::Operation};
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    lifecycle::{Ending, Phase, Plan, ProgressProfile},
    templates::Template,
};

/// A job: what was asked for, and the calls that were accepted for it.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: Uuid,
    /// How many jobs were accepted before this one.
    pub(crate) number: u64,
    pub(crate) order: NewJob,
    /// The preview or create that made it.
    pub(crate) first: Call,
    /// The renders after it, oldest first.
    pub(crate) renders: Vec<Call>,
}

/// A checked request for a new job.
#[derive(Debug, Clone)]
pub(crate) struct NewJob {
    pub(crate) template: &'static Template,
    pub(crate) variables: Map<String, Value>,
    pub(crate) name: Option<String>,
    pub(crate) webhook_url: Option<String>,
    pub(crate) model_version: ModelVersion,
    pub(crate) is_hidden: bool,
}

/// One charged call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) operation: Operation,
    pub(crate) plan: Plan,
    pub(crate) charge: Decimal,
    pub(crate) media_job: Uuid,
}

/// What shows of a job at a moment, besides what was asked for.
#[derive(Debug, PartialEq)]
pub(crate) struct View {
    pub(crate) status: JobStatus,
    pub(crate) progress: Option<f64>,
    pub(crate) has_preview: bool,
    pub(crate) media_job: Option<Uuid>,
    pub(crate) failed_reason: Option<&'static str>,
    pub(crate) credits_used: Decimal,
    pub(crate) duration: Option<Duration>,
    pub(crate) updated: Duration,
}

impl Call {
    /// What it costs at this moment: the charge is returned when the work fails or is rejected.
    pub(crate) fn charged(&self, now: Duration) -> Decimal {
        if now >= self.plan.ended && self.plan.ending != Ending::Done {
            Decimal::ZERO
        } else {
            self.charge
        }
    }
}

impl Job {
    /// The last accepted call.
    pub(crate) fn last(&self) -> &Call {
        self.renders.last().unwrap_or(&self.first)
    }

    pub(crate) fn calls(&self) -> impl Iterator<Item = &Call> {
        std::iter::once(&self.first).chain(&self.renders)
    }

    /// Whether there is a preview to render.
    pub(crate) fn has_preview(&self, now: Duration) -> bool {
        self.first.operation == Operation::Preview && self.first.plan.succeeded(now)
    }

    /// The newest finished video, by its `media_job`.
    pub(crate) fn video(&self, now: Duration) -> Option<Uuid> {
        let videos = self
            .calls()
            .filter(|call| call.operation != Operation::Preview && call.plan.succeeded(now));
        videos.last().map(|call| call.media_job)
    }

    /// The call whose state shows. After a render is accepted that is still the one before it, until the render is queued.
    fn shown(&self, now: Duration) -> &Call {
        match self.renders.split_last() {
            Some((render, before)) if render.plan.phase(now) == Phase::Waiting => {
                before.last().unwrap_or(&self.first)
            }
            Some((render, _)) => render,
            None => &self.first,
        }
    }

    /// What shows at this moment.
    pub(crate) fn view(&self, now: Duration, profile: ProgressProfile) -> View {
        let shown = self.shown(now);
        let (status, progress) = shown.plan.status(now, profile);
        let succeeded = shown.plan.succeeded(now);
        View {
            status,
            progress,
            has_preview: self.has_preview(now),
            media_job: (succeeded && shown.operation != Operation::Preview)
                .then_some(shown.media_job),
            failed_reason: match shown.plan.ending {
                _ if now < shown.plan.ended => None,
                Ending::Done => Some(""),
                Ending::Failed(reason) | Ending::Rejected(reason) => Some(reason),
            },
            credits_used: self.last().charged(now),
            duration: self.first.plan.succeeded(now).then_some(self.order.template.duration),
            updated: shown.plan.changed(now),
        }
    }
}

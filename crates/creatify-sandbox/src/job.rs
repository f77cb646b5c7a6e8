//! Jobs: their parameters, their calls, and their state at a given moment.

use std::time::Duration;

use creatify_api::{JobStatus, ModelVersion, credit_rates::BillableOperation};
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    lifecycle::{Outcome, Phase, ProgressProfile, Timeline},
    templates::Template,
};

/// A job: its parameters and the calls that were accepted for it.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: Uuid,
    /// The number of jobs that were accepted before this one.
    pub(crate) number: u64,
    pub(crate) params: JobParams,
    /// The preview or create call that made the job.
    pub(crate) first: Call,
    /// The render calls, oldest first.
    pub(crate) renders: Vec<Call>,
    /// The number of reads that still show the state from before the last render.
    pub(crate) old_status_reads: u32,
}

/// The validated parameters of a job.
#[derive(Debug, Clone)]
pub(crate) struct JobParams {
    pub(crate) template: &'static Template,
    pub(crate) variables: Map<String, Value>,
    pub(crate) name: Option<String>,
    pub(crate) webhook_url: Option<String>,
    pub(crate) model_version: ModelVersion,
    pub(crate) is_hidden: bool,
}

/// One accepted, charged call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) operation: BillableOperation,
    pub(crate) timeline: Timeline,
    pub(crate) charge: Decimal,
    pub(crate) media_job: Uuid,
}

/// The visible state of a job at a moment, apart from its parameters.
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
    /// Returns the charge at this moment: nothing once the work has failed or was rejected.
    pub(crate) fn charged(&self, now: Duration) -> Decimal {
        if now >= self.timeline.ended && self.timeline.outcome != Outcome::Done {
            Decimal::ZERO
        } else {
            self.charge
        }
    }
}

impl Job {
    /// Returns the last accepted call.
    pub(crate) fn last(&self) -> &Call {
        self.renders.last().unwrap_or(&self.first)
    }

    /// Returns all accepted calls, oldest first.
    pub(crate) fn calls(&self) -> impl Iterator<Item = &Call> {
        std::iter::once(&self.first).chain(&self.renders)
    }

    /// Returns true when there is a preview to render.
    pub(crate) fn has_preview(&self, now: Duration) -> bool {
        self.first.operation == BillableOperation::Preview && self.first.timeline.succeeded(now)
    }

    /// Returns the `media_job` of the newest finished video.
    pub(crate) fn video(&self, now: Duration) -> Option<Uuid> {
        let videos = self.calls().filter(|call| {
            call.operation != BillableOperation::Preview && call.timeline.succeeded(now)
        });
        videos.last().map(|call| call.media_job)
    }

    /// Returns the call whose state is visible. A render becomes visible when it is queued; until
    /// then
    /// the call before it is.
    fn shown(&self, now: Duration) -> &Call {
        match self.last().timeline.phase(now) {
            Phase::Waiting => self.before_last(),
            _ => self.last(),
        }
    }

    /// Returns the call before the last render, or the first call when there is no render.
    fn before_last(&self) -> &Call {
        self.renders.iter().rev().nth(1).unwrap_or(&self.first)
    }

    /// Returns the visible state at this moment.
    pub(crate) fn view(&self, now: Duration, profile: ProgressProfile) -> View {
        self.view_of(self.shown(now), now, profile)
    }

    /// Returns the state that a read shows: the visible one, unless a fault hides the last render.
    pub(crate) fn read_view(&self, now: Duration, profile: ProgressProfile) -> View {
        let call = if self.old_status_reads > 0 { self.before_last() } else { self.shown(now) };
        self.view_of(call, now, profile)
    }

    fn view_of(&self, shown: &Call, now: Duration, profile: ProgressProfile) -> View {
        let (status, progress) = shown.timeline.status(now, profile);
        let succeeded = shown.timeline.succeeded(now);
        View {
            status,
            progress,
            has_preview: self.has_preview(now),
            media_job: (succeeded && shown.operation != BillableOperation::Preview)
                .then_some(shown.media_job),
            failed_reason: match shown.timeline.outcome {
                _ if now < shown.timeline.ended => None,
                Outcome::Done => Some(""),
                Outcome::Failed(reason) | Outcome::Rejected(reason) => Some(reason),
            },
            credits_used: self.last().charged(now),
            duration: self.first.timeline.succeeded(now).then_some(self.params.template.duration),
            updated: shown.timeline.changed(now),
        }
    }
}

//! How long did earlier jobs of this process run? Learned from every wait that reaches its goal, by template, operation and model.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use creatify_api::ModelVersion;

use super::Durations;
use crate::{
    credits::Operation,
    job::{JobId, TemplateId},
};

/// What makes jobs alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Likeness {
    pub(crate) template: TemplateId,
    pub(crate) operation: Operation,
    pub(crate) model_version: ModelVersion,
}

/// A process that runs for months forgets the oldest knowledge all at once rather than growing.
const MOST_KINDS: usize = 10_000;
const MOST_JOBS: usize = 100_000;

#[derive(Debug, Default)]
pub(crate) struct Earlier(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    durations: HashMap<Likeness, Durations>,
    /// The service never tells a job's template: a render is of the template that this process previewed.
    templates: HashMap<JobId, TemplateId>,
}

impl Earlier {
    pub(crate) fn submitted(&self, job: JobId, template: TemplateId) {
        let mut known = self.known();
        if known.templates.len() >= MOST_JOBS {
            known.templates.clear();
        }
        known.templates.insert(job, template);
    }

    pub(crate) fn template_of(&self, job: JobId) -> Option<TemplateId> {
        self.known().templates.get(&job).copied()
    }

    pub(super) fn learn(&self, likeness: &Likeness, run: Duration) {
        let mut known = self.known();
        if known.durations.len() >= MOST_KINDS {
            known.durations.clear();
        }
        known.durations.entry(likeness.clone()).or_default().add(run);
    }

    pub(super) fn durations(&self, likeness: &Likeness) -> Durations {
        self.known().durations.get(likeness).copied().unwrap_or_default()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // its changes are whole or not made
    }
}

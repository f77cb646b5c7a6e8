//! Run times and durations of the jobs that this client submitted, by template, operation and
//! model.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use creatify_api::{JobStatus, ModelVersion};
use tokio::time::Instant;

use super::history::RunTimeStats;
use crate::{
    credits::{BillableOperation, DurationRange},
    job::{Job, JobId, TemplateId},
    journal::{EntryId, JobVersion, SubmissionRecord},
    sync::lock,
};

/// Key of the run-time statistics: jobs with the same key take about the same time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RunTimeKey {
    pub(crate) template: TemplateId,
    pub(crate) operation: BillableOperation,
    pub(crate) model_version: ModelVersion,
}

/// Upper bounds of the maps. A full one is emptied, so that a process that runs for months does not
/// grow.
const MAX_KEYS: usize = 10_000;
const MAX_JOBS: usize = 100_000;
/// Time after the acceptance of a render for which the job may still show its earlier final status.
/// An assumption: it is not documented.
const LEFT_OVER_GRACE: Duration = Duration::from_secs(120);

/// Bounded store of run times.
#[derive(Debug, Default)]
pub(crate) struct RunTimes(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    run_times: HashMap<RunTimeKey, RunTimeStats>,
    video_durations: HashMap<TemplateId, DurationRange>,
    submitted: HashMap<JobId, Submitted>,
}

/// A job that this client submitted.
#[derive(Debug, Clone)]
struct Submitted {
    /// Absent when the template is not known: the service never returns it, and that of a render is
    /// known only from this client's preview.
    key: Option<RunTimeKey>,
    at: Instant,
    /// Entry of its latest call in the journal.
    entry: EntryId,
    /// State from before the render, until another one is seen.
    left_over: Option<JobVersion>,
}

impl RunTimes {
    /// Remembers a job that was just submitted, or whose render by another process is seen for the
    /// first time.
    pub(crate) fn submitted(
        &self,
        job: JobId,
        record: &SubmissionRecord,
        model_version: ModelVersion,
    ) {
        let (template, operation) = (record.template_id, record.operation);
        let mut state = self.state();
        if state.submitted.len() >= MAX_JOBS {
            state.submitted.clear();
        }
        let earlier = state.submitted.get(&job).and_then(|earlier| earlier.key.as_ref());
        let template = template.or(earlier.map(|key| key.template));
        let key = template.map(|template| RunTimeKey { template, operation, model_version });
        let (at, left_over) = (Instant::now(), record.before.clone());
        state.submitted.insert(job, Submitted { key, at, entry: record.entry, left_over });
    }

    /// Notes the status of a job that was read, and learns the duration of its video.
    pub(crate) fn observe(&self, job: &Job) {
        let mut state = self.state();
        let Some(submitted) = state.submitted.get_mut(&job.id()) else { return };
        let is_known = JobStatus::KNOWN.contains(job.status()); // an unknown status proves nothing
        if is_known && submitted.left_over.as_ref().is_some_and(|before| !before.is_shown_by(job)) {
            submitted.left_over = None;
        }
        let template = submitted.key.as_ref().map(|key| key.template);
        if let (Some(template), Some(duration)) = (template, job.duration())
            && *job.status() == JobStatus::Done
            && duration > Duration::ZERO
        {
            if state.video_durations.len() >= MAX_KEYS {
                state.video_durations.clear();
            }
            let known = state.video_durations.entry(template).or_insert_with(|| duration.into());
            *known = (known.min().min(duration)..=known.max().max(duration)).into();
        }
    }

    /// Returns whether this is the latest call on a job, as far as it is known.
    pub(crate) fn knows(&self, job: JobId, entry: EntryId) -> bool {
        self.state().submitted.get(&job).is_some_and(|submitted| submitted.entry == entry)
    }

    /// Returns whether the status of a job is still the final one from before its render.
    pub(crate) fn is_left_over(&self, job: &Job) -> bool {
        self.state().submitted.get(&job.id()).is_some_and(|submitted| {
            submitted.left_over.as_ref().is_some_and(|before| before.is_shown_by(job))
                && submitted.at.elapsed() < LEFT_OVER_GRACE
        })
    }

    /// Returns the time since a job was submitted by this client; `None` for others.
    pub(super) fn age(&self, job: JobId) -> Option<Duration> {
        self.state().submitted.get(&job).map(|submitted| submitted.at.elapsed())
    }

    /// Returns the range of durations of earlier videos of a template.
    pub(crate) fn video_durations(&self, template: TemplateId) -> Option<DurationRange> {
        self.state().video_durations.get(&template).copied()
    }

    /// Learns how long a job ran.
    pub(super) fn learn(&self, job: JobId, run: Duration) {
        let mut state = self.state();
        let Some(key) = state.submitted.get(&job).and_then(|submitted| submitted.key.clone())
        else {
            return;
        };
        if state.run_times.len() >= MAX_KEYS {
            state.run_times.clear();
        }
        state.run_times.entry(key).or_default().add(run);
    }

    /// Returns the run times of jobs like this one.
    pub(super) fn of(&self, job: JobId) -> Option<RunTimeStats> {
        let state = self.state();
        let key = state.submitted.get(&job)?.key.as_ref()?;
        state.run_times.get(key).copied()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(status: &str) -> Job {
        let id = "7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11";
        serde_json::from_value(json!({ "id": id, "status": status, "duration": 30 })).unwrap()
    }

    fn record(
        template_id: Option<TemplateId>,
        operation: BillableOperation,
        before: Option<JobVersion>,
    ) -> SubmissionRecord {
        SubmissionRecord { template_id, before, ..SubmissionRecord::example(operation) }
    }

    fn rendered(run_times: &RunTimes, before: &Job) {
        let before_render = Some(JobVersion::of(before));
        let record = record(None, BillableOperation::Render, before_render);
        run_times.submitted(before.id(), &record, ModelVersion::Standard);
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_from_before_the_render_is_not_the_end_of_the_render() {
        for before in ["failed", "rejected"] {
            let run_times = RunTimes::default();
            let before = job(before);
            assert!(!run_times.is_left_over(&before), "it was not submitted here");
            rendered(&run_times, &before);
            assert!(run_times.is_left_over(&before));
            run_times.observe(&job("running"));
            assert!(!run_times.is_left_over(&before), "it has failed again");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_video_from_before_a_forced_render_is_not_its_result() {
        let video = |url: &str| -> Job {
            let id = job("done").id();
            let json = json!({ "id": id, "status": "done", "video_output": url });
            serde_json::from_value(json).unwrap()
        };
        let run_times = RunTimes::default();
        rendered(&run_times, &video("https://old"));
        assert!(run_times.is_left_over(&video("https://old")));
        assert!(!run_times.is_left_over(&video("https://new")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_left_over_end_is_believed_after_a_while() {
        let run_times = RunTimes::default();
        rendered(&run_times, &job("failed"));
        tokio::time::advance(LEFT_OVER_GRACE).await;
        assert!(!run_times.is_left_over(&job("failed")));
    }

    #[test]
    fn a_render_is_of_the_template_of_its_preview() {
        let run_times = RunTimes::default();
        let template: TemplateId = uuid::Uuid::from_u128(1).into();
        let (preview, render) = (BillableOperation::Preview, BillableOperation::Render);
        let standard = || ModelVersion::Standard;
        let id = job("pending").id();
        run_times.submitted(id, &record(Some(template), preview, None), standard());
        run_times.observe(&job("done"));
        assert_eq!(run_times.video_durations(template), Some(Duration::from_secs(30).into()));
        let before = Some(JobVersion::of(&job("done")));
        run_times.submitted(id, &record(None, render, before), standard());
        run_times.learn(job("done").id(), Duration::from_secs(90));
        assert_eq!(run_times.of(job("done").id()).map(|stats| stats.count()), Some(1));
    }
}

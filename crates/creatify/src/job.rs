//! Jobs: their ids, goals, handles and statuses.

use std::{fmt, str::FromStr, time::Duration};

use chrono::{DateTime, Utc};
use creatify_api::{JobStatus, ModelVersion, types};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use crate::credits::{BillableOperation, Credits};

/// A text that is not the id of a job or template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id: ids are UUIDs such as 7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11")]
pub struct InvalidId(String);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Returns the id as a UUID.
            pub fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text.trim()).map(Self).map_err(|_| InvalidId(text.chars().take(100).collect()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// The id of a job. A render keeps the id of its preview.
    JobId
}
id! {
    /// The id of a custom template.
    TemplateId
}

/// Output that a job is waited for. It decides when a wait is over: `done` alone does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Goal {
    /// The preview link.
    Preview,
    /// The video.
    Video,
}

impl Goal {
    /// Returns the goal of what an operation makes.
    pub(crate) fn of(operation: BillableOperation) -> Self {
        match operation {
            BillableOperation::Preview => Self::Preview,
            BillableOperation::Create | BillableOperation::Render => Self::Video,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Preview => "preview",
            Self::Video => "video",
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A job that may have been paid for: all that is needed to find it again, in any process, at any
/// time.
///
/// Write it down as text or JSON before anything else.
///
/// ```
/// use creatify::{Goal, JobHandle};
///
/// let handle: JobHandle = "video:7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11".parse()?;
/// assert_eq!(handle.goal, Goal::Video);
/// assert_eq!(handle.to_string(), "video:7c0a2d0e-5a0e-4f4b-9d39-2f6f1d7f6a11");
/// # Ok::<(), creatify::InvalidHandle>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JobHandle {
    /// The job.
    pub id: JobId,
    /// Output that it is waited for.
    pub goal: Goal,
}

impl JobHandle {
    /// Returns a handle for a job that was submitted anywhere, by anyone.
    pub fn new(id: impl Into<JobId>, goal: Goal) -> Self {
        Self { id: id.into(), goal }
    }
}

/// A text that is not a handle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a job handle: write preview:ID or video:ID")]
pub struct InvalidHandle(String);

impl FromStr for JobHandle {
    type Err = InvalidHandle;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidHandle(text.chars().take(100).collect());
        let (goal, id) = text.trim().split_once(':').ok_or_else(invalid)?;
        let goal = [Goal::Preview, Goal::Video]
            .into_iter()
            .find(|known| known.as_str() == goal)
            .ok_or_else(invalid)?;
        Ok(Self { id: id.parse().map_err(|_| invalid())?, goal })
    }
}

impl fmt::Display for JobHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.goal, self.id)
    }
}

/// A job as the service described it at one moment. In serde it has the service's own form, unknown
/// fields included.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Job(Box<types::CustomTemplateJob>); // small, since many are waited for at once

/// Status of a job towards a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GoalStatus {
    /// Not there yet; also for every status that this version does not know.
    InProgress,
    /// The goal's output is there.
    Reached,
    /// `done`, but without the goal's output: right after a render is accepted, or when something
    /// is wrong.
    MissingOutput,
    /// It failed.
    Failed,
    /// It was rejected.
    Rejected,
}

impl Job {
    /// Returns its id.
    pub fn id(&self) -> JobId {
        self.0.id.into()
    }

    /// Returns its status, verbatim when this version does not know it.
    pub fn status(&self) -> &JobStatus {
        &self.0.status
    }

    /// Returns its status towards a goal.
    pub fn goal_status(&self, goal: Goal) -> GoalStatus {
        match self.status() {
            JobStatus::Failed => GoalStatus::Failed,
            JobStatus::Rejected => GoalStatus::Rejected,
            JobStatus::Done if self.output(goal).is_some() => GoalStatus::Reached,
            JobStatus::Done => GoalStatus::MissingOutput,
            _ => GoalStatus::InProgress,
        }
    }

    /// Returns the preview link or the video's URL.
    pub fn output(&self, goal: Goal) -> Option<&str> {
        match goal {
            Goal::Preview => self.preview_url(),
            Goal::Video => self.video_url(),
        }
    }

    /// Returns the preview's link, made to be shown in an iframe.
    pub fn preview_url(&self) -> Option<&str> {
        url(&self.0.preview)
    }

    /// Returns the video's URL. It has no documented lifetime: [download](crate::Client::download)
    /// it at once.
    pub fn video_url(&self) -> Option<&str> {
        url(&self.0.video_output)
    }

    /// Returns the editor's URL, for accounts with editor access; it expires in 24 hours.
    pub fn editor_url(&self) -> Option<&str> {
        present(&self.0.editor_url)
    }

    /// Returns why it failed.
    pub fn failed_reason(&self) -> Option<&str> {
        present(&self.0.failed_reason)
    }

    /// Returns its progress, if the service tells it.
    pub fn progress(&self) -> Option<Progress> {
        self.0.progress.as_ref().and_then(Progress::read)
    }

    /// Returns what the last billable call on this job was charged. 0 on a finished job may mean
    /// that the charge is not entered yet.
    pub fn credits_used(&self) -> Option<Credits> {
        self.0.credits_used.as_ref().and_then(Credits::from_number)
    }

    /// Returns the video's duration.
    pub fn duration(&self) -> Option<Duration> {
        let seconds = self.0.duration.as_ref()?.as_f64()?;
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// Returns its name.
    pub fn name(&self) -> Option<&str> {
        present(&self.0.name)
    }

    /// Returns the URL to which the service sends events about it.
    pub fn webhook_url(&self) -> Option<&str> {
        present(&self.0.webhook_url)
    }

    /// Returns the model it is made with.
    pub fn model_version(&self) -> Option<&ModelVersion> {
        self.0.model_version.as_ref()
    }

    /// Returns the time at which it was submitted.
    pub fn created_at(&self) -> Option<DateTime<Utc>> {
        self.0.created_at
    }

    /// Returns the time of its last change.
    pub fn updated_at(&self) -> Option<DateTime<Utc>> {
        self.0.updated_at
    }

    /// Returns the whole answer of the service, in the generated type.
    pub fn as_api(&self) -> &types::CustomTemplateJob {
        &self.0
    }
}

/// Shows only fields that cannot have secrets: a service may repeat credentials in any text.
impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id())
            .field("status", &known_status(self.status()))
            .field("progress", &self.progress())
            .field("has_preview", &self.preview_url().is_some())
            .field("has_video", &self.video_url().is_some())
            .field("credits_used", &self.credits_used())
            .finish_non_exhaustive()
    }
}

impl From<types::CustomTemplateJob> for Job {
    fn from(job: types::CustomTemplateJob) -> Self {
        Self(Box::new(job))
    }
}

/// Returns the name of a status, unless it is a text that this version does not know.
fn known_status(status: &JobStatus) -> &str {
    match status {
        JobStatus::Other(_) => "(unknown)",
        known => known.as_str(),
    }
}

/// Returns a text; null and the empty string both mean none.
fn present(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

/// Returns an absolute URL; any other text is no output.
fn url(text: &Option<String>) -> Option<&str> {
    let is_url = |text: &&str| text.contains("://") && Url::parse(text).is_ok();
    present(text).map(str::trim).filter(is_url)
}

/// Progress of a job, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Progress(f64);

impl Progress {
    /// Returns a part of the whole, limited to 0 to 1; `None` for what is not a number.
    pub fn new(fraction: f64) -> Option<Self> {
        (!fraction.is_nan()).then(|| Self(fraction.clamp(0.0, 1.0)))
    }

    /// Returns it as a number from 0 to 1.
    pub fn fraction(self) -> f64 {
        self.0
    }

    /// Reads it from an answer. The scale is not documented: a number up to 1 is read as a
    /// fraction, a larger one as a percentage. Other resources of the API send strings.
    fn read(progress: &types::Progress) -> Option<Self> {
        let value = match progress {
            types::Progress::Number(number) => number.as_f64()?,
            types::Progress::Text(text) => {
                text.trim().trim_end_matches('%').trim_end().parse().ok()?
            }
        };
        let fraction = if value > 1.0 { value / 100.0 } else { value };
        Self::new(fraction).filter(|_| fraction.is_finite())
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} %", self.0 * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(fields: serde_json::Value) -> Job {
        let mut job = serde_json::json!({ "id": Uuid::nil(), "status": "done" });
        job.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(job).unwrap()
    }

    #[test]
    fn a_preview_is_never_taken_for_a_video() {
        let previewed = job(
            serde_json::json!({ "preview": "https://app.creatify.ai/preview", "video_output": "" }),
        );
        assert_eq!(previewed.goal_status(Goal::Preview), GoalStatus::Reached);
        assert_eq!(previewed.goal_status(Goal::Video), GoalStatus::MissingOutput);
    }

    #[test]
    fn an_output_beside_another_status_is_not_the_goal_yet() {
        for status in ["pending", "in_queue", "running", "completed", "error"] {
            let job = job(
                serde_json::json!({ "status": status, "video_output": "https://media.example.com/old.mp4" }),
            );
            assert_eq!(job.goal_status(Goal::Video), GoalStatus::InProgress, "{status}");
        }
    }

    #[test]
    fn progress_is_read_on_either_scale_as_number_or_text() {
        let read = |progress: serde_json::Value| {
            job(serde_json::json!({ "progress": progress })).progress().map(Progress::fraction)
        };
        assert_eq!(read(0.45.into()), Some(0.45));
        assert_eq!(read(45.into()), Some(0.45));
        assert_eq!(read("45%".into()), Some(0.45));
        assert_eq!(read(1.into()), Some(1.0));
        assert_eq!(read(250.into()), Some(1.0));
        assert_eq!(read((-3).into()), Some(0.0));
        assert_eq!(read("soon".into()), None);
        assert_eq!(read("NaN".into()), None);
        assert_eq!(read(serde_json::Value::Null), None);
    }

    #[test]
    fn a_handle_survives_text_and_json() {
        let handle = JobHandle::new(Uuid::from_u128(7), Goal::Preview);
        assert_eq!(handle.to_string().parse(), Ok(handle));
        let json = serde_json::to_string(&handle).unwrap();
        assert_eq!(json, r#"{"id":"00000000-0000-0000-0000-000000000007","goal":"preview"}"#);
        assert_eq!(serde_json::from_str::<JobHandle>(&json).unwrap(), handle);
        for text in ["", "preview", "preview:x", "done:00000000-0000-0000-0000-000000000007", ":"] {
            assert!(text.parse::<JobHandle>().is_err(), "{text}");
        }
    }

    #[test]
    fn fractional_credits_and_durations_are_exact_or_close() {
        let job = job(serde_json::json!({ "credits_used": 2.5, "duration": 28.04 }));
        assert_eq!(job.credits_used(), Some("2.5".parse().unwrap()));
        assert_eq!(job.duration(), Some(Duration::from_millis(28_040)));
    }
}

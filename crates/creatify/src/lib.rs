#![doc = include_str!("../README.md")]

mod billing;
mod client;
pub mod credits;
mod download;
mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod job;
mod jobs;
pub mod journal;
mod settlement;
mod submission;
mod sync;
mod template;
mod variables;
pub mod wait;
pub mod webhook;

pub use crate::http::{ErrorMessages, ErrorResponse};
pub use client::{Client, ClientBuilder, DEFAULT_BASE_URL};
pub use creatify_api::{Credentials, InvalidCredential, JobStatus, ModelVersion, OperationId};
pub use download::{Download, Downloaded};
pub use error::{ChargeRisk, Error, ErrorKind, OverLimit, Result, RetrySafety};
pub use job::{
    Goal, GoalStatus, InvalidHandle, InvalidId, Job, JobHandle, JobId, Progress, TemplateId,
};
pub use journal::SubmissionRecord;
pub use submission::{
    Create, DryRun, Match, MatchConfidence, Preview, Reconcile, Reconciled, Render, SubmittedJob,
};
pub use template::Template;
pub use variables::Variables;

/// The generated low-level crate, for what this one does not offer.
pub use creatify_api as api;

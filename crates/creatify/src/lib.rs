#![doc = include_str!("../README.md")]

mod accounts;
mod call;
mod client;
pub mod credits;
mod download;
mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod job;
mod lenient;
mod pace;
mod pages;
mod problem;
mod reconcile;
mod retry;
mod submission;
mod transport;
mod variables;
pub mod wait;
pub mod webhook;

pub use client::{Client, ClientBuilder, DEFAULT_BASE_URL};
pub use creatify_api::{
    Credentials, InvalidCredential, JobStatus, ModelVersion, OperationId,
    types::CustomTemplate as Template,
};
pub use download::{Download, Downloaded};
pub use error::{ChargeRisk, Error, ErrorKind, OverLimit, RetrySafety, Sent};
pub use job::{
    Goal, InvalidHandle, InvalidId, Job, JobHandle, JobId, Progress, Standing, TemplateId,
};
pub use problem::{Problem, ServiceAnswer};
pub use reconcile::{Certainty, Match, Reconcile, Reconciled};
pub use submission::{Accepted, Render, Submission};
pub use variables::Variables;

/// The generated low-level crate, for what this one does not offer.
pub use creatify_api as api;

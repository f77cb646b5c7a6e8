//! Billable requests: validation, budget check, sending.

mod from_template;
mod options;
mod prepare;
pub(crate) mod reconcile;
mod render;
mod replay;
pub(crate) mod response_id;
mod send;

pub use from_template::{Create, Preview};
pub use prepare::DryRun;
pub use reconcile::{Match, MatchConfidence, Reconcile, Reconciled};
pub use render::Render;
pub use send::SubmittedJob;
pub(crate) use send::Submitter;

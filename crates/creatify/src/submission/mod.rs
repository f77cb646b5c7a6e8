//! Billable requests: validation, budget check, sending.

mod builders;
mod options;
pub(crate) mod reconcile;
pub(crate) mod response_id;
mod send;

pub use builders::{Create, Preview, Render};
pub use reconcile::{Match, MatchConfidence, Reconcile, Reconciled};
pub use send::SubmittedJob;
pub(crate) use send::Submitter;

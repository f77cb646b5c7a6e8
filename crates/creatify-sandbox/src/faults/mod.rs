//! Faults as data: the vocabulary, the rules, and the schedule that applies them to requests.
//!
//! To add a fault: a variant of [`Fault`] in `fault.rs`, its effect in `fault_layer.rs` (or
//! `webhook.rs`), a row in the README, a test in `tests/faults.rs`.

mod body;
mod fault;
mod rules;
mod schedule;
mod target;

pub(crate) use body::{edit_objects, page_of, replace_values, wrong_type};
pub use fault::Fault;
pub use rules::{Faults, InvalidFaults, Rule};
pub(crate) use schedule::FaultSchedule;
pub use schedule::Fired;
pub use target::Target;

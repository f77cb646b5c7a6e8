//! Faults as data: the vocabulary, the rules, and the schedule that applies them to requests.
//!
//! To add a fault: a variant of [`Fault`] in `fault.rs` (or of [`BodyForm`] in `body.rs`), its
//! effect in `fault_layer/` (or `webhook.rs`), a row in the README, a test in `tests/faults.rs`.

mod body;
mod fault;
mod json;
mod rules;
mod schedule;
mod target;

pub use body::BodyForm;
pub use fault::{ContentType, Fault, Field};
pub(crate) use json::{edit_objects, page_of, replace_values, wrong_type};
pub use rules::{Faults, InvalidFaults, Rule};
pub(crate) use schedule::FaultSchedule;
pub use schedule::Fired;
pub use target::Target;

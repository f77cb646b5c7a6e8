#![doc = include_str!("../README.md")]

mod answer;
mod api;
mod charge;
mod clock;
mod faults;
mod job;
mod lifecycle;
mod media;
mod options;
mod page;
mod requests;
mod sandbox;
mod serve;
mod service;
mod templates;
mod validate;
mod webhook;
mod world;

#[cfg(test)]
mod tests;

pub use faults::{Fault, Faults, Fired, InvalidFaults, Rule, Target};
pub use lifecycle::{ProgressProfile, Timing};
pub use options::{DEMO_SPEED, SandboxBuilder, StartError};
pub use requests::Request;
pub use sandbox::{AcceptedCall, AcceptedJob, Sandbox};
pub use templates::{Template, templates};

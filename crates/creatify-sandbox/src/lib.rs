#![doc = include_str!("../README.md")]

mod api;
mod builder;
mod charge;
mod clock;
mod credentials;
mod fault_layer;
mod faults;
mod job;
mod lifecycle;
mod media;
mod media_file;
mod page;
mod requests;
mod response;
mod sandbox;
mod serve;
mod service;
mod state;
mod templates;
mod validate;
mod webhook;

#[cfg(test)]
mod tests;

pub use builder::{DEMO_SPEED, SandboxBuilder, StartError};
pub use faults::{BodyForm, ContentType, Fault, Faults, Field, Fired, InvalidFaults, Rule, Target};
pub use lifecycle::{ProgressProfile, Timing};
pub use requests::Request;
pub use sandbox::{AcceptedCall, AcceptedJob, Sandbox};
pub use templates::{Template, templates};

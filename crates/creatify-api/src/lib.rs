#![doc = include_str!("../README.md")]

mod credentials;
pub mod credit_rates;
mod hooks;
mod next_page;
mod open_enum;
mod redact;

pub use credentials::{Credentials, InvalidCredential};
pub use hooks::{BodyExtent, Context, MAX_BODY_BYTES, Received};

#[allow(missing_docs, clippy::all, clippy::unwrap_used, rustdoc::all)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/codegen.rs"));
}
pub use generated::*;

include!(concat!(env!("OUT_DIR"), "/spec_data.rs"));

/// The `openapi.yaml` from which this crate was generated.
pub const OPENAPI_YAML: &str = include_str!("../openapi.yaml");

/// Generated source of the client, for the tests that review its surface.
#[doc(hidden)]
pub const GENERATED_SOURCE: &str = include_str!(concat!(env!("OUT_DIR"), "/codegen.rs"));

//! The promises of webhooks: a delivery ends a wait early, and nothing that is delivered changes a
//! result or costs more than a few requests.

#![allow(clippy::unwrap_used)] // a test file

mod deliveries;
mod http;
mod other_process;
mod server;

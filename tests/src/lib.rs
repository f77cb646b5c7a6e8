//! Reading `openapi.yaml` for tests: its document, its schemas as JSON Schema, its contract, and
//! the Rust type of each component.
//!
//! The README's example is compiled here:
#![doc = include_str!("../../README.md")]
#![allow(clippy::expect_used, clippy::panic)] // for tests only

pub mod contract;
pub mod document;
pub mod fleet;
pub mod kills;
pub mod one_by_one;
pub mod postgres;
pub mod rust_types;

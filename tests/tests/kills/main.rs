//! A program that is killed with SIGKILL at any moment, and started again: no key is sent twice,
//! and none is lost.

// Tests that show what they did.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod clocks;
mod every_place;
mod example;
mod program;
mod proxy;
mod race;
mod random;
mod stores;

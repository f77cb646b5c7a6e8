//! Pinned external tools, installed under `target/tools` on first use.

mod cargo;
mod install;
mod node;
mod python;

pub use cargo::{cargo_fuzz, deny, semver_checks};
pub use install::version;
pub use node::{node, node_modules};
pub use python::python;

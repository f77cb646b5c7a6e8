//! Versions of the tables: the number of steps that made them.

use crate::connection::StoreError;

/// The steps from each version of the tables to the next.
pub(crate) type Steps = &'static [&'static str];

/// Returns the steps from a version of the tables to the latest. A newer version is refused.
pub(crate) fn pending(found: i64, steps: Steps) -> Result<Steps, StoreError> {
    let pending = usize::try_from(found).ok().and_then(|found| steps.get(found..));
    pending.ok_or(StoreError::NewerSchema { found, known: version(steps) })
}

/// Returns the version that all steps make.
pub(crate) fn version(steps: Steps) -> i64 {
    i64::try_from(steps.len()).unwrap_or(i64::MAX)
}

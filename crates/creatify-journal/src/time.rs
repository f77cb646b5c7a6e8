//! Times as the stores keep them: in microseconds since 1970.

use chrono::{DateTime, SubsecRound as _, Utc};

/// Returns the time of this machine, in whole microseconds.
#[cfg(feature = "sqlite")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// Returns the microseconds since 1970 of a time, rounded up.
pub(crate) fn micros(time: DateTime<Utc>) -> i64 {
    let is_between = time.trunc_subsecs(6) != time;
    time.timestamp_micros().saturating_add(i64::from(is_between))
}

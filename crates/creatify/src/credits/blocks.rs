//! Prices by started blocks, and prices that are derived from two of them. `None` is an amount that
//! is too large to hold.

use std::time::Duration;

use super::{Bound, Credits, DurationRange};

/// A price for every started block.
#[derive(Clone, Copy)]
pub(super) struct PerBlock {
    pub(super) credits: Credits,
    pub(super) block: Duration,
}

impl PerBlock {
    pub(super) fn of(self, duration: Duration) -> Option<Credits> {
        self.credits.checked_mul(started_blocks(duration, self.block)?)
    }
}

/// Returns the number of started blocks; at least one.
fn started_blocks(duration: Duration, block: Duration) -> Option<u64> {
    let (duration, block) = (duration.as_nanos(), block.as_nanos().max(1));
    // Any video is short enough for the faster division.
    let blocks = match (u64::try_from(duration), u64::try_from(block)) {
        (Ok(duration), Ok(block)) => duration.div_ceil(block),
        _ => u64::try_from(duration.div_ceil(block)).ok()?,
    };
    Some(blocks.max(1))
}

/// The prices that a derived price lies between.
pub(super) struct Derived {
    pub(super) create: PerBlock,
    pub(super) preview: PerBlock,
}

impl Derived {
    fn at(&self, bound: Bound, duration: Duration) -> Option<Credits> {
        let create = self.create.of(duration)?;
        match bound {
            Bound::Create => Some(create),
            Bound::CreateLessPreview => {
                let less = create.checked_sub(self.preview.of(duration)?)?;
                Some(less.max(Credits::ZERO))
            }
        }
    }

    /// Returns the minimum of a bound over a range. `create - preview` falls where a preview block
    /// starts, so the shortest duration is not always the cheapest: the starts of the next preview
    /// blocks are tried too.
    pub(super) fn least(&self, bound: Bound, seconds: DurationRange) -> Option<Credits> {
        let mut least = self.at(bound, seconds.min())?;
        if bound == Bound::CreateLessPreview {
            let (create, preview) = (self.create.block, self.preview.block);
            let mut start = blocks_end(seconds.min(), preview);
            // After one create block and one preview block the same differences repeat, higher.
            let last =
                seconds.max().min(seconds.min().saturating_add(create).saturating_add(preview));
            while start < last {
                least = least.min(self.at(bound, start.saturating_add(Duration::from_nanos(1)))?);
                start = start.saturating_add(preview);
            }
        }
        Some(least)
    }

    /// Returns the maximum of a bound over a range. `create` never falls; `create - preview` is
    /// highest at the end, or just before the last preview block starts.
    pub(super) fn most(&self, bound: Bound, seconds: DurationRange) -> Option<Credits> {
        match bound {
            Bound::Create => self.at(Bound::Create, seconds.max()),
            Bound::CreateLessPreview => {
                let preview = self.preview.block;
                let before =
                    blocks_end(seconds.max(), preview).saturating_sub(preview).max(seconds.min());
                Some(self.at(bound, seconds.max())?.max(self.at(bound, before)?))
            }
        }
    }
}

/// Returns the end of the block that a duration lies in.
fn blocks_end(duration: Duration, block: Duration) -> Duration {
    let begun = duration.as_nanos() % block.as_nanos().max(1);
    match u64::try_from(begun) {
        Ok(0) | Err(_) => duration,
        Ok(begun) => duration.saturating_add(block - Duration::from_nanos(begun)),
    }
}

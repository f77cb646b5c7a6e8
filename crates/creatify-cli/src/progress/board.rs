//! The lines of progress that are drawn together, and that stay as they are when all is over.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use creatify::JobId;
use indicatif::ProgressBar;

use super::style::Line;
use crate::output::Output;

/// With more jobs than this, they have no lines of their own.
pub(super) const MAX_BARS: usize = 8;
const TICK: Duration = Duration::from_millis(120);

/// A group of lines on the terminal.
pub(super) struct Board {
    output: Output,
    /// Lines that have ended are kept, since a redraw forgets those that nobody holds.
    bars: Mutex<Vec<ProgressBar>>,
}

impl Board {
    pub(super) fn new(output: &Output) -> Self {
        Self { output: output.clone(), bars: Mutex::default() }
    }

    /// Adds a line, above the last one if there is one with totals; `None` without a terminal.
    pub(super) fn add(
        &self,
        line: &Line,
        length: Option<u64>,
        above: Option<&ProgressBar>,
    ) -> Option<ProgressBar> {
        let bars = self.output.bars()?;
        let bar = match length {
            Some(length) => ProgressBar::new(length),
            None => ProgressBar::no_length(),
        };
        let bar = bar.with_style(line.style());
        let bar = match above {
            Some(last) => bars.insert_before(last, bar),
            None => bars.add(bar),
        };
        bar.enable_steady_tick(TICK);
        self.lock().push(bar.clone());
        Some(bar)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ProgressBar>> {
        self.bars.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Board {
    /// Leaves the lines where they are, as text.
    fn drop(&mut self) {
        let bars = std::mem::take(&mut *self.lock());
        if bars.is_empty() {
            return;
        }
        for bar in bars.iter().filter(|bar| !bar.is_finished()) {
            bar.abandon();
        }
        self.output.stop_drawing();
        if let Some(drawn) = self.output.bars() {
            bars.iter().for_each(|bar| drawn.remove(bar));
        }
        self.output.resume_drawing();
    }
}

/// Returns the first characters of an id, which are enough on a screen.
pub(super) fn short(id: JobId) -> String {
    id.to_string().chars().take(8).collect()
}

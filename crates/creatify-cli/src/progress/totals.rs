//! Totals of several jobs: how many are in each stage.

use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;

use super::{
    board::Board,
    style::{Layout, Line},
};

/// Stage of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Waiting,
    Running,
    Done,
    Failed,
    /// It is no longer waited for, and goes on.
    GoesOn,
}

/// Number of jobs in each stage.
pub(super) struct Totals {
    pub(super) bar: ProgressBar,
    line: Line,
    counts: Mutex<[usize; 5]>,
}

impl Totals {
    /// Draws totals; `None` without a terminal.
    pub(super) fn new(board: &Board, jobs: usize) -> Option<Self> {
        let line = Line::new(Layout::Totals, String::new());
        let bar = board.add(&line, Some(jobs as u64), None)?;
        let totals = Self { bar, line, counts: Mutex::new([jobs, 0, 0, 0, 0]) };
        totals.moved(Stage::Waiting, Stage::Waiting);
        Some(totals)
    }

    pub(super) fn moved(&self, from: Stage, to: Stage) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts[from as usize] -= 1;
        counts[to as usize] += 1;
        let [waiting, running, done, failed, going_on] = *counts;
        let parts = [
            (waiting, "waiting"),
            (running, "running"),
            (failed, "failed"),
            (going_on, "still going"),
        ];
        let parts = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, stage)| format!("{count} {stage}"));
        self.line.set(parts.collect::<Vec<_>>().join(", "));
        self.bar.set_position((done + failed) as u64);
        if waiting + running == 0 {
            self.bar.abandon();
        }
    }
}

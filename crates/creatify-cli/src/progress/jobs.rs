//! Progress of waits: a line for each of a few jobs, totals for several, and one plain line for
//! each change of status without a terminal.

use std::{sync::Arc, time::Duration};

use creatify::{
    ErrorKind, Goal, Job, JobHandle, JobStatus,
    wait::{Eta, WaitEvent},
};
use indicatif::ProgressBar;

use super::{
    board::{Board, MAX_BARS, short},
    style::{Layout, Line},
    totals::{Stage, Totals},
};
use crate::{
    error::CliError,
    output::{Output, visible},
};

/// The bars of all jobs that are waited for together.
pub(crate) struct Bars {
    output: Output,
    board: Board,
    /// Present with more than one job, on a terminal.
    totals: Option<Arc<Totals>>,
    jobs: usize,
}

/// The bar of one job, or its lines.
pub(crate) struct Bar {
    output: Output,
    handle: JobHandle,
    line: Line,
    bar: Option<ProgressBar>,
    totals: Option<Arc<Totals>>,
    stage: Stage,
    last_status: Option<String>,
}

impl Bars {
    pub(crate) fn new(output: &Output, jobs: usize) -> Self {
        let board = Board::new(output);
        let totals = (jobs > 1).then(|| Totals::new(&board, jobs)).flatten().map(Arc::new);
        Self { output: output.clone(), board, totals, jobs }
    }

    pub(crate) fn bar(&self, handle: JobHandle) -> Bar {
        let line = Line::new(Layout::Job, label(handle));
        line.set("submitted".to_owned());
        let above = self.totals.as_ref().map(|totals| &totals.bar);
        let bar = (self.jobs <= MAX_BARS).then(|| self.board.add(&line, Some(100), above));
        Bar {
            output: self.output.clone(),
            handle,
            line,
            bar: bar.flatten(),
            totals: self.totals.clone(),
            stage: Stage::Waiting,
            last_status: None,
        }
    }
}

impl Bar {
    pub(crate) fn update(&mut self, event: &WaitEvent) {
        match event {
            WaitEvent::Progress { job, eta, .. } => {
                self.show(job, *eta);
                self.count(match job.status() {
                    JobStatus::Pending | JobStatus::InQueue | JobStatus::Done => Stage::Waiting,
                    _ => Stage::Running,
                });
            }
            WaitEvent::Completed(job) => {
                self.show(job, None);
                self.count(Stage::Done);
                if let Some(bar) = &self.bar {
                    bar.abandon();
                }
            }
            WaitEvent::PollFailed(error) => self.output.note(&format!(
                "{}: its status could not be read, and is read again: {error}",
                self.handle.id
            )),
            _ => {}
        }
    }

    /// Shows that the wait ended without the output.
    pub(crate) fn failed(&mut self, error: &CliError) {
        let (stage, end) = match error {
            CliError::NotRendered(_) => (Stage::Failed, "has a preview only"),
            CliError::Sdk(error) => match error.kind() {
                ErrorKind::JobFailed => (Stage::Failed, "failed"),
                ErrorKind::JobRejected => (Stage::Failed, "rejected"),
                ErrorKind::TimedOut => (Stage::GoesOn, "time-out; the job goes on"),
                ErrorKind::NoOutput => (Stage::Failed, "done without output"),
                _ => (Stage::GoesOn, "its status cannot be read"),
            },
            _ => (Stage::Failed, "ended"),
        };
        self.count(stage);
        if let Some(bar) = &self.bar {
            self.line.fail(end);
            bar.abandon();
        }
    }

    fn show(&mut self, job: &Job, eta: Option<Eta>) {
        let status = visible(&job.status().to_string()).into_owned();
        if let Some(bar) = &self.bar {
            // `done` without the output is the moment between two steps; a full bar would lie.
            let done = job.output(self.handle.goal).is_some() && *job.status() == JobStatus::Done;
            let position = job.progress().map_or(0.0, |progress| progress.fraction() * 100.0);
            self.line.set(match eta {
                Some(eta) => format!("{status}, about {} left", rounded(eta.remaining)),
                None => status.clone(),
            });
            bar.set_position(if done { 100 } else { position.min(99.0) as u64 });
        } else if self.last_status.as_ref() != Some(&status) && self.totals.is_none() {
            self.output.note(&format!("{}: {status}", self.handle.id));
        }
        self.last_status = Some(status);
    }

    fn count(&mut self, stage: Stage) {
        if let Some(totals) = &self.totals {
            totals.moved(self.stage, stage);
        }
        self.stage = stage;
    }
}

fn label(handle: JobHandle) -> String {
    let output = match handle.goal {
        Goal::Preview => "preview",
        _ => "video  ",
    };
    format!("{output} {}", short(handle.id))
}

/// Returns whole seconds up to a minute and a half, then half minutes: it is not known better.
fn rounded(remaining: Duration) -> String {
    let seconds = remaining.as_secs().max(1);
    match seconds {
        0..90 => format!("{seconds} s"),
        _ => format!("{} min", (seconds as f64 / 30.0).round() / 2.0),
    }
}

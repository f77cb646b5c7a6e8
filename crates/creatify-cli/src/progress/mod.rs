//! Progress on stderr: a bar for each of a few jobs, totals for several, and one plain line for each
//! change of status without a terminal.

mod style;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use creatify::{
    ErrorKind, Goal, Job, JobHandle, JobId, JobStatus,
    wait::{Eta, WaitEvent},
};
use indicatif::{MultiProgress, ProgressBar};

use crate::{
    error::CliError,
    output::{Output, visible},
};

/// With more jobs than this, only the totals are drawn.
const MAX_BARS: usize = 8;
const TICK: Duration = Duration::from_millis(120);

/// The bars of all jobs that are waited for together.
pub(crate) struct Bars {
    output: Output,
    /// Present with more than one job.
    totals: Option<Arc<Totals>>,
    jobs: usize,
}

/// The bar of one job, or its lines.
pub(crate) struct Bar {
    output: Output,
    handle: JobHandle,
    bar: Option<ProgressBar>,
    totals: Option<Arc<Totals>>,
    stage: Stage,
    last_status: Option<String>,
}

/// Stage of a job, for the totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Running,
    Done,
    Failed,
}

/// Number of jobs in each stage.
struct Totals {
    bar: ProgressBar,
    counts: Mutex<[usize; 4]>,
}

impl Bars {
    pub(crate) fn new(output: &Output, jobs: usize) -> Self {
        let bars = output.bars().filter(|_| jobs > 1);
        let totals = bars.map(|bars| Arc::new(Totals::new(bars, jobs)));
        Self { output: output.clone(), totals, jobs }
    }

    pub(crate) fn bar(&self, handle: JobHandle) -> Bar {
        let bars = self.output.bars().filter(|_| self.jobs <= MAX_BARS);
        let bar = bars.map(|bars| {
            let bar = ProgressBar::new(100)
                .with_style(style::job())
                .with_prefix(label(handle))
                .with_message("submitted");
            let bar = match &self.totals {
                Some(totals) => bars.insert_before(&totals.bar, bar),
                None => bars.add(bar),
            };
            bar.enable_steady_tick(TICK);
            bar
        });
        Bar {
            output: self.output.clone(),
            handle,
            bar,
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
        self.count(Stage::Failed);
        if let Some(bar) = self.bar.take() {
            let end = match error {
                CliError::NotRendered(_) => "has a preview only",
                CliError::Sdk(error) => match error.kind() {
                    ErrorKind::JobFailed => "failed",
                    ErrorKind::JobRejected => "rejected",
                    ErrorKind::TimedOut => "time-out; the job goes on",
                    ErrorKind::NoOutput => "done without output",
                    _ => "its status cannot be read",
                },
                _ => "ended",
            };
            bar.set_style(style::failed());
            bar.abandon_with_message(end);
        }
    }

    fn show(&mut self, job: &Job, eta: Option<Eta>) {
        let status = visible(&job.status().to_string()).into_owned();
        if let Some(bar) = &self.bar {
            // `done` without the output is the moment between two steps; a full bar would lie.
            let done = job.output(self.handle.goal).is_some() && *job.status() == JobStatus::Done;
            let position = job.progress().map_or(0.0, |progress| progress.fraction() * 100.0);
            bar.set_position(if done { 100 } else { position.min(99.0) as u64 });
            bar.set_message(match eta {
                Some(eta) => format!("{status}, about {} left", rounded(eta.remaining)),
                None => status.clone(),
            });
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

impl Drop for Bar {
    /// Leaves the bar as it is and stops drawing.
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }
}

impl Totals {
    fn new(bars: &MultiProgress, jobs: usize) -> Self {
        let bar = bars.add(ProgressBar::new(jobs as u64).with_style(style::totals()));
        bar.enable_steady_tick(TICK);
        let totals = Self { bar, counts: Mutex::new([jobs, 0, 0, 0]) };
        totals.moved(Stage::Waiting, Stage::Waiting);
        totals
    }

    fn moved(&self, from: Stage, to: Stage) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts[from as usize] -= 1;
        counts[to as usize] += 1;
        let [waiting, running, done, failed] = *counts;
        self.bar.set_position((done + failed) as u64);
        let parts = [(waiting, "waiting"), (running, "running"), (failed, "failed")];
        let parts = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, stage)| format!("{count} {stage}"));
        self.bar.set_message(parts.collect::<Vec<_>>().join(", "));
        if waiting + running == 0 {
            self.bar.abandon();
        }
    }
}

/// The bar of a download.
pub(crate) struct DownloadBar(Option<ProgressBar>);

impl DownloadBar {
    pub(crate) fn new(output: &Output, id: JobId) -> Self {
        Self(output.bars().map(|bars| {
            let bar = bars.add(
                ProgressBar::no_length()
                    .with_style(style::download())
                    .with_prefix(format!("file    {}", short(id))),
            );
            bar.enable_steady_tick(TICK);
            bar
        }))
    }

    /// Returns the function that is told how many bytes have arrived, and of how many.
    pub(crate) fn reporter(&self) -> impl FnMut(u64, Option<u64>) + Send + 'static {
        let bar = self.0.clone();
        move |bytes, total| {
            let Some(bar) = &bar else { return };
            bar.set_position(bytes);
            if let Some(total) = total {
                bar.set_length(total);
            }
        }
    }

    /// Shows how the download ended.
    pub(crate) fn end<T>(&self, result: &Result<T, CliError>) {
        let Some(bar) = &self.0 else { return };
        match result {
            Ok(_) => bar.abandon_with_message("done"),
            Err(_) => {
                bar.set_style(style::failed());
                bar.abandon_with_message("failed");
            }
        }
    }
}

fn label(handle: JobHandle) -> String {
    let output = match handle.goal {
        Goal::Preview => "preview",
        _ => "video  ",
    };
    format!("{output} {}", short(handle.id))
}

fn short(id: JobId) -> String {
    id.to_string().chars().take(8).collect()
}

/// Returns whole seconds up to a minute and a half, then half minutes: it is not known better.
fn rounded(remaining: Duration) -> String {
    let seconds = remaining.as_secs().max(1);
    match seconds {
        0..90 => format!("{seconds} s"),
        _ => format!("{} min", (seconds as f64 / 30.0).round() / 2.0),
    }
}

//! How does a wait look? A bar for each of a few jobs, one bar with totals for many, and off a terminal a plain line for each change.

use std::{
    io::IsTerminal,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use creatify::{
    Goal, Job, JobHandle, JobStatus,
    wait::{Eta, WaitEvent},
};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{output, session::Session};

/// With more jobs than this, only the totals are drawn.
const MOST_BARS: usize = 8;

/// The bars of all jobs that are waited for together.
pub(crate) struct Bars {
    multi: Option<MultiProgress>,
    /// With more than one job.
    totals: Option<Arc<Totals>>,
    quiet: bool,
    jobs: usize,
}

/// One job's bar, or its lines.
pub(crate) struct Bar {
    handle: JobHandle,
    bar: Option<ProgressBar>,
    totals: Option<Arc<Totals>>,
    stage: Stage,
    quiet: bool,
    last_status: Option<String>,
}

/// Where a job stands, for the totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Running,
    Done,
    Failed,
}

/// How many jobs are where.
struct Totals {
    bar: ProgressBar,
    counts: Mutex<[usize; 4]>,
}

impl Bars {
    pub(crate) fn new(session: &Session, jobs: usize) -> Self {
        let shown = !session.quiet && std::io::stderr().is_terminal();
        let multi = shown.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));
        let totals =
            multi.as_ref().filter(|_| jobs > 1).map(|multi| Arc::new(Totals::new(multi, jobs)));
        Self { multi, totals, quiet: session.quiet, jobs }
    }

    pub(crate) fn bar(&self, handle: JobHandle) -> Bar {
        let bar = self.multi.as_ref().filter(|_| self.jobs <= MOST_BARS).map(|multi| {
            let bar = ProgressBar::new(100)
                .with_style(style(JOB))
                .with_prefix(label(handle))
                .with_message("submitted");
            let place = self.totals.as_ref().map(|totals| &totals.bar);
            let bar = match place {
                Some(totals) => multi.insert_before(totals, bar),
                None => multi.add(bar),
            };
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Bar {
            handle,
            bar,
            totals: self.totals.clone(),
            stage: Stage::Waiting,
            quiet: self.quiet,
            last_status: None,
        }
    }
}

impl Bar {
    pub(crate) fn update(&mut self, update: &WaitEvent) {
        match update {
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
            WaitEvent::PollFailed(error) => {
                self.say(&format!("{}: a look failed and is tried again: {error}", self.handle.id))
            }
            _ => {}
        }
    }

    /// The wait ended without the goal.
    pub(crate) fn failed(&mut self) {
        self.count(Stage::Failed);
    }

    fn show(&mut self, job: &Job, eta: Option<Eta>) {
        let status = job.status().to_string();
        if let Some(bar) = &self.bar {
            // `done` without the output is the moment between two steps; a full bar would lie.
            let done = job.output(self.handle.goal).is_some();
            let position = job.progress().map_or(0.0, |progress| progress.fraction() * 100.0);
            bar.set_position(if done { 100 } else { position.min(99.0) as u64 });
            bar.set_message(match eta {
                Some(eta) => format!("{status}, about {} left", rounded(eta.remaining)),
                None => status.clone(),
            });
        } else if self.last_status.as_ref() != Some(&status) && !self.quiet && self.totals.is_none()
        {
            output::line(&format!("{}: {status}", self.handle.id));
        }
        self.last_status = Some(status);
    }

    fn count(&mut self, stage: Stage) {
        if let Some(totals) = &self.totals {
            totals.moved(self.stage, stage);
        }
        self.stage = stage;
    }

    fn say(&self, text: &str) {
        let bar = self.bar.as_ref().or(self.totals.as_ref().map(|totals| &totals.bar));
        match bar {
            _ if self.quiet => {}
            Some(bar) => bar.suspend(|| output::line(text)),
            None => output::line(text),
        }
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
    fn new(multi: &MultiProgress, jobs: usize) -> Self {
        let bar = multi.add(ProgressBar::new(jobs as u64).with_style(style(TOTALS)));
        bar.enable_steady_tick(Duration::from_millis(120));
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
            .map(|(count, what)| format!("{count} {what}"));
        self.bar.set_message(parts.collect::<Vec<_>>().join(", "));
        if waiting + running == 0 {
            self.bar.abandon();
        }
    }
}

fn label(handle: JobHandle) -> String {
    let what = match handle.goal {
        Goal::Preview => "preview",
        _ => "video  ",
    };
    let id = handle.id.to_string();
    format!("{what} {}", id.get(..8).unwrap_or(&id))
}

/// Whole seconds up to a minute and a half, then half minutes: more would be pretence.
fn rounded(remaining: Duration) -> String {
    let seconds = remaining.as_secs().max(1);
    match seconds {
        0..90 => format!("{seconds} s"),
        _ => format!("{} min", (seconds as f64 / 30.0).round() / 2.0),
    }
}

const JOB: &str = "{prefix:.bold}  {bar:32.cyan/dim}  {percent:>3} %  {elapsed:>4}  {msg}";
const TOTALS: &str = "{pos} of {len} ended  {bar:32.green/dim}  {elapsed:>4}  {msg}";

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━━─")
}

//! How does a wait look? A bar on a terminal, otherwise one plain line for each change of status.

use std::{io::IsTerminal, time::Duration};

use creatify::{Goal, Job, JobHandle, wait::Update};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{output, session::Session};

/// The bars of all jobs that are waited for together.
pub(crate) struct Bars {
    multi: Option<MultiProgress>,
    quiet: bool,
}

/// One job's bar, or its lines.
pub(crate) struct Bar {
    handle: JobHandle,
    bar: Option<ProgressBar>,
    quiet: bool,
    last_status: Option<String>,
}

impl Bars {
    pub(crate) fn new(session: &Session) -> Self {
        let shown = !session.quiet && std::io::stderr().is_terminal();
        Self { multi: shown.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr())), quiet: session.quiet }
    }

    pub(crate) fn bar(&self, handle: JobHandle) -> Bar {
        let bar = self.multi.as_ref().map(|multi| {
            let bar = multi.add(ProgressBar::new(100).with_style(style()).with_prefix(label(handle)).with_message("submitted"));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Bar { handle, bar, quiet: self.quiet, last_status: None }
    }
}

impl Bar {
    pub(crate) fn update(&mut self, update: &Update) {
        match update {
            Update::Changed(job) | Update::Reached(job) => self.show(job),
            Update::LookFailed(error) => self.say(&format!("{}: a look failed and is tried again: {error}", self.handle.id)),
            _ => {}
        }
    }

    fn show(&mut self, job: &Job) {
        let status = job.status().to_string();
        if let Some(bar) = &self.bar {
            // `done` without the output is the moment between two steps; a full bar would lie.
            let done = job.output(self.handle.goal).is_some();
            let position = job.progress().map_or(0.0, |progress| progress.fraction() * 100.0);
            bar.set_position(if done { 100 } else { position.min(99.0) as u64 });
            bar.set_message(status.clone());
        } else if self.last_status.as_ref() != Some(&status) && !self.quiet {
            output::line(&format!("{}: {status}", self.handle.id));
        }
        self.last_status = Some(status);
    }

    fn say(&self, text: &str) {
        match &self.bar {
            _ if self.quiet => {}
            Some(bar) => bar.suspend(|| output::line(text)),
            None => output::line(text),
        }
    }

    /// Leaves the bar as it is and stops drawing.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
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

fn style() -> ProgressStyle {
    let template = "{prefix:.bold}  {bar:32.cyan/dim}  {percent:>3} %  {elapsed:>4}  {msg}";
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━─")
}

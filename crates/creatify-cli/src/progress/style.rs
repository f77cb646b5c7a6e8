//! Text of progress lines. A line is always narrower than the terminal, also after it was resized:
//! a full line would be joined with the next one when the terminal becomes wider, and the redraw
//! would then wipe what stands above.

use std::{
    fmt::Write,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use console::{style, truncate_str};
use indicatif::{DecimalBytes, ProgressState, ProgressStyle};

/// A narrower terminal gets no bar, only the numbers.
const MIN_COLUMNS_FOR_BAR: usize = 70;
const BAR_CELLS: u64 = 16;

/// Parts of a line, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// `video   7c0a2d0e  ━━━───  35 %   12s  running`
    Job,
    /// `2 of 3 ended  ━━━───   12s  1 running`
    Totals,
    /// `file    7c0a2d0e  ━━━───  1.2 MB   12s`
    Download,
    /// `video   7c0a2d0e   12s  failed`, in red
    Failed,
}

/// The text of one line, which changes as the job does.
#[derive(Debug, Clone)]
pub(super) struct Line(Arc<Mutex<Text>>);

#[derive(Debug)]
struct Text {
    layout: Layout,
    label: String,
    message: String,
}

impl Line {
    pub(super) fn new(layout: Layout, label: String) -> Self {
        Self(Arc::new(Mutex::new(Text { layout, label, message: String::new() })))
    }

    pub(super) fn set(&self, message: String) {
        self.change(|text| text.message = message);
    }

    pub(super) fn fail(&self, message: &str) {
        self.change(|text| {
            text.layout = Layout::Failed;
            text.message = message.to_owned();
        });
    }

    /// Returns the style that draws this line.
    pub(super) fn style(&self) -> ProgressStyle {
        let line = self.clone();
        let draw = move |state: &ProgressState, out: &mut dyn Write| {
            let (_, columns) = console::Term::stderr().size();
            let now = Now {
                position: state.pos(),
                length: state.len().unwrap_or_default(),
                elapsed: state.elapsed(),
                columns: usize::from(columns),
            };
            let text = line.0.lock().unwrap_or_else(PoisonError::into_inner).draw(now);
            let _ = out.write_str(&text); // a String takes everything
        };
        ProgressStyle::with_template("{line}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("line", draw)
    }

    fn change(&self, change: impl FnOnce(&mut Text)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The state of a line when it is drawn.
struct Now {
    position: u64,
    /// Zero while it is not known.
    length: u64,
    elapsed: Duration,
    columns: usize,
}

impl Text {
    fn draw(&self, now: Now) -> String {
        let Now { position, length, columns, .. } = now;
        let bar = (columns >= MIN_COLUMNS_FOR_BAR && length > 0).then(|| gauge(position, length));
        let bar = bar.unwrap_or_default();
        let elapsed = format!("{:>4}", elapsed(now.elapsed));
        let label = style(&self.label).for_stderr().bold();
        let message = &self.message;
        let line = match self.layout {
            Layout::Job => {
                let percent = (position * 100).checked_div(length).unwrap_or_default();
                format!("{label}{bar}  {percent:>3} %  {elapsed}  {message}")
            }
            Layout::Totals => format!("{position} of {length} ended{bar}  {elapsed}  {message}"),
            Layout::Download => {
                let bytes = DecimalBytes(position).to_string();
                format!("{label}{bar}  {bytes:>10}  {elapsed}  {message}")
            }
            Layout::Failed => {
                format!("{label}  {elapsed}  {}", style(message).for_stderr().red())
            }
        };
        truncate_str(line.trim_end(), columns.saturating_sub(1).max(1), "…").into_owned()
    }
}

fn gauge(position: u64, length: u64) -> String {
    let filled = position.min(length).saturating_mul(BAR_CELLS) / length.max(1);
    let cells = (0..BAR_CELLS).map(|cell| if cell < filled { '━' } else { '─' });
    format!("  {}", style(cells.collect::<String>()).for_stderr().cyan())
}

fn elapsed(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        seconds => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(layout: Layout, message: &str, columns: usize) -> String {
        let (label, message) = ("video   7c0a2d0e".to_owned(), message.to_owned());
        let elapsed = Duration::from_secs(605);
        let text = Text { layout, label, message };
        let text = text.draw(Now { position: 35, length: 100, elapsed, columns });
        console::strip_ansi_codes(&text).into_owned()
    }

    #[test]
    fn a_line_is_narrower_than_the_terminal() {
        for layout in [Layout::Job, Layout::Totals, Layout::Download, Layout::Failed] {
            for columns in 2..120 {
                let line = draw(layout, "running, about 2.5 min left", columns);
                assert!(console::measure_text_width(&line) < columns, "{columns}: {line}");
            }
        }
        assert_eq!(
            draw(Layout::Job, "running, about 2.5 min left", 80),
            "video   7c0a2d0e  ━━━━━───────────   35 %  10m05s  running, about 2.5 min left"
        );
    }

    #[test]
    fn a_failed_line_shows_no_percentage() {
        assert_eq!(draw(Layout::Failed, "failed", 80), "video   7c0a2d0e  10m05s  failed");
    }
}

//! Styles of progress bars. No line is ever wider than the terminal, also after it was resized.

use std::fmt::Write;

use indicatif::{ProgressState, ProgressStyle};

/// A narrower terminal gets no bar, only the numbers.
const MIN_COLUMNS_FOR_BAR: u16 = 70;
const BAR_CELLS: u64 = 20;

pub(super) fn job() -> ProgressStyle {
    with_bar("{prefix:.bold}{gauge:.cyan}  {percent:>3} %  {elapsed:>4}  {wide_msg}")
}

/// A job whose wait is over without its output.
pub(super) fn failed() -> ProgressStyle {
    with_bar("{prefix:.bold}  {elapsed:>4}  {wide_msg:.red}")
}

pub(super) fn totals() -> ProgressStyle {
    with_bar("{pos} of {len} ended{gauge:.green}  {elapsed:>4}  {wide_msg}")
}

pub(super) fn download() -> ProgressStyle {
    with_bar("{prefix:.bold}{gauge:.cyan}  {bytes:>10}  {elapsed:>4}  {wide_msg}")
}

fn with_bar(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("gauge", gauge)
}

/// Draws the bar by the width that the terminal has now.
fn gauge(state: &ProgressState, line: &mut dyn Write) {
    let (_, columns) = console::Term::stderr().size();
    let length = state.len().unwrap_or_default();
    if columns < MIN_COLUMNS_FOR_BAR || length == 0 {
        return;
    }
    let filled = state.pos().min(length).saturating_mul(BAR_CELLS) / length;
    let cells = (0..BAR_CELLS).map(|cell| if cell < filled { '━' } else { '─' });
    let _ = write!(line, "  {}", cells.collect::<String>()); // a String takes everything
}

//! Progress of downloads.

use creatify::JobId;
use indicatif::ProgressBar;

use super::{
    board::{Board, MAX_BARS, short},
    style::{Layout, Line},
};
use crate::{error::CliError, output::Output};

/// The bars of all files that are downloaded together.
pub(crate) struct DownloadBars {
    board: Board,
    files: usize,
}

/// The bar of one file.
pub(crate) struct DownloadBar {
    line: Line,
    bar: Option<ProgressBar>,
}

impl DownloadBars {
    pub(crate) fn new(output: &Output, files: usize) -> Self {
        Self { board: Board::new(output), files }
    }

    pub(crate) fn bar(&self, id: JobId) -> DownloadBar {
        let line = Line::new(Layout::Download, format!("file    {}", short(id)));
        let bar = (self.files <= MAX_BARS).then(|| self.board.add(&line, None, None));
        DownloadBar { line, bar: bar.flatten() }
    }
}

impl DownloadBar {
    /// Returns the function that is told how many bytes have arrived, and of how many.
    pub(crate) fn reporter(&self) -> impl FnMut(u64, Option<u64>) + Send + 'static {
        let bar = self.bar.clone();
        move |bytes, total| {
            let Some(bar) = &bar else { return };
            if let Some(total) = total {
                bar.set_length(total);
            }
            bar.set_position(bytes);
        }
    }

    /// Shows how the download ended.
    pub(crate) fn end<T>(&self, result: &Result<T, CliError>) {
        match result {
            Ok(_) => self.line.set("done".to_owned()),
            Err(_) => self.line.fail("failed"),
        }
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }
}

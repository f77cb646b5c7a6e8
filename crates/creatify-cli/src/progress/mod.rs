//! Progress on stderr, of waits and of downloads.

mod board;
mod download;
mod jobs;
mod style;
mod totals;

pub(crate) use download::{DownloadBar, DownloadBars};
pub(crate) use jobs::{Bar, Bars};

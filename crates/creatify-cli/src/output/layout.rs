//! Layout of results as text: aligned lines, tables, jobs, amounts.

use console::measure_text_width;
use creatify::{Job, credits::CreditRange};

use super::visible::visible;

/// Returns a range of credits with its unit: `1 credit`, `2.5 credits`, `4 to 5 credits`.
pub(crate) fn credits_in_words(credits: &CreditRange) -> String {
    if credits.min == credits.max { credits.max.in_words() } else { format!("{credits} credits") }
}

/// Returns a job as aligned lines.
pub(crate) fn job_text(job: &Job) -> String {
    let mut rows = vec![("id", job.id().to_string()), ("status", job.status().to_string())];
    let mut add = |name, value: Option<String>| rows.extend(value.map(|value| (name, value)));
    add("name", job.name().map(str::to_owned));
    add(
        "progress",
        job.progress()
            .filter(|_| job.preview_url().is_none() || job.video_url().is_none())
            .map(|progress| progress.to_string()),
    );
    add("failed", job.failed_reason().map(str::to_owned));
    add("preview", job.preview_url().map(str::to_owned));
    add("video", job.video_url().map(str::to_owned));
    add("duration", job.duration().map(|duration| format!("{} s", duration.as_secs_f64())));
    add("charged", job.credits_used().map(|credits| credits.in_words()));
    add("editor", job.editor_url().map(|url| format!("{url} (expires in 24 hours)")));
    aligned(&rows)
}

/// Returns names and values in two columns.
pub(crate) fn aligned(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    rows.iter()
        .map(|(name, value)| format!("{name:width$}  {}", visible(value)))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Returns rows of equal columns under a header.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<_>> =
        rows.iter().map(|row| row.iter().map(|cell| visible(cell)).collect()).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let cells = cells.map(|cell| measure_text_width(cell));
        cells.chain([header[column].len()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| {
            let padding = width.saturating_sub(measure_text_width(cell));
            format!("{cell}{}", " ".repeat(padding))
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let head = line(header.to_vec());
    let body = rows.iter().map(|row| line(row.iter().map(|cell| &**cell).collect()));
    std::iter::once(head).chain(body).collect::<Vec<_>>().join("\n")
}

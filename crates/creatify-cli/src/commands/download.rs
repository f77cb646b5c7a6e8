//! `download`: fetch videos to disk.

use std::path::Path;

use creatify::Goal;
use serde_json::json;

use crate::{args::JobArg, exit::Failure, output, session::Session};

pub(crate) async fn download(
    session: &Session,
    jobs: &[JobArg],
    out: &Path,
    preview: bool,
) -> Result<(), Failure> {
    let names_directory =
        out.is_dir() || out.as_os_str().to_string_lossy().ends_with(std::path::is_separator);
    if jobs.len() > 1 && !names_directory {
        return Err(Failure::usage(format!(
            "--out {}: several jobs need a directory; write it with a / at its end",
            out.display()
        )));
    }
    let client = session.client().await?;
    let goal = if preview { Goal::Preview } else { Goal::Video };
    let mut files = Vec::new();
    for job in jobs {
        let job = client.job(job.id).await?;
        let file = client.download(&job, goal, out).await?;
        output::note(session, &format!("{}: {} bytes", file.path.display(), file.bytes));
        files.push((job.id(), file));
    }
    let document: Vec<_> = files
        .iter()
        .map(|(id, file)| json!({ "id": id, "path": file.path, "bytes": file.bytes }))
        .collect();
    output::show(session, &document, || {
        files.iter().map(|(_, file)| file.path.display().to_string()).collect::<Vec<_>>().join("\n")
    })
}

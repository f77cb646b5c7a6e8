//! Results of several jobs: every outcome is told, and the exit code is the highest.

use creatify::{Job, JobId};
use serde::Serialize;

use crate::{
    error::CliError,
    outcome::{File, Outcome},
    output::{ResultText, layout},
    report,
    session::Session,
};

/// A result of one job among several.
pub(super) trait JobResult: Serialize {
    /// Returns it as text, without the line break at its end.
    fn text(&self) -> String;
    /// Returns its id or path only.
    fn short(&self) -> String;
    /// Returns its element in the document of all outcomes.
    fn outcome(&self) -> Outcome;
}

/// A job that reached its goal.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Reached(pub(super) Job);

/// A job that was read.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Read(pub(super) Job);

/// A file that was downloaded.
#[derive(Serialize)]
pub(super) struct DownloadedFile {
    pub(super) id: JobId,
    #[serde(flatten)]
    pub(super) file: File,
}

impl JobResult for Reached {
    fn text(&self) -> String {
        layout::job_text(&self.0)
    }

    fn short(&self) -> String {
        self.0.id().to_string()
    }

    fn outcome(&self) -> Outcome {
        Outcome::of_job(&self.0, "done")
    }
}

impl JobResult for Read {
    fn text(&self) -> String {
        layout::job_text(&self.0)
    }

    fn short(&self) -> String {
        self.0.id().to_string()
    }

    fn outcome(&self) -> Outcome {
        Outcome::of_job(&self.0, &self.0.status().to_string())
    }
}

impl JobResult for DownloadedFile {
    fn text(&self) -> String {
        self.short()
    }

    fn short(&self) -> String {
        crate::output::visible(&self.file.path).into_owned()
    }

    fn outcome(&self) -> Outcome {
        Outcome::of_file(self.id, self.file.clone())
    }
}

/// Notes the outcome of one job, so that it is told even if the command is interrupted.
pub(super) fn record<T: JobResult>(
    session: &Session,
    place: usize,
    id: JobId,
    result: &Result<T, CliError>,
) {
    session.outcomes.record(
        place,
        match result {
            Ok(result) => result.outcome(),
            Err(error) => Outcome::of_error(id, error),
        },
    );
}

/// Tells the results of all jobs, in the order in which they were named.
///
/// Without failures, the document is the list of results. With some, each element has an outcome;
/// the error of a single job is left to the caller.
pub(super) async fn tell<T: JobResult>(
    session: &Session,
    separator: &str,
    results: Vec<(JobId, Result<T, CliError>)>,
) -> Result<(), CliError> {
    let is_single = results.len() == 1;
    let outcomes: Vec<_> = results
        .iter()
        .map(|(id, result)| match result {
            Ok(result) => result.outcome(),
            Err(error) => Outcome::of_error(*id, error),
        })
        .collect();
    let (mut done, mut errors) = (Vec::new(), Vec::new());
    for (_, result) in results {
        match result {
            Ok(result) => done.push(result),
            Err(error) => errors.push(error),
        }
    }
    let text = || ResultText {
        full: done.iter().map(T::text).collect::<Vec<_>>().join(separator),
        short: done.iter().map(T::short).collect::<Vec<_>>().join("\n"),
    };
    let Some(exit_code) = errors.iter().map(CliError::exit_code).max() else {
        return session.output.show(&done, text);
    };
    if is_single {
        return errors.pop().map_or(Ok(()), Err);
    }
    for error in &errors {
        report::describe(session, error).await;
    }
    session.output.show(&outcomes, text)?;
    Err(CliError::Several { exit_code })
}

//! The error type of the command: its exit code, and its part of the JSON document.

use std::{io, time::Duration};

use creatify::{
    ChargeRisk, Error, ErrorKind, Goal, GoalStatus, Job, JobHandle, JobId, journal::JournalError,
};
use serde::Serialize;

/// A reason for which a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) enum CliError {
    /// Wrong usage. Nothing was sent.
    Usage(String),
    /// An error of the library.
    Sdk(Box<Error>),
    /// The job is done with a preview only, and its video was waited for.
    NotRendered(Box<Job>),
    /// The journal cannot be read or written.
    Journal { location: String, error: JournalError },
    /// The time-out of a free command passed.
    TimedOut { doing: &'static str, timeout: Duration },
    /// The result cannot be written to stdout.
    Stdout(io::Error),
    /// Some of several jobs failed. All of it has been told already.
    Several { exit_code: u8 },
    /// Anything else.
    Other(String),
}

impl CliError {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::Other(message.into())
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Several { exit_code } => *exit_code,
            Self::NotRendered(_)
            | Self::Journal { .. }
            | Self::TimedOut { .. }
            | Self::Stdout(_)
            | Self::Other(_) => 1,
            Self::Sdk(error) => match error.kind() {
                ErrorKind::InvalidInput
                | ErrorKind::AlreadyRendered
                | ErrorKind::AlreadyRunning
                | ErrorKind::KeyReused => 2,
                ErrorKind::Credentials => 3,
                ErrorKind::Refused => 4,
                ErrorKind::InsufficientCredits
                | ErrorKind::OverLimit(_)
                | ErrorKind::OverBudget(_) => 5,
                ErrorKind::JobFailed | ErrorKind::JobRejected => 6,
                ErrorKind::TimedOut | ErrorKind::StatusRefused | ErrorKind::KeyInUse => 7,
                ErrorKind::OutcomeUnknown(_) => 8,
                _ => 1,
            },
        }
    }

    /// Returns its short stable name, for machines.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Usage(_) => "invalid_input",
            Self::Sdk(error) => error.kind().as_str(),
            Self::NotRendered(_) => "no_output",
            Self::Journal { .. } => "journal",
            Self::TimedOut { .. } => "timed_out",
            Self::Stdout(_) | Self::Several { .. } | Self::Other(_) => "other",
        }
    }

    pub(crate) fn message(&self) -> String {
        match self {
            Self::Usage(message) | Self::Other(message) => message.clone(),
            Self::Sdk(error) => error.to_string(),
            Self::NotRendered(job) => {
                format!("job {} is done with a preview only; it has not been rendered", job.id())
            }
            Self::Journal { location, .. } => format!("the journal ({location}) cannot be used"),
            Self::TimedOut { doing, timeout } => {
                let timeout = humantime::format_duration(*timeout);
                format!("{doing} took longer than the time-out of {timeout}")
            }
            Self::Stdout(error) => format!("the result cannot be written to stdout: {error}"),
            Self::Several { .. } => "not every job reached its goal".to_owned(),
        }
    }

    /// Returns its cause.
    pub(crate) fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Sdk(error) => std::error::Error::source(&**error),
            Self::Journal { error, .. } => Some(error),
            _ => None,
        }
    }

    /// Returns the job it concerns, as it was last seen.
    pub(crate) fn last_seen(&self) -> Option<&Job> {
        match self {
            Self::Sdk(error) => error.last_seen(),
            Self::NotRendered(job) => Some(job),
            _ => None,
        }
    }

    /// Returns the job it concerns.
    pub(crate) fn job(&self) -> Option<JobHandle> {
        match self {
            Self::Sdk(error) => error.job(),
            Self::NotRendered(job) => Some(JobHandle { id: job.id(), goal: Goal::Video }),
            _ => None,
        }
    }

    fn charge_risk(&self) -> ChargeRisk {
        match self {
            Self::Sdk(error) => error.charge_risk(),
            Self::NotRendered(_) => ChargeRisk::Charged,
            _ => ChargeRisk::None,
        }
    }
}

impl From<Error> for CliError {
    fn from(error: Error) -> Self {
        Self::Sdk(Box::new(error))
    }
}

/// Returns whether a job is done with a preview and without a video.
pub(crate) fn has_preview_only(job: &Job) -> bool {
    job.goal_status(Goal::Preview) == GoalStatus::Reached
        && job.goal_status(Goal::Video) == GoalStatus::MissingOutput
}

/// The JSON document of an error.
#[derive(Serialize)]
pub(crate) struct ErrorDocument {
    pub(crate) error: ErrorParts,
}

/// The parts of an error in JSON. All of them are always present.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ErrorParts {
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    pub(crate) status: Option<u16>,
    pub(crate) job_id: Option<JobId>,
    pub(crate) request_id: Option<String>,
    pub(crate) charge_risk: ChargeRisk,
}

impl From<&CliError> for ErrorParts {
    fn from(error: &CliError) -> Self {
        let response = match error {
            CliError::Sdk(error) => error.response(),
            _ => None,
        };
        Self {
            kind: error.kind(),
            message: error.message(),
            status: response.map(|response| response.status.as_u16()),
            job_id: error.job().map(|job| job.id),
            request_id: response.and_then(|response| response.request_id.clone()),
            charge_risk: error.charge_risk(),
        }
    }
}

//! How does the command end? An exit code, words on stderr that say what to do next, and an error document on stdout.

use std::{error::Error as _, process::ExitCode};

use creatify::{ChargeRisk, Error, ErrorKind, JobHandle, JobId, SubmissionRecord};
use serde::Serialize;

use crate::{output, session::Session};

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Wrong usage. Nothing was sent.
    Usage(String),
    /// A failure of the library.
    Sdk(Box<Error>),
    /// Anything else.
    Other(String),
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::Other(message.into())
    }

    fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Other(_) => 1,
            Self::Sdk(error) => match error.kind() {
                ErrorKind::InvalidInput | ErrorKind::AlreadyRendered => 2,
                ErrorKind::Credentials => 3,
                ErrorKind::Refused => 4,
                ErrorKind::InsufficientCredits
                | ErrorKind::OverLimit(_)
                | ErrorKind::OverBudget(_) => 5,
                ErrorKind::JobFailed | ErrorKind::JobRejected => 6,
                ErrorKind::TimedOut => 7,
                ErrorKind::OutcomeUnknown(_) => 8,
                _ => 1,
            },
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Sdk(Box::new(error))
    }
}

/// The line that goes on with a job.
pub(crate) fn resume_line(job: JobHandle) -> String {
    format!("creatify wait {} --goal {}", job.id, job.goal)
}

/// Says what went wrong and what to do, and gives the exit code.
pub(crate) async fn report(session: &Session, failure: &Failure) -> ExitCode {
    match failure {
        Failure::Usage(message) | Failure::Other(message) => {
            output::line(&format!("error: {message}"))
        }
        Failure::Sdk(error) => {
            output::line(&format!("error: {error}"));
            let mut cause = error.source();
            while let Some(source) = cause {
                output::line(&format!("  because: {source}"));
                cause = source.source();
            }
            for advice in advice(session, error).await {
                output::line(&advice);
            }
        }
    }
    if session.is_json() {
        output::json(&document(failure));
    }
    ExitCode::from(failure.code())
}

/// What to do next, by kind of failure.
async fn advice(session: &Session, error: &Error) -> Vec<String> {
    let mut advice = Vec::new();
    match error.kind() {
        ErrorKind::Credentials => advice.push(
            "check CREATIFY_API_ID and CREATIFY_API_KEY (or --api-id and --api-key)".to_owned(),
        ),
        ErrorKind::Refused => {
            // One message stands in the line above already.
            let problem = error
                .response()
                .map(|answer| &answer.messages)
                .filter(|problem| problem.all().count() > 1);
            advice.extend(problem.into_iter().flat_map(|problem| problem.all()).map(
                |(field, message)| match field {
                    Some(field) => format!("  {field}: {message}"),
                    None => format!("  {message}"),
                },
            ));
        }
        ErrorKind::InsufficientCredits => {
            advice.push(format!("balance: {}", balance(session).await))
        }
        ErrorKind::OverLimit(over) => {
            advice.push(format!(
                "estimate: {} credits ({})",
                over.estimate.credits, over.estimate.seconds
            ));
            advice.push(format!("limit: {} credits", over.limit));
            advice.push(format!("balance: {}", balance(session).await));
        }
        ErrorKind::AlreadyRendered => advice
            .extend(error.job().map(|job| format!("take it with: creatify download {}", job.id))),
        ErrorKind::OutcomeUnknown(sent) => {
            advice.push(match sent.job_id {
                Some(job) => format!("look whether it started: creatify get {job}"),
                None => format!("look whether it is there: {}", list_line(sent)),
            });
            advice.push(
                "it was not sent again; send it again only when it is certainly not there"
                    .to_owned(),
            );
        }
        ErrorKind::TimedOut | ErrorKind::NoOutput => {
            advice
                .extend(error.job().map(|job| format!("go on waiting with: {}", resume_line(job))));
        }
        _ => {}
    }
    if matches!(error.kind(), ErrorKind::Undecodable) && error.charge_risk() == ChargeRisk::Charged
    {
        advice.push("it was charged".to_owned());
        advice.extend(match (error.job(), error.submission_record()) {
            (Some(job), _) => Some(format!("find it with: {}", resume_line(job))),
            (None, sent) => sent.map(|sent| format!("find it with: {}", list_line(sent))),
        });
    }
    advice
}

/// How to find a job whose id is not known.
fn list_line(sent: &SubmissionRecord) -> String {
    let name = sent.name.as_ref().map(|name| format!(" named `{name}`")).unwrap_or_default();
    format!("creatify list (a job{name} made after {})", sent.sent_at.format("%H:%M:%S UTC"))
}

async fn balance(session: &Session) -> String {
    let balance = match session.client().await {
        Ok(client) => client.remaining_credits().await.ok(),
        Err(_) => None,
    };
    balance.map_or("unknown".to_owned(), |credits| format!("{credits} credits"))
}

/// The document on stdout. All parts are always there.
#[derive(Serialize)]
struct Document<'a> {
    error: Parts<'a>,
}

#[derive(Serialize)]
struct Parts<'a> {
    kind: &'a str,
    message: String,
    status: Option<u16>,
    job_id: Option<JobId>,
    request_id: Option<&'a str>,
    charge_risk: ChargeRisk,
}

fn document(failure: &Failure) -> Document<'_> {
    let local = |kind, message: &str| Parts {
        kind,
        message: message.to_owned(),
        status: None,
        job_id: None,
        request_id: None,
        charge_risk: ChargeRisk::None,
    };
    let error = match failure {
        Failure::Usage(message) => local("invalid_input", message),
        Failure::Other(message) => local("other", message),
        Failure::Sdk(error) => Parts {
            kind: error.kind().as_str(),
            message: error.to_string(),
            status: error.response().map(|answer| answer.status.as_u16()),
            job_id: error.job().map(|job| job.id),
            request_id: error.response().and_then(|answer| answer.request_id.as_deref()),
            charge_risk: error.charge_risk(),
        },
    };
    Document { error }
}

/// After Ctrl-C: what was paid for goes on.
pub(crate) fn interrupted(session: &Session) -> ExitCode {
    let paid = session.paid();
    output::line("interrupted");
    if paid.sending {
        output::line(
            "a submission was on its way: it may or may not have been accepted. Look for it with: creatify list",
        );
    }
    for job in paid.jobs {
        output::line(&format!("job {} goes on; wait for it with: {}", job.id, resume_line(job)));
    }
    ExitCode::from(130)
}

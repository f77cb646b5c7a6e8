//! `preview`, `create`, `render`: billable submissions and the wait for their jobs.

use std::time::{Duration, Instant};

use creatify::{
    Client, Create, DryRun, Error, ErrorKind, Job, Preview, Render, SubmittedJob,
    credits::BillableOperation,
    journal::{EntryState, Filter},
};

use super::{approval, dry_run, known_submission, ledger, variables, wait};
use crate::{
    args,
    error::CliError,
    job_names,
    open_jobs::resume_line,
    output::{
        ResultText,
        layout::{self, credits_in_words},
    },
    session::{Session, Target},
};

/// Latest charges that are compared with the rate card.
const CHARGES_COMPARED: u32 = 100;

/// The endpoint of a preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Asynchronous,
    /// Answers only when the preview is ready.
    Blocking,
}

pub(crate) async fn preview(
    session: &Session,
    template: args::Template,
    endpoint: Endpoint,
    options: args::Submission,
) -> Result<(), CliError> {
    let variables = variables::read(&template.variables).await?;
    let client = session.client().await?;
    let preview = with_options!(client.preview(template.template_id, variables), options);
    let preview = match endpoint {
        Endpoint::Asynchronous => preview,
        Endpoint::Blocking => preview.blocking(),
    };
    submit(session, client, Request::Preview(preview), &options).await
}

pub(crate) async fn create(
    session: &Session,
    template: args::Template,
    options: args::Submission,
) -> Result<(), CliError> {
    let variables = variables::read(&template.variables).await?;
    let client = session.client().await?;
    let create = with_options!(client.create(template.template_id, variables), options);
    submit(session, client, Request::Create(create), &options).await
}

pub(crate) async fn render(session: &Session, render: args::Render) -> Result<(), CliError> {
    let args::Render { job_id, force, template, variables, options } = render;
    let template = match template {
        Some(template) => Some((template, variables::read(&variables).await?)),
        None if variables.is_empty() => None,
        None => {
            return Err(CliError::usage(
                "variables of a render need --template; a render uses those of its preview",
            ));
        }
    };
    let job = job_names::find_one(session, &job_id).await?;
    let client = session.client().await?;
    let mut render = with_options!(client.render(job.id), options);
    if let Some((template, variables)) = template {
        render = render.template(template, variables);
    }
    if force {
        render = render.force();
    }
    submit(session, client, Request::Render(render), &options).await
}

/// Sets the options that all submissions share.
macro_rules! with_options {
    ($submission:expr, $options:expr) => {{
        let mut submission = $submission.timeout($options.timeout.timeout);
        if let Some(name) = &$options.name {
            submission = submission.name(name);
        }
        if let Some(url) = &$options.webhook_url {
            submission = submission.webhook_url(url);
        }
        if let Some(model_version) = &$options.model_version {
            submission = submission.model_version(model_version.clone());
        }
        if $options.hidden {
            submission = submission.hidden();
        }
        if let Some(seconds) = $options.seconds {
            submission = submission.expected_duration(seconds);
        }
        if let Some(limit) = $options.max_credits {
            submission = submission.max_credits(limit);
        }
        if let Some(key) = &$options.key {
            submission = submission.key(key.as_str());
        }
        if let Some(label) = &$options.label {
            submission = submission.label(label);
        }
        if $options.retry_failed {
            submission = submission.retry_failed();
        }
        submission
    }};
}
use with_options;

/// A submission that is ready to be sent.
#[derive(Clone)]
pub(super) enum Request<'c> {
    Preview(Preview<'c>),
    Create(Create<'c>),
    Render(Render<'c>),
}

impl Request<'_> {
    pub(super) fn operation(&self) -> BillableOperation {
        match self {
            Self::Preview(_) => BillableOperation::Preview,
            Self::Create(_) => BillableOperation::Create,
            Self::Render(_) => BillableOperation::Render,
        }
    }

    pub(super) async fn dry_run(self) -> Result<DryRun, Error> {
        match self {
            Self::Preview(preview) => preview.dry_run().await,
            Self::Create(create) => create.dry_run().await,
            Self::Render(render) => render.dry_run().await,
        }
    }
}

async fn submit(
    session: &Session,
    client: &Client,
    request: Request<'_>,
    options: &args::Submission,
) -> Result<(), CliError> {
    if session.target() == Target::Service {
        session.journal().await?; // opened before the time-out begins
    }
    let known = known_submission::find(client, request.operation(), options).await?;
    if options.dry_run {
        return dry_run::show(session, known.as_ref(), request).await;
    }
    approval::ask(session, known.as_ref(), &request, options).await?;
    if let Some(known) = &known {
        known.tell_wait(session);
    }
    let started = Instant::now();
    let accepted = send(session, request).await?;
    let job = if options.no_wait {
        session.output.note(&match session.target() {
            Target::Service => format!("wait for it with: {}", resume_line(accepted.handle)),
            Target::EmbeddedSandbox => "the sandbox ends with this command, and the job with it; \
                 start one that stays with: creatify sandbox"
                .to_owned(),
        });
        match accepted.is_replayed() {
            true => client.job(accepted.handle.id).await?, // the answer of then is not kept
            false => accepted.job,
        }
    } else {
        let left = whole_milliseconds(options.timeout.timeout.saturating_sub(started.elapsed()));
        let job = finish(session, &accepted, left).await;
        if accepted.is_replayed() && job.as_ref().is_err_and(wait::has_failed) {
            session.output.note("to submit it once more, which is charged again: --retry-failed");
        }
        let job = job?;
        let balance = if options.show_balance { Balance::Shown } else { Balance::Unread };
        settled(session, client, &accepted, &job, balance).await;
        job
    };
    session
        .output
        .show(&job, || ResultText { full: layout::job_text(&job), short: job.id().to_string() })?;
    session.open_jobs.told(accepted.handle);
    Ok(())
}

/// Returns a duration without the digits that only a clock wants.
fn whole_milliseconds(duration: Duration) -> Duration {
    duration - Duration::from_nanos(u64::from(duration.subsec_nanos() % 1_000_000))
}

async fn send(session: &Session, request: Request<'_>) -> Result<SubmittedJob, CliError> {
    session.open_jobs.sending();
    let sent = match request {
        Request::Preview(preview) => preview.send().await,
        Request::Create(create) => create.send().await,
        Request::Render(render) => render.send().await,
    };
    match sent {
        Ok(accepted) => {
            session.open_jobs.accepted(accepted.handle);
            let id = accepted.handle.id;
            match accepted.is_replayed() {
                true => session
                    .output
                    .line(&format!("already submitted with this key: job {id}; nothing was sent")),
                false => session.output.note(&format!("accepted: job {id}")),
            }
            Ok(accepted)
        }
        Err(error) => {
            session.open_jobs.not_accepted();
            Err(in_terms_of_options(error))
        }
    }
}

/// Names the option for what the library calls the expected duration.
pub(super) fn in_terms_of_options(error: Error) -> CliError {
    match error.kind() {
        ErrorKind::InvalidInput if error.to_string().contains("expected duration") => {
            CliError::usage(format!("{error}: give --seconds, exact or a range"))
        }
        _ => error.into(),
    }
}

/// Waits for a job that was accepted.
pub(crate) async fn finish(
    session: &Session,
    accepted: &SubmittedJob,
    timeout: Duration,
) -> Result<Job, CliError> {
    let wait = match accepted.is_replayed() {
        true => session.client().await?.wait(accepted.handle), // its status is not known
        false => accepted.wait(),
    };
    wait::submitted(session, wait, accepted.handle, timeout).await
}

/// The balance after the job: read and shown, or not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Balance {
    Shown,
    Unread,
}

/// Says what it cost, and warns if the rate card does not fit.
async fn settled(
    session: &Session,
    client: &Client,
    accepted: &SubmittedJob,
    job: &Job,
    balance: Balance,
) {
    let or_unknown = |credits: Option<String>| credits.unwrap_or_else(|| "unknown".to_owned());
    let estimate = accepted.estimate.as_ref();
    let mut line = format!(
        "estimated {}, charged {}",
        or_unknown(estimate.map(|estimate| credits_in_words(&estimate.credits))),
        or_unknown(job.credits_used().map(|credits| credits.in_words())),
    );
    if balance == Balance::Shown {
        let balance = client.remaining_credits().await.map(|credits| credits.in_words());
        line += &format!(", balance {}", or_unknown(balance.ok()));
    }
    session.output.note(&line);
    let charges = Filter::default().states([EntryState::Settled]).latest(CHARGES_COMPARED);
    let entries = client.entries(charges).await.unwrap_or_default();
    let mismatch = ledger::mismatch(client.rate_card(), &entries);
    let mismatch = mismatch.or_else(|| client.rate_card_mismatch());
    ledger::warn(&session.output, mismatch.as_ref());
}

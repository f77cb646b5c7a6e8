//! `preview`, `create`, `render`: pay for something, say how to find it, and wait for it.

use std::io::Read;

use creatify::{Client, Create, Error, ErrorKind, Job, Preview, Render, SubmittedJob, Variables};
use serde_json::Value;

use crate::{
    args::{self, JobArg, Timeout},
    commands::{ledger, wait},
    exit::{self, Failure},
    output,
    session::Session,
};

pub(crate) async fn preview(
    session: &Session,
    template: args::Template,
    sync: bool,
    options: args::Submission,
) -> Result<(), Failure> {
    let client = session.client().await?;
    let submission = with_options!(
        client.preview(template.template_id, variables(&template.variables)?),
        options
    );
    let submission = if sync { submission.blocking() } else { submission };
    submit(session, client, Request::Preview(submission), &options).await
}

pub(crate) async fn create(
    session: &Session,
    template: args::Template,
    options: args::Submission,
) -> Result<(), Failure> {
    let client = session.client().await?;
    let submission = with_options!(
        client.create(template.template_id, variables(&template.variables)?),
        options
    );
    submit(session, client, Request::Create(submission), &options).await
}

pub(crate) async fn render(
    session: &Session,
    job: JobArg,
    options: args::Submission,
) -> Result<(), Failure> {
    let client = session.client().await?;
    let render = with_options!(client.render(job.id), options);
    submit(session, client, Request::Render(render), &options).await
}

/// The options that all submissions share.
macro_rules! with_options {
    ($submission:expr, $options:expr) => {{
        let mut submission = $submission;
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
        submission
    }};
}
use with_options;

enum Request<'c> {
    Preview(Preview<'c>),
    Create(Create<'c>),
    Render(Render<'c>),
}

async fn submit(
    session: &Session,
    client: &Client,
    request: Request<'_>,
    options: &args::Submission,
) -> Result<(), Failure> {
    let accepted = send(session, request).await?;
    let job = if options.no_wait {
        session.finished(accepted.handle); // not waited for, so there is nothing to resume on Ctrl-C
        output::note(session, &format!("wait for it with: {}", exit::resume_line(accepted.handle)));
        accepted.job
    } else {
        let job = finish(session, &accepted, options.timeout).await?;
        settled(session, client, &accepted, &job, options.show_balance).await;
        job
    };
    output::show(session, &job, || output::job_text(&job))
}

async fn send(session: &Session, request: Request<'_>) -> Result<SubmittedJob, Failure> {
    session.sending();
    let sent = match request {
        Request::Preview(preview) => preview.send().await,
        Request::Create(create) => create.send().await,
        Request::Render(render) => render.send().await,
    };
    match sent {
        Ok(accepted) => {
            session.accepted(accepted.handle);
            let charged = accepted
                .job
                .credits_used()
                .map(|credits| format!(", {credits} credits"))
                .unwrap_or_default();
            output::note(session, &format!("accepted: job {}{charged}", accepted.handle.id));
            Ok(accepted)
        }
        Err(error) => {
            session.not_sending();
            Err(said_for_the_command(error))
        }
    }
}

/// The library speaks of durations; here they have the name of an option.
fn said_for_the_command(error: Error) -> Failure {
    match error.kind() {
        ErrorKind::InvalidInput if error.to_string().contains("expected duration") => {
            Failure::usage(format!("{error}: give --seconds, exact or a range"))
        }
        _ => error.into(),
    }
}

pub(crate) async fn finish(
    session: &Session,
    accepted: &SubmittedJob,
    timeout: Timeout,
) -> Result<Job, Failure> {
    wait::one(session, accepted.wait(), accepted.handle, timeout).await
}

/// One line on what it cost, and a warning if the rate card does not fit.
async fn settled(
    session: &Session,
    client: &Client,
    accepted: &SubmittedJob,
    job: &Job,
    show_balance: bool,
) {
    let or_unknown = |credits: Option<String>| credits.unwrap_or_else(|| "unknown".to_owned());
    let estimated =
        or_unknown(accepted.estimate.as_ref().map(|estimate| estimate.credits.to_string()));
    let charged = or_unknown(job.credits_used().map(|credits| credits.to_string()));
    let mut line = format!("estimated {estimated}, charged {charged} credits");
    if show_balance {
        let balance = client.remaining_credits().await.map(|credits| credits.to_string());
        line += &format!(", balance {}", or_unknown(balance.ok()));
    }
    output::note(session, &line);
    let contents = session.ledger().and_then(|ledger| ledger.read().ok());
    let mismatch = contents.and_then(|contents| ledger::mismatch(client.rate_card(), &contents));
    ledger::warn(mismatch.or_else(|| client.rate_card_mismatch()).as_ref());
}

/// The variables of all options; those from `--vars` go last.
fn variables(options: &args::Variables) -> Result<Variables, Failure> {
    let mut variables = Variables::new();
    let mut seen = std::collections::BTreeSet::new();
    type Add = fn(Variables, &str, &str) -> Variables;
    let kinds: [(&[args::Pair], Add); 6] = [
        (&options.text, |variables, name, value| variables.text(name, value)),
        (&options.image, |variables, name, value| variables.image(name, value)),
        (&options.video, |variables, name, value| variables.video(name, value)),
        (&options.audio, |variables, name, value| variables.audio(name, value)),
        (&options.avatar, |variables, name, value| variables.avatar(name, value)),
        (&options.voice, |variables, name, value| variables.voiceover(name, value)),
    ];
    for (pairs, add) in kinds {
        for pair in pairs {
            if !seen.insert(pair.name.as_str()) {
                return Err(Failure::usage(format!("variable `{}` is given twice", pair.name)));
            }
            variables = add(variables, &pair.name, &pair.value);
        }
    }
    let Some(path) = &options.vars else { return Ok(variables) };
    let wrong =
        |what: &dyn std::fmt::Display| Failure::usage(format!("--vars {}: {what}", path.display()));
    let text = if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    let value: Value = serde_json::from_str(&text.map_err(|error| wrong(&error))?)
        .map_err(|error| wrong(&error))?;
    let raw: Variables = serde_json::from_value(value)
        .map_err(|_| wrong(&"it must be a JSON object of variables by name"))?;
    Ok(variables.with(raw))
}

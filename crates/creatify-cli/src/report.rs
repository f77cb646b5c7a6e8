//! Reports of errors: words on stderr that say what to do next, and a JSON document on stdout.

use std::time::Duration;

use creatify::{
    ChargeRisk, Error, ErrorKind, Goal, JobHandle, OperationId, SubmissionRecord,
    journal::{BudgetState, EntryState, Filter, Key, OverBudget, Period},
};

use crate::{
    entry::reconcile_line,
    error::{CliError, ErrorDocument, has_preview_only},
    journal::Access,
    open_jobs::resume_line,
    output::layout::credits_in_words,
    session::{Session, Target},
};

/// Time for reading the balance, which is only a hint.
const BALANCE_TIMEOUT: Duration = Duration::from_secs(10);

/// Reports an error and every job that is still open, and returns the exit code.
pub(crate) async fn report(session: &Session, error: &CliError) -> u8 {
    if !matches!(error, CliError::Several { .. }) {
        describe(session, error).await;
    }
    finish(session, error)
}

/// Reports an error without asking the service for more.
pub(crate) fn report_plainly(session: &Session, error: &CliError) -> u8 {
    session.output.line(&format!("error: {}", error.message()));
    finish(session, error)
}

fn finish(session: &Session, error: &CliError) -> u8 {
    resume_open_jobs(session);
    let is_told = matches!(error, CliError::Several { .. } | CliError::Stdout(_));
    if session.output.is_json() && !is_told {
        let document = ErrorDocument { error: error.into() };
        if let Err(unwritten) = session.output.json(&document) {
            session.output.line(&format!("error: {}", unwritten.message()));
        }
    }
    error.exit_code()
}

/// Says how to go on with every open job.
pub(crate) fn resume_open_jobs(session: &Session) {
    for job in session.open_jobs.all() {
        resume(session, job);
    }
}

/// Says how to go on with a job, once.
fn resume(session: &Session, job: JobHandle) {
    if session.open_jobs.told(job) {
        session.output.line(&match session.target() {
            Target::Service => {
                format!("job {} was accepted; go on with: {}", job.id, resume_line(job))
            }
            Target::EmbeddedSandbox => format!("job {} ended with the sandbox", job.id),
        });
    }
}

/// Says on stderr what went wrong, why, and what to do.
pub(crate) async fn describe(session: &Session, error: &CliError) {
    let say = |text: &str| session.output.line(text);
    say(&format!("error: {}", error.message()));
    say_causes(session, error.source());
    match error {
        CliError::Sdk(error) => {
            for line in advice(session, error).await {
                say(&line);
            }
        }
        CliError::Journal { .. } if session.access() == Access::Write => say("nothing was sent"),
        CliError::NotRendered(job) => not_rendered(job.id()).iter().for_each(|line| say(line)),
        _ => {}
    }
    if let Some(job) = error.job() {
        resume(session, job);
    }
}

/// Says a message and the causes of its error.
pub(crate) fn causes(session: &Session, message: &str, error: &dyn std::error::Error) {
    session.output.line(message);
    say_causes(session, error.source());
}

fn say_causes(session: &Session, mut cause: Option<&(dyn std::error::Error + 'static)>) {
    while let Some(source) = cause {
        session.output.line(&format!("  because: {source}"));
        cause = source.source();
    }
}

/// Returns the advice for a job with a preview only, whose video is wanted.
fn not_rendered(id: creatify::JobId) -> [String; 2] {
    [
        format!("render it with: creatify render {id}"),
        format!("or take its preview with: creatify wait {id} --goal preview"),
    ]
}

/// Returns what to do next, by kind of error.
async fn advice(session: &Session, error: &Error) -> Vec<String> {
    match error.kind() {
        ErrorKind::Credentials => vec![
            "check CREATIFY_API_ID and CREATIFY_API_KEY (or --api-id and --api-key-file)"
                .to_owned(),
        ],
        ErrorKind::Refused => refused(error),
        ErrorKind::InsufficientCredits => vec![format!("balance: {}", balance(session).await)],
        ErrorKind::OverLimit(over) => vec![
            format!(
                "estimate: {} ({})",
                credits_in_words(&over.estimate.credits),
                over.estimate.seconds
            ),
            format!("limit: {}", over.limit.in_words()),
            format!("balance: {}", balance(session).await),
        ],
        ErrorKind::AlreadyRendered => error
            .job()
            .map(|job| format!("download its video with: creatify download {}", job.id))
            .into_iter()
            .collect(),
        ErrorKind::AlreadyRunning => match (unknown_render(session, error).await, error.job()) {
            (Some(key), _) => vec![settle_line(&key)],
            (None, Some(job)) => vec![format!("wait for it with: {}", resume_line(job))],
            (None, None) => Vec::new(),
        },
        ErrorKind::OverBudget(over) => over_budget(over),
        ErrorKind::KeyReused => vec![
            "choose another --key, or see what this one was used for with: creatify jobs"
                .to_owned(),
        ],
        ErrorKind::KeyInUse => {
            vec!["run the same command again later; it is submitted at most once".to_owned()]
        }
        ErrorKind::Journal if error.charge_risk() == ChargeRisk::None => {
            vec!["nothing was sent".to_owned()]
        }
        ErrorKind::OutcomeUnknown(record) => {
            let job = error.job().map(|job| job.id).or(record.job_id);
            let check = match job {
                Some(id) => format!("check job {id} with: creatify get {id}"),
                None => format!("find it with: {}", list_line(record)),
            };
            let not_sent_again =
                "it was not sent again; send it again only when it is certainly not there";
            let settle = key_of(session, record).await.map(|key| settle_line(&key));
            [check, not_sent_again.to_owned()].into_iter().chain(settle).collect()
        }
        ErrorKind::NoOutput => no_output(error),
        ErrorKind::Undecodable if error.charge_risk() == ChargeRisk::Charged => {
            let found = match (error.job(), error.submission_record()) {
                (Some(job), _) => Some(format!("find it with: {}", resume_line(job))),
                (None, record) => {
                    record.map(|record| format!("find it with: {}", list_line(record)))
                }
            };
            std::iter::once("it was charged".to_owned()).chain(found).collect()
        }
        _ => Vec::new(),
    }
}

fn settle_line(key: &Key) -> String {
    format!("settle it with: {}", reconcile_line(key))
}

/// Returns the key of a submission, if its journal outlives this command.
async fn key_of(session: &Session, record: &SubmissionRecord) -> Option<Key> {
    if session.target() == Target::EmbeddedSandbox {
        return None;
    }
    let journal = session.client().await.ok()?.journal();
    journal.find(record.entry).await.ok().flatten().map(|(entry, _)| entry.key)
}

/// Returns the key of the render of unknown outcome that prevents another one.
async fn unknown_render(session: &Session, error: &Error) -> Option<Key> {
    if error.charge_risk() != ChargeRisk::Unknown {
        return None;
    }
    let filter = Filter::default().states([EntryState::Unknown]).jobs([error.job()?.id]);
    let entries = session.client().await.ok()?.entries(filter).await.ok()?;
    entries.into_iter().next_back().map(|entry| entry.key)
}

fn over_budget(over: &OverBudget) -> Vec<String> {
    let OverBudget { asked, budget: state, .. } = over;
    let BudgetState { budget, reserved, spent, .. } = state;
    let period = match budget.period {
        Period::Once => String::new(),
        period => format!(" a {period}"),
    };
    let label = budget.label.as_ref().map(|label| format!(", label {label}")).unwrap_or_default();
    vec![
        format!("estimate: at most {}", asked.in_words()),
        format!(
            "budget {}{label}: limit {}{period}, spent {spent}, reserved {reserved}, available {}",
            budget.name,
            budget.limit,
            state.available()
        ),
        "see all with: creatify budget; change it with: creatify budget set".to_owned(),
    ]
}

/// Returns the service's messages, one a line unless the error has the only one, and what the
/// service wants if it is known.
fn refused(error: &Error) -> Vec<String> {
    let Some(response) = error.response() else { return Vec::new() };
    let messages: Vec<_> = response.messages.all().collect();
    let mut advice: Vec<_> = match messages.as_slice() {
        [_] => Vec::new(),
        messages => messages
            .iter()
            .map(|(field, message)| match field {
                Some(field) => format!("  {field}: {message}"),
                None => format!("  {message}"),
            })
            .collect(),
    };
    let is_render = error.operation() == Some(OperationId::RenderCustomTemplateJob);
    let wants_template = |field: &String| field == "template_id" || field.starts_with("variables");
    if is_render && response.messages.fields.keys().any(wants_template) {
        let id = error.job().map_or("JOB_ID".to_owned(), |job| job.id.to_string());
        advice.push(
            "this service wants the template and its variables again; nothing was charged. Try:"
                .to_owned(),
        );
        advice.push(format!(
            "  creatify render {id} --template TEMPLATE_ID --var NAME=TEXT (or --vars FILE.json)"
        ));
    }
    advice
}

fn no_output(error: &Error) -> Vec<String> {
    let Some(job) = error.job() else { return Vec::new() };
    let previewed = error.last_seen().is_none_or(has_preview_only);
    match job.goal {
        Goal::Video if previewed => not_rendered(job.id).to_vec(),
        _ => vec![format!("see it with: creatify get {}", job.id)],
    }
}

/// Returns how to find a job whose id is not known.
fn list_line(record: &SubmissionRecord) -> String {
    let name = record.name.as_ref().map(|name| format!(" named `{name}`")).unwrap_or_default();
    let sent_at = record.sent_at.format("%H:%M:%S UTC");
    format!("creatify list (a job{name} made after {sent_at})")
}

async fn balance(session: &Session) -> String {
    let read = async { session.client().await.ok()?.remaining_credits().await.ok() };
    let balance = tokio::time::timeout(BALANCE_TIMEOUT, read).await.ok().flatten();
    balance.map_or("unknown".to_owned(), |credits| credits.in_words())
}

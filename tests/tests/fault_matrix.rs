//! Every fault × every operation has exactly one outcome, written down in `docs/faults.md`, and none of them costs twice or loses a job.

#![allow(clippy::unwrap_used)] // a test file

use std::{
    fmt::Write,
    fs, io,
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use creatify::{ChargeRisk, Client, Error, Goal, Job, JobId, OperationId, RetrySafety, TemplateId, Variables};
use creatify_sandbox::{Fault, Faults, Rule, Sandbox, templates};

const FAULTS: &[(&str, Fault)] = &[
    ("connection closed, not processed", Fault::DropBefore),
    ("connection closed, processed", Fault::DropAfter),
    ("no answer, not processed", Fault::HangBefore),
    ("no answer, processed", Fault::HangAfter),
    ("answer late by 5 s", Fault::Delay(5.0)),
    ("answer cut off", Fault::Truncate),
    ("HTML 502", Fault::Html(502)),
    ("HTML 504", Fault::Html(504)),
    ("empty 503", Fault::Empty(503)),
    ("503, Retry-After 2", Fault::Unavailable(2)),
    ("429, Retry-After 2", Fault::Throttle(2)),
    ("429, Retry-After a date", Fault::ThrottleUntil(2)),
    ("429, no Retry-After", Fault::ThrottleSilently),
    ("429, Retry-After 1000", Fault::Throttle(1000)),
    ("500, not processed", Fault::ErrorBefore(500)),
    ("500, processed", Fault::ErrorAfter(500)),
    ("400", Fault::ErrorBefore(400)),
    ("403", Fault::ErrorBefore(403)),
    ("404", Fault::ErrorBefore(404)),
    ("405", Fault::ErrorBefore(405)),
    ("408", Fault::ErrorBefore(408)),
    ("wrong types", Fault::WrongTypes),
    ("null everywhere", Fault::Nulls),
    ("unknown status", Fault::UnknownStatus),
    ("unknown enum value", Fault::UnknownEnum),
    ("extra fields", Fault::ExtraFields),
    ("stale answer", Fault::Stale),
    ("list ignores ids", Fault::IgnoreIds),
    ("list in pages of 1", Fault::Pages(1)),
    ("302", Fault::Redirect(302)),
    ("303", Fault::Redirect(303)),
    ("307", Fault::Redirect(307)),
];

/// Looks for the key in whatever is logged, at every level, by every crate.
struct Grep;

static LEAKED: AtomicBool = AtomicBool::new(false);
static LOGGED: AtomicUsize = AtomicUsize::new(0);

impl io::Write for Grep {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        look_for_the_key(&String::from_utf8_lossy(line));
        LOGGED.fetch_add(1, Ordering::Relaxed);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn look_for_the_key(text: &str) {
    if text.contains("sandbox-api-key") || text.contains("sandbox-api-id") {
        LEAKED.store(true, Ordering::Relaxed);
    }
}

/// All that an error can be made to say.
fn look_into(error: &Error) {
    look_for_the_key(&format!("{error} {error:?} {error:#?}"));
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        look_for_the_key(&format!("{source} {source:?}"));
        cause = source.source();
    }
}

struct Scene {
    sandbox: Sandbox,
    client: Client,
    previewed: JobId,
}

impl Scene {
    async fn new() -> Self {
        let sandbox = Sandbox::builder().speed(1.0).start().await.unwrap();
        let client = Client::builder().credentials(sandbox.credentials()).base_url(sandbox.base_url()).build().unwrap();
        let preview = client.preview(template(), Variables::new()).send().await.unwrap();
        client.preview(template(), Variables::new()).send().await.unwrap(); // a second job, for lists
        let previewed = preview.wait(&client).await.unwrap().id();
        client.jobs(&[previewed]).await.unwrap(); // an answer that can be stale
        Self { sandbox, client, previewed }
    }

    async fn call(&self, operation: OperationId) -> Result<Option<Job>, Error> {
        let Self { client, previewed, .. } = self;
        let accepted = |accepted: creatify::Accepted| Some(accepted.job);
        match operation {
            OperationId::CreateCustomTemplateJob => client.create(template(), Variables::new()).send().await.map(accepted),
            OperationId::PreviewCustomTemplateJob => {
                client.preview(template(), Variables::new()).blocking().send().await.map(accepted)
            }
            OperationId::PreviewCustomTemplateJobAsync => client.preview(template(), Variables::new()).send().await.map(accepted),
            OperationId::RenderCustomTemplateJob => client.render(*previewed).send().await.map(accepted),
            OperationId::GetCustomTemplateJob => client.job(*previewed).await.map(Some),
            OperationId::ListCustomTemplateJobs => client.jobs(&[*previewed]).await.map(|_| None),
            OperationId::ListCustomTemplates => client.templates().await.map(|_| None),
            _ => client.remaining_credits().await.map(|_| None),
        }
    }

    fn accepted_calls(&self) -> usize {
        self.sandbox.jobs().iter().map(|job| job.calls.len()).sum()
    }
}

fn template() -> TemplateId {
    templates()[0].id.to_string().parse().unwrap()
}

/// Makes the call with the fault, checks what must hold whatever the fault is, and says what came of it.
async fn outcome(fault: Fault, operation: OperationId, times: Option<u64>) -> String {
    let scene = Scene::new().await;
    let (calls, requests) = (scene.accepted_calls(), scene.sandbox.request_count(operation));
    let rule = Rule::new(fault).on(operation);
    scene.sandbox.set_faults(Faults::new(1).with(times.into_iter().fold(rule, Rule::limit)));

    let called = scene.call(operation).await;
    let sent = scene.sandbox.request_count(operation) - requests;
    let accepted = scene.accepted_calls() - calls;
    let place = format!("{fault:?} {operation}: {called:?}");
    assert!(!scene.sandbox.faults_fired().is_empty(), "the fault did not happen: {place}");
    assert_eq!(scene.sandbox.leaked_credentials(), 0, "credentials went to another host: {place}");
    assert!(accepted <= 1, "paid {accepted} times: {place}");

    called.as_ref().err().into_iter().for_each(look_into);

    let mut cell = match &called {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.kind().as_str().replace('_', " "),
    };
    if sent > 1 {
        write!(cell, " after {sent}").unwrap();
    }
    if operation.billing().is_some() {
        match &called {
            Ok(_) => assert_eq!(accepted, 1, "{place}"),
            Err(error) => match error.charge_risk() {
                ChargeRisk::None => assert_eq!(accepted, 0, "a charge was denied: {place}"),
                ChargeRisk::Charged => {
                    assert_eq!(accepted, 1, "a charge was invented: {place}");
                    assert_eq!(error.retry_safety(), RetrySafety::Unsafe, "{place}");
                    if let Some(job) = error.job() {
                        // What was paid for can be had.
                        scene.sandbox.set_faults(Faults::default());
                        job.wait(&scene.client).await.unwrap();
                        cell += ", charged, job known";
                    } else {
                        cell += ", charged";
                    }
                }
                _ => {
                    assert_eq!((sent, error.retry_safety()), (1, RetrySafety::Unsafe), "{place}");
                    cell += if accepted == 1 { " (was charged)" } else { " (was not)" };
                }
            },
        }
    }
    cell
}

async fn table(times: Option<u64>) -> String {
    let mut table = "| fault |".to_owned();
    let operations = OperationId::ALL;
    operations.iter().for_each(|operation| write!(table, " {} |", operation.as_str().replace("custom_template_", "")).unwrap());
    write!(table, "\n|---|{}\n", "---|".repeat(operations.len())).unwrap();
    for (name, fault) in FAULTS {
        write!(table, "| {name} |").unwrap();
        for operation in operations {
            write!(table, " {} |", outcome(*fault, *operation, times).await).unwrap();
        }
        table.push('\n');
    }
    table
}

const HEAD: &str = "\
# What happens under each fault

Generated by `tests/tests/fault_matrix.rs` against the sandbox; `UPDATE_DOCS=1 cargo test -p creatify-tests --test fault_matrix` writes it
anew. \"After n\" counts the requests that were sent. A GET is free and is tried again. A POST is sent again only when it certainly was not
processed; otherwise its outcome is unknown, and what stands behind it in brackets is what the service had really done.
";

#[tokio::test(start_paused = true)]
async fn every_fault_has_its_outcome_for_every_operation() {
    let levels = tracing_subscriber::filter::LevelFilter::TRACE;
    tracing_subscriber::fmt().with_max_level(levels).with_writer(|| Grep).with_ansi(false).init();
    let document = format!(
        "{HEAD}\n## A fault that happens once\n\n{}\n## A fault that does not go away\n\n{}",
        table(Some(1)).await,
        table(None).await
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/faults.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &document).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let differing: Vec<_> = document.lines().zip(written.lines()).filter(|(now, before)| now != before).collect();
    assert!(document == written, "docs/faults.md says otherwise:\n{differing:#?}");
    assert!(LOGGED.load(Ordering::Relaxed) > 1_000, "the logs were not looked at");
    assert!(!LEAKED.load(Ordering::Relaxed), "a credential was logged, or an error shows it");
}

/// A job whose fields have the wrong types is still found and waited for.
#[tokio::test(start_paused = true)]
async fn a_wait_survives_every_fault_that_passes() {
    for (name, fault) in
        FAULTS.iter().filter(|(_, fault)| !matches!(fault, Fault::ErrorBefore(400 | 403 | 405) | Fault::Redirect(_)))
    {
        let scene = Scene::new().await;
        let accepted = scene.client.render(scene.previewed).send().await.unwrap();
        let rule = Rule::new(*fault).on(OperationId::GetCustomTemplateJob).at(2).at(3).at(5);
        scene.sandbox.set_faults(Faults::new(1).with(rule));
        let job = accepted.handle.wait(&scene.client).timeout(Duration::from_secs(3600)).await;
        assert!(job.is_ok_and(|job| job.output(Goal::Video).is_some()), "{name}");
    }
}

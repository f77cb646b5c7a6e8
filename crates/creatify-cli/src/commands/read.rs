//! `templates`, `balance`, `get`, `list`: free requests.

use creatify::Job;
use futures_util::{StreamExt, stream};
use serde_json::json;

use super::several::{self, Read};
use crate::{
    args::JobArg,
    error::CliError,
    job_names,
    output::{ResultText, layout},
    session::Session,
};

/// Jobs that are read at once.
const CONCURRENT_READS: usize = 8;

pub(crate) async fn templates(session: &Session) -> Result<(), CliError> {
    let templates = session.client().await?.templates().await?;
    session.output.show(&templates, || {
        let id = |template: &creatify::Template| template.as_api().template_id.clone();
        let row = |template: &creatify::Template| {
            vec![
                id(template),
                template.as_api().aspect_ratio.clone().unwrap_or_default(),
                template.name().unwrap_or_default().to_owned(),
            ]
        };
        let rows: Vec<_> = templates.iter().map(row).collect();
        let ids: Vec<_> = templates
            .iter()
            .map(|template| crate::output::visible(&id(template)).into_owned())
            .collect();
        ResultText {
            full: layout::table(&["TEMPLATE", "RATIO", "NAME"], &rows),
            short: ids.join("\n"),
        }
    })
}

pub(crate) async fn balance(session: &Session) -> Result<(), CliError> {
    let credits = session.client().await?.remaining_credits().await?;
    session.output.show(&json!({ "remaining_credits": credits }), || ResultText {
        full: credits.to_string(),
        short: credits.to_string(),
    })
}

pub(crate) async fn get(session: &Session, jobs: &[JobArg]) -> Result<(), CliError> {
    let jobs = job_names::find(session, jobs).await?;
    let client = session.client().await?;
    if let [job] = jobs.as_slice() {
        let job = client.job(job.id).await?;
        return session.output.show(&job, || ResultText {
            full: layout::job_text(&job),
            short: job.id().to_string(),
        });
    }
    let ids: Vec<_> = jobs.iter().map(|job| job.id).collect();
    session.outcomes.begin(&ids);
    let reads = ids.iter().copied().enumerate().map(async |(place, id)| {
        let result = client.job(id).await.map(Read).map_err(CliError::from);
        several::record(session, place, id, &result);
        (id, result)
    });
    let results = stream::iter(reads).buffered(CONCURRENT_READS).collect().await;
    several::tell(session, "\n\n", results).await
}

pub(crate) async fn list(session: &Session, jobs: &[JobArg]) -> Result<(), CliError> {
    let jobs = job_names::find(session, jobs).await?;
    let ids: Vec<_> = jobs.iter().map(|job| job.id).collect();
    let client = session.client().await?;
    let jobs =
        if ids.is_empty() { client.list_jobs().await? } else { client.get_jobs(&ids).await? };
    session.output.show(&jobs, || {
        let rows: Vec<_> = jobs.iter().map(row).collect();
        let ids: Vec<_> = jobs.iter().map(|job| job.id().to_string()).collect();
        ResultText {
            full: layout::table(&["JOB", "STATUS", "MADE (UTC)", "NAME"], &rows),
            short: ids.join("\n"),
        }
    })
}

fn row(job: &Job) -> Vec<String> {
    let made = job.created_at().map(|at| at.format("%Y-%m-%d %H:%M:%S").to_string());
    vec![
        job.id().to_string(),
        job.status().to_string(),
        made.unwrap_or_default(),
        job.name().unwrap_or_default().to_owned(),
    ]
}

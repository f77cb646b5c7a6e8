//! `templates`, `balance`, `get`, `list`: one free look at the service.

use serde_json::json;

use crate::{args::JobArg, exit::Failure, output, session::Session};

pub(crate) async fn templates(session: &Session) -> Result<(), Failure> {
    let templates = session.client().await?.templates().await?;
    output::show(session, &templates, || {
        let rows: Vec<_> = templates
            .iter()
            .map(|template| {
                let name = template.name().unwrap_or_default().to_owned();
                vec![
                    template.as_api().template_id.clone(),
                    template.as_api().aspect_ratio.clone().unwrap_or_default(),
                    name,
                ]
            })
            .collect();
        output::table(&["TEMPLATE", "RATIO", "NAME"], &rows)
    })
}

pub(crate) async fn balance(session: &Session) -> Result<(), Failure> {
    let credits = session.client().await?.remaining_credits().await?;
    output::show(session, &json!({ "remaining_credits": credits }), || credits.to_string())
}

pub(crate) async fn get(session: &Session, job: JobArg) -> Result<(), Failure> {
    let job = session.client().await?.job(job.id).await?;
    output::show(session, &job, || output::job_text(&job))
}

pub(crate) async fn list(session: &Session, jobs: &[JobArg]) -> Result<(), Failure> {
    let ids: Vec<_> = jobs.iter().map(|job| job.id).collect();
    let client = session.client().await?;
    let jobs =
        if ids.is_empty() { client.list_jobs().await? } else { client.get_jobs(&ids).await? };
    output::show(session, &jobs, || {
        let rows: Vec<_> = jobs
            .iter()
            .map(|job| {
                let made = job
                    .created_at()
                    .map(|at| at.format("%Y-%m-%d %H:%M:%S").to_string())
                    .unwrap_or_default();
                vec![
                    job.id().to_string(),
                    job.status().to_string(),
                    made,
                    job.name().unwrap_or_default().to_owned(),
                ]
            })
            .collect();
        output::table(&["JOB", "STATUS", "MADE (UTC)", "NAME"], &rows)
    })
}

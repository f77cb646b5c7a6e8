//! `demo`: estimate, preview, render and download against an embedded sandbox.

use std::{path::Path, time::Duration};

use creatify::{
    Goal, ModelVersion, Variables,
    credits::{BillableOperation, Credits},
};
use serde_json::json;

use super::submit;
use crate::{args::DEMO_FILE, error::CliError, output::ResultText, session::Session};

const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) async fn demo(session: &Session, file: &Path) -> Result<(), CliError> {
    if file != Path::new(DEMO_FILE) && file.exists() {
        let file = file.display();
        return Err(CliError::usage(format!("--out {file}: it exists already; choose another")));
    }
    let client = session.sandbox_client().await?;
    let note = |text: &str| session.output.note(text);

    note("A sandbox of the service runs on this machine. No account, no network, no money.");
    note("");
    let template = client
        .templates()
        .await?
        .into_iter()
        .next()
        .ok_or_else(|| CliError::other("the sandbox has no templates"))?;
    let template_id = template.id().map_err(|error| CliError::other(error.to_string()))?;
    let before = client.remaining_credits().await?;
    note(&format!("1. Template: {} ({template_id})", template.name().unwrap_or("unnamed")));

    let standard = ModelVersion::Standard;
    let up_to_30_s = Duration::from_secs(30);
    let estimate = |operation| {
        let estimate = client.estimate(operation, &standard, up_to_30_s, 1);
        estimate
            .map(|estimate| estimate.credits.max)
            .map_err(|error| CliError::other(error.to_string()))
    };
    let preview_cost = estimate(BillableOperation::Preview)?;
    let render_cost = estimate(BillableOperation::Render)?;
    note(&format!(
        "2. Estimate for up to 30 s: preview {}, render {}; balance {}",
        preview_cost.in_words(),
        render_cost.in_words(),
        before.in_words()
    ));

    note("3. Preview");
    let variables = Variables::new().text("headline", "Summer sale").text("price", "now 39.90");
    let accepted = client
        .preview(template_id, variables)
        .name("Summer sale")
        .expected_duration(up_to_30_s)
        .max_credits(preview_cost)
        .send()
        .await?;
    let preview = submit::finish(session, &accepted, TIMEOUT).await?;
    note("   link for an iframe, as long as this runs:");
    note(&format!("   {}", preview.preview_url().unwrap_or_default()));

    note("4. Render: the same job goes on to its video");
    let accepted = client.render(preview.id()).max_credits(render_cost).send().await?;
    let video = submit::finish(session, &accepted, TIMEOUT).await?;

    note("5. Download");
    let mut download = client.download(&video, Goal::Video, file);
    if file == Path::new(DEMO_FILE) {
        download = download.overwrite(); // of an earlier demo
    }
    let downloaded = download.await?;
    let path = downloaded.path.to_string_lossy();
    let spent: Option<Credits> = before.checked_sub(client.remaining_credits().await?);
    let spent = spent.map_or("unknown".to_owned(), |spent| spent.in_words());
    note(&format!("   {} bytes in {path}; {spent} spent", downloaded.bytes));
    note("");
    session.output.show(&json!({ "preview": preview, "video": video, "file": path }), || {
        let path = crate::output::visible(&path).into_owned();
        ResultText { full: path.clone(), short: path }
    })
}

//! `demo`: the whole story, against the embedded sandbox.

use std::{path::Path, time::Duration};

use creatify::{
    Goal, ModelVersion, Variables,
    credits::{BillableOperation, Credits},
};
use serde_json::json;

use crate::{args::Timeout, commands::submit, exit::Failure, output, session::Session};

const TIMEOUT: Timeout = Timeout { timeout: Duration::from_secs(60) };

pub(crate) async fn demo(session: &Session, file: &Path) -> Result<(), Failure> {
    let client = session.sandbox_client().await?;
    let note = |text: &str| output::note(session, text);

    note("A sandbox of the service runs on this machine. No account, no network, no money.\n");
    let template = client
        .templates()
        .await?
        .into_iter()
        .next()
        .ok_or_else(|| Failure::other("the sandbox has no templates"))?;
    let template_id = template.id().map_err(|error| Failure::other(error.to_string()))?;
    let before = client.remaining_credits().await?;
    note(&format!("1. Template: {} ({})", template.name().unwrap_or("unnamed"), template_id));

    let standard = ModelVersion::Standard;
    let up_to_30_s = Duration::from_secs(30);
    let estimate = |operation| {
        let estimate = client.estimate(operation, &standard, up_to_30_s, 1);
        estimate
            .map(|estimate| estimate.credits.max)
            .map_err(|error| Failure::other(error.to_string()))
    };
    let (preview_cost, render_cost) =
        (estimate(BillableOperation::Preview)?, estimate(BillableOperation::Render)?);
    note(&format!(
        "2. Estimate for up to 30 s: preview {preview_cost}, render {render_cost} credits; balance {before}"
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
    session.accepted(accepted.handle);
    let preview = submit::finish(session, &accepted, TIMEOUT).await?;
    note(&format!(
        "   link for an iframe, while this runs: {}",
        preview.preview_url().unwrap_or_default()
    ));

    note("4. Render: the same job goes on to its video");
    let accepted = client.render(preview.id()).max_credits(render_cost).send().await?;
    session.accepted(accepted.handle);
    let video = submit::finish(session, &accepted, TIMEOUT).await?;

    note("5. Download");
    let downloaded = client.download(&video, Goal::Video, file).await?;
    let spent: Option<Credits> = before.checked_sub(client.remaining_credits().await?);
    note(&format!(
        "   {} bytes in {}; {} credits spent\n",
        downloaded.bytes,
        downloaded.path.display(),
        spent.map_or("?".to_owned(), |spent| spent.to_string())
    ));
    output::show(
        session,
        &json!({ "preview": preview, "video": video, "file": downloaded.path }),
        || downloaded.path.display().to_string(),
    )
}

//! `sandbox`: serve the service in a box until Ctrl-C.

use creatify_sandbox::Sandbox;
use serde_json::json;

use crate::{args, exit::Failure, output, session::Session};

pub(crate) async fn serve(session: &Session, options: &args::Sandbox) -> Result<(), Failure> {
    let mut sandbox = Sandbox::builder()
        .speed(options.speed)
        .port(options.port)
        .faults(options.faults.clone().unwrap_or_default());
    if let Some(credits) = options.credits {
        sandbox = sandbox.credits(credits);
    }
    let sandbox = sandbox
        .start()
        .await
        .map_err(|error| Failure::other(format!("the sandbox did not start: {error}")))?;
    output::show(session, &json!({ "base_url": sandbox.base_url() }), || {
        sandbox.base_url().to_owned()
    })?;
    output::note(
        session,
        &format!(
            "a sandbox at {}× speed, with {} credits; nothing here costs money. To use it:\n  \
             export CREATIFY_BASE_URL={} CREATIFY_API_ID={} CREATIFY_API_KEY={}\nCtrl-C stops it.",
            options.speed,
            sandbox.balance(),
            sandbox.base_url(),
            sandbox.api_id(),
            sandbox.api_key(),
        ),
    );
    std::future::pending().await
}

//! `sandbox`: an imitation of the service, served until Ctrl-C.

use creatify_sandbox::Sandbox;
use serde_json::json;

use crate::{args, error::CliError, output::ResultText, session::Session};

pub(crate) async fn serve(session: &Session, options: &args::Sandbox) -> Result<(), CliError> {
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
        .map_err(|error| CliError::other(format!("the sandbox did not start: {error}")))?;
    let url = sandbox.base_url();
    session.output.show(&json!({ "base_url": url }), || ResultText {
        full: url.to_owned(),
        short: url.to_owned(),
    })?;
    let note = |text: &str| session.output.note(text);
    let (speed, balance) = (options.speed, sandbox.balance());
    note(&format!("A sandbox at {speed} times real speed, with {balance} credits of play money."));
    note("To use it:");
    note(&format!("  export CREATIFY_BASE_URL={url} \\"));
    note(&format!(
        "    CREATIFY_API_ID={} CREATIFY_API_KEY={}",
        sandbox.api_id(),
        sandbox.api_key()
    ));
    note("Ctrl-C stops it.");
    std::future::pending().await
}

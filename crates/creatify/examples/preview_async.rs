//! The recommended flow of the vendor: an asynchronous preview, polled until it is done.
//!
//! ```text
//! export CREATIFY_API_ID=… CREATIFY_API_KEY=…
//! cargo run -p creatify --example preview_async -- TEMPLATE_ID
//! ```

#![allow(clippy::print_stdout)] // an example

use creatify::{Client, Variables};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let template = std::env::args().nth(1).ok_or("usage: preview_async TEMPLATE_ID")?.parse()?;
    let client = Client::from_env()?;
    let variables = Variables::new().text("headline", "Summer sale");

    // Returns at once with a pending job. Costs 1 credit for every started 30 s.
    let submitted = client.preview(template, variables).name("Summer sale").send().await?;
    println!("{}: {}", submitted.handle, submitted.job.status());

    // Polls the job until its status is `done` and its preview is there. Free.
    let job = submitted.wait().await?;
    println!("{}", job.preview_url().unwrap_or_default());
    Ok(())
}

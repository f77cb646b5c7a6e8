//! The flow of the vendor's document: an asynchronous preview, polled until it is done, and its link read.
//!
//! `CREATIFY_API_ID=… CREATIFY_API_KEY=… cargo run -p creatify --example preview_async -- TEMPLATE_ID`

#![allow(clippy::print_stdout)] // an example

use creatify::{Client, Variables};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let template = std::env::args().nth(1).ok_or("usage: preview_async TEMPLATE_ID")?.parse()?;
    let client = Client::from_env()?;
    let variables = Variables::new().text("headline", "Summer sale");

    // Returns immediately with a pending job; 1 credit for every 30 seconds.
    let accepted = client.preview(template, variables).name("Summer sale").send().await?;
    println!("{}: {}", accepted.handle, accepted.job.status());

    // Polls GET /api/custom_template_jobs/{id}/ until the status is done and the preview is there.
    let job = accepted.wait().await?;
    println!("{}", job.preview_url().unwrap_or_default());
    Ok(())
}

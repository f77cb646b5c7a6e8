//! A program that may be killed and run again at any moment: its video is paid once.

#![allow(clippy::print_stdout)] // a program that prints

use std::sync::Arc;

use creatify::{Client, Goal, Variables};
use creatify_journal::SqliteJournal;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let journal = SqliteJournal::open("journal.db").await?;
    let client = Client::builder().from_env()?.journal(Arc::new(journal)).build()?;

    let template = "3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10".parse()?;
    let variables = Variables::new().text("headline", "Summer sale");
    let submitted = client.create(template, variables).key("summer/sku-4711").send().await?;
    println!("{} {}", submitted.handle, if submitted.is_replayed() { "found" } else { "sent" });

    let video = submitted.wait().await?;
    let file = client.download(&video, Goal::Video, "sku-4711.mp4").await?;
    println!("{}", file.path.display());
    Ok(())
}

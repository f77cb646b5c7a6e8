//! A video whose wait ends when its webhook arrives, or by polling if none does.
//!
//! ```text
//! export CREATIFY_API_ID=… CREATIFY_API_KEY=… WEBHOOK_SECRET=$(openssl rand -hex 16)
//! cargo run -p creatify --features webhook --example webhook_axum -- \
//!     TEMPLATE_ID https://hooks.example.com
//! ```
//!
//! The second argument is the URL of a proxy or tunnel that leads to port 8080 of this machine.

#![allow(clippy::print_stdout)] // an example

use axum::{Router, routing::get};
use creatify::{Client, Variables, webhook::Receiver};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(template), Some(public_url)) = (arguments.next(), arguments.next()) else {
        return Err("usage: webhook_axum TEMPLATE_ID PUBLIC_URL".into());
    };
    let client = Client::from_env()?;

    // The same secret after a restart means the same URL. `Receiver::new` makes a random one.
    let receiver =
        Receiver::with_secret(&client, std::env::var("WEBHOOK_SECRET")?)?.on_delivery(|delivery| {
            match &delivery.hint {
                Ok(hint) => println!("webhook: {} is said to be {}", hint.job, hint.claimed_status),
                Err(error) => println!("webhook: {error}"),
            }
        });
    let webhook_url = receiver.url(&public_url)?;

    // The other routes of your server stay as they are.
    let router = Router::new()
        .route("/health", get(async || "ok"))
        .route_service(&receiver.path(), receiver);
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    tokio::spawn(async move { axum::serve(listener, router).await });

    // Costs 4 credits for every started 30 s.
    let variables = Variables::new().text("headline", "Summer sale");
    let create = client.create(template.parse()?, variables).webhook_url(webhook_url);
    let submitted = create.send().await?;
    println!("submitted {}", submitted.handle);

    // The result is read from the service in either case.
    let job = submitted.wait().await?;
    println!("video: {}", job.video_url().unwrap_or_default());
    Ok(())
}

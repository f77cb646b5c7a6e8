//! `cargo xtask spec docs`: the reference, as one page that needs nothing else, looked at in a browser.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::{ci::quiet, tools, workspace::root};

const PAGE: &str = "target/docs/reference.html";

/// The page shows this mark of its maker from elsewhere; here it is drawn on the page.
const LOGO: &str = "https://cdn.redoc.ly/redoc/logo-mini-full.svg";
const DRAWN_LOGO: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='50' height='14'%3E\
    %3Ctext y='11' font-family='sans-serif' font-size='11'%3ERedocly%3C/text%3E%3C/svg%3E";

/// So the page cannot load anything, whatever its scripts try.
const POLICY: &str = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline'; \
    style-src 'unsafe-inline'; img-src data:; font-src data:\">";

/// The marks stay in one piece.
const STYLE: &str = "<style>td code { white-space: nowrap !important }</style>";

pub fn run() -> Result<()> {
    let page = build()?;
    match browser() {
        Ok(browser) => look(&browser, &page)?,
        Err(missing) => println!("not looked at: {missing}"),
    }
    println!("{}", page.display());
    Ok(())
}

/// What CI runs.
pub fn check() -> Result<()> {
    look(&browser()?, &build()?)
}

fn build() -> Result<PathBuf> {
    let page = root().join(PAGE);
    let mut redocly = tools::node("redocly")?;
    redocly.args([
        "build-docs",
        "openapi.yaml",
        "--config",
        "spec/docs/redocly.yaml",
        "--inlineBundle",
        "--output",
        PAGE,
    ]);
    quiet(redocly)?;
    let html = fs::read_to_string(&page)?;
    ensure!(html.matches("<head>").count() > 0, "the page has no head");
    fs::write(
        &page,
        html.replacen("<head>", &format!("<head>{POLICY}{STYLE}"), 1).replace(LOGO, DRAWN_LOGO),
    )?;
    Ok(page)
}

fn browser() -> Result<String> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let there = names.into_iter().find(|name| tools::version(name, "--version", "").is_ok());
    Ok(there.context("install Chromium (Debian: apt-get install chromium)")?.to_owned())
}

/// What the page must show of an operation.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Operation {
    operation_id: String,
    summary: String,
    #[serde(rename = "x-billing")]
    billing: String,
}

#[derive(Deserialize)]
struct Document {
    paths: BTreeMap<String, BTreeMap<String, Value>>,
    #[serde(rename = "x-credit-rates")]
    rates: Rates,
}

#[derive(Deserialize)]
struct Rates {
    cards: BTreeMap<String, Card>,
}

#[derive(Deserialize)]
struct Card {
    rates: Vec<Rate>,
}

#[derive(Deserialize)]
struct Rate {
    operation: String,
    credits: Option<serde_json::Number>,
    block_seconds: Option<u32>,
}

/// Lets a browser draw the page: every operation must be on it, with its cost, and nothing may have been asked of anybody.
fn look(browser: &str, page: &Path) -> Result<()> {
    let profile = tempfile::tempdir()?;
    let mut chromium = Command::new(browser);
    // Not as a user would, but as every machine can: no sandbox for root, no calls home.
    chromium.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-sync",
    ]);
    chromium.args([
        "--disable-background-networking",
        "--disable-component-update",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ]);
    chromium.arg(format!("--user-data-dir={}", profile.path().display()));
    // The page draws what is in sight; page time passes at once.
    chromium.args([
        "--window-size=1400,6000",
        "--virtual-time-budget=8000",
        "--enable-logging=stderr",
        "--dump-dom",
    ]);
    chromium.arg(format!("file://{}", page.display()));
    let output = chromium.output().with_context(|| format!("`{browser}` cannot be run"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if let Some(refused) = said.lines().find(|line| line.contains("Content Security Policy")) {
        bail!("the page wanted something from elsewhere: {refused}");
    }
    let text = text(&String::from_utf8_lossy(&output.stdout));

    let openapi = fs::read_to_string(root().join("openapi.yaml"))?;
    let document: Document = serde_saphyr::from_str(&openapi)
        .map_err(|error| anyhow::anyhow!("openapi.yaml: {error}"))?;
    let members = document.paths.values().flat_map(BTreeMap::values);
    let operations: Vec<Operation> =
        members.filter_map(|member| serde_json::from_value(member.clone()).ok()).collect();
    ensure!(!operations.is_empty(), "openapi.yaml has no operations");
    for operation in operations {
        let id = format!("operationId: {}", operation.operation_id);
        let (before, _) = text
            .split_once(&format!("{id} "))
            .with_context(|| format!("the page does not show {id}"))?;
        let (_, shown) = before
            .rsplit_once(&operation.summary)
            .with_context(|| format!("{id} is not below its title"))?;
        ensure!(shown.contains("provenance: "), "{id}: the page does not say how it is known");
        for cost in costs(&document.rates, &operation.billing) {
            ensure!(shown.contains(&cost), "{id}: the page does not show `{cost}`");
        }
    }
    Ok(())
}

fn costs(rates: &Rates, billing: &str) -> Vec<String> {
    if billing == "free" {
        return vec!["Cost: free".to_owned()];
    }
    let priced =
        rates.cards.values().flat_map(|card| &card.rates).filter(|rate| rate.operation == billing);
    priced
        .map(|rate| match (&rate.credits, rate.block_seconds) {
            (Some(credits), Some(seconds)) => format!("{credits} for every started {seconds} s"),
            _ => "not documented, between ".to_owned(),
        })
        .collect()
}

/// What a person reads of a page: no scripts, no styles, no tags.
fn text(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((shown, tag)) = rest.split_once('<') {
        text += shown;
        text.push(' ');
        let hidden = ["script", "style"].into_iter().find(|name| tag.starts_with(name));
        let end = hidden.map_or(">".to_owned(), |name| format!("</{name}>"));
        rest = tag.split_once(end.as_str()).map_or("", |(_, after)| after);
    }
    text += rest;
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace(" :", ":")
}

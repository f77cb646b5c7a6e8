//! `cargo xtask spec docs`: the reference as one self-contained page, checked in a browser.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::document::{decimal, items, members, operations};
use crate::{
    process::{output, quiet},
    tools,
    workspace::root,
};

const PAGE: &str = "target/docs/reference.html";

/// The page loads this logo from the network; here it becomes a part of the page.
const LOGO: &str = "https://cdn.redoc.ly/redoc/logo-mini-full.svg";
const DRAWN_LOGO: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='50' height='14'%3E\
    %3Ctext y='11' font-family='sans-serif' font-size='11'%3ERedocly%3C/text%3E%3C/svg%3E";

/// Keeps the page from loading anything.
const POLICY: &str = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline'; \
    style-src 'unsafe-inline'; img-src data:; font-src data:\">";

/// Keeps provenance marks on one line.
const STYLE: &str = "<style>td code { white-space: nowrap !important }</style>";

pub fn run() -> Result<()> {
    let page = build()?;
    match browser() {
        Ok(browser) => check_page(&browser, &page)?,
        Err(missing) => println!("not checked: {missing}"),
    }
    println!("{}", page.display());
    Ok(())
}

/// Builds and checks the page; a missing browser is an error.
pub fn check() -> Result<()> {
    check_page(&browser()?, &build()?)
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

/// Renders the page in a browser: it must show every operation with its cost, and load nothing.
fn check_page(browser: &str, page: &Path) -> Result<()> {
    let profile = tempfile::tempdir()?;
    let mut chromium = Command::new(browser);
    // Works as root and without network: no browser sandbox, no calls home.
    chromium.args(
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
            .split(' '),
    );
    chromium.args([
        "--disable-background-networking",
        "--disable-component-update",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ]);
    chromium.arg(format!("--user-data-dir={}", profile.path().display()));
    // The page renders visible parts only; virtual time skips its timers.
    chromium.args(
        "--window-size=1400,6000 --virtual-time-budget=8000 --enable-logging=stderr --dump-dom"
            .split(' '),
    );
    chromium.arg(format!("file://{}", page.display()));
    let output = output(&mut chromium)?;
    let log = String::from_utf8_lossy(&output.stderr);
    if let Some(refused) = log.lines().find(|line| line.contains("Content Security Policy")) {
        bail!("the page tried to load something: {refused}");
    }
    let text = text(&String::from_utf8_lossy(&output.stdout));

    let openapi = fs::read_to_string(root().join("openapi.yaml"))?;
    let document: Value = serde_saphyr::from_str(&openapi).context("openapi.yaml")?;
    for operation in operations(&document) {
        let text_of = |key: &str| operation.value[key].as_str().context(format!("no {key}"));
        let id = format!("operationId: {}", text_of("operationId")?);
        let (before, _) = text
            .split_once(&format!("{id} "))
            .with_context(|| format!("the page does not show {id}"))?;
        let (_, shown) = before
            .rsplit_once(text_of("summary")?)
            .with_context(|| format!("{id} is not below its title"))?;
        ensure!(shown.contains("provenance: "), "{id}: the page does not show the provenance");
        for cost in costs(&document, text_of("x-billing")?) {
            ensure!(shown.contains(&cost), "{id}: the page does not show `{cost}`");
        }
    }
    Ok(())
}

/// Returns the costs that the page must show for a rate.
fn costs(document: &Value, billing: &str) -> Vec<String> {
    if billing == "free" {
        return vec!["Cost: free".to_owned()];
    }
    members(&document["x-credit-rates"]["cards"])
        .flat_map(|(_, card)| items(&card["rates"]))
        .filter(|rate| rate["operation"] == billing)
        .map(|rate| match (decimal(&rate["credits"]), decimal(&rate["block_seconds"])) {
            (Some(credits), Some(seconds)) => {
                format!("{credits} for every started {seconds} s")
            }
            _ => "not documented, between ".to_owned(),
        })
        .collect()
}

/// Returns the visible text of a page, without scripts, styles and tags.
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

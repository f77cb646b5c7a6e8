//! `cargo xtask spec drift`: differences between the vendor's reference pages and `openapi.yaml`.

mod amounts;
mod cards;
mod compare;
mod page;
mod prices;
mod prose;
mod report;
mod stated;

use std::{
    collections::BTreeSet,
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;

use self::{
    cards::Cards,
    compare::{Finding, Kind, NULL, compare},
    page::{Format, Fragment, Page, Problem},
    prices::{Reader, Statement},
    report::{Compared, File, Report},
    stated::Stated,
};
use super::document::{Operation, comparable, operations};
use crate::workspace::root;

/// Compare saved reference pages of the vendor with openapi.yaml
///
/// A page is Markdown with an OpenAPI fragment in a block that begins with ````yaml METHOD /path;
/// OpenAPI files (.yaml, .yml, .json) work too. Operations are matched by method and path, without
/// names of path parameters and final slash; bodies are compared field by field, whatever their
/// components are called. Prices in sentences are compared with the rate cards.
///
/// Not counted as differences, and shown with --all: answers that we accept more widely than
/// documented (optional, nullable, number for integer), and our facts that never came from the
/// vendor's pages (x-provenance observed, sibling or inferred). A file with one operation counts as
/// a part of the API; for a file with several, our operations that it lacks are listed.
///
/// Exit code: 0 no difference, 1 differences, 2 a file could not be read (others are compared).
#[derive(Args)]
pub struct Options {
    /// Saved pages and OpenAPI files, or folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Show also the deviations that are not counted as differences
    #[arg(long)]
    all: bool,
}

/// Limit of a file; real pages are far smaller.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

pub fn run(options: &Options) -> Result<ExitCode> {
    match compared(&options.paths) {
        Ok(report) => {
            report.print(options.json, options.all)?;
            Ok(report.exit_code())
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            Ok(ExitCode::from(report::BAD_INPUT))
        }
    }
}

fn compared(paths: &[PathBuf]) -> Result<Report> {
    let text = fs::read_to_string(root().join("openapi.yaml")).context("openapi.yaml")?;
    let ours = serde_saphyr::from_str(&text).context("openapi.yaml")?;
    let paths = pages(paths)?;
    ensure!(!paths.is_empty(), "no file with a name that ends in .md, .yaml, .yml or .json");
    let mut report = Report::default();
    for path in paths {
        let name = path.display().to_string();
        report.files.push(match text_of(&path) {
            Ok((text, format)) => file(name, &page::read(&text, format), format, &ours)?,
            Err(error) => File {
                file: name,
                problems: vec![Problem { line: 1, message: format!("{error:#}") }],
                ..File::default()
            },
        });
    }
    Ok(report)
}

/// Lists the files to compare: the named ones, and those in folders that may be pages.
fn pages(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut pages = Vec::new();
    for path in paths {
        if !path.is_dir() {
            pages.push(path.clone());
            continue;
        }
        let mut inside = Vec::new();
        for entry in fs::read_dir(path).with_context(|| path.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() || format(&path).is_some() {
                inside.push(path);
            }
        }
        inside.sort();
        pages.extend(self::pages(&inside)?);
    }
    Ok(pages)
}

fn format(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()?.to_lowercase().as_str() {
        "md" | "mdx" | "markdown" => Some(Format::Markdown),
        "yaml" | "yml" => Some(Format::Yaml),
        "json" => Some(Format::Json),
        _ => None,
    }
}

fn text_of(path: &Path) -> Result<(String, Format)> {
    let format =
        format(path).context("not read: its name does not end in .md, .yaml, .yml or .json")?;
    let mut text = String::new();
    fs::File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    ensure!(text.len() as u64 <= MAX_BYTES, "larger than {} MiB", MAX_BYTES >> 20);
    Ok((text, format))
}

/// Compares the fragments of a file.
fn file(name: String, page: &Page, format: Format, ours: &Value) -> Result<File> {
    let mut file = File { file: name, ..File::default() };
    file.problems.extend(page.problems.iter().cloned());
    for fragment in &page.fragments {
        fragment_of(page, fragment, format, ours, &mut file)?;
    }
    Ok(file)
}

fn fragment_of(
    page: &Page,
    fragment: &Fragment,
    format: Format,
    ours: &Value,
    file: &mut File,
) -> Result<()> {
    let mut their_operations: Vec<_> = operations(&fragment.document).collect();
    their_operations.sort_by_key(|operation| (operation.path, operation.method));
    for theirs in &their_operations {
        let counterpart = operations(ours).find(|own| is_same(*own, *theirs));
        let mut compared = Compared {
            operation: format!("{} {}", theirs.method, theirs.path),
            ours: counterpart
                .map(|own| own.value["operationId"].as_str().unwrap_or_default().to_owned()),
            line: fragment.line,
            findings: Vec::new(),
        };
        match counterpart {
            None => compared.findings.push(whole_operation(Kind::TheyHave, *theirs)),
            Some(own) => {
                let stated = Stated::of(&fragment.document, *theirs);
                compared.findings.extend(compare(&stated, &Stated::of(ours, own)));
                // On a page with several operations, prose must name its operation.
                let is_alone = page.fragments.len() == 1 && their_operations.len() == 1;
                let prose = if file.compared.is_empty() { page.prose.as_str() } else { "" };
                let text = Text { prose, is_alone, fragment, operation: *theirs, stated: &stated };
                compared.findings.extend(prices(&text, own, ours)?);
            }
        }
        file.compared.push(compared);
    }
    // A file with several operations is expected to be complete.
    if format != Format::Markdown && their_operations.len() > 1 {
        for own in operations(ours)
            .filter(|own| !their_operations.iter().any(|theirs| is_same(*own, *theirs)))
        {
            file.compared.push(Compared {
                operation: format!("{} {}", own.method, own.path),
                ours: own.value["operationId"].as_str().map(str::to_owned),
                line: fragment.line,
                findings: vec![whole_operation(Kind::WeHave, own)],
            });
        }
    }
    Ok(())
}

/// Returns true if the same fields may be null, whatever the components are called.
pub fn same_nulls(before: &Value, after: &Value) -> bool {
    operations(after).all(|new| {
        let old = operations(before).find(|old| is_same(*old, new));
        let findings = old.map(|old| compare(&Stated::of(after, new), &Stated::of(before, old)));
        findings.into_iter().flatten().all(|finding| finding.fact != NULL)
    })
}

fn is_same(a: Operation<'_>, b: Operation<'_>) -> bool {
    a.method == b.method && comparable(a.path) == comparable(b.path)
}

fn whole_operation(kind: Kind, operation: Operation<'_>) -> Finding {
    let summary = operation.value["summary"].as_str().unwrap_or_default().to_owned();
    let (theirs, ours) =
        if kind == Kind::TheyHave { (Some(summary), None) } else { (None, Some(summary)) };
    let provenance = (kind == Kind::WeHave)
        .then(|| operation.value["x-provenance"].as_str().map(str::to_owned))
        .flatten();
    Finding {
        kind,
        place: "operation".to_owned(),
        fact: String::new(),
        theirs,
        ours,
        provenance,
        quoted: None,
    }
}

/// The texts of an operation that may state prices.
struct Text<'p> {
    prose: &'p str,
    /// True if the page has no other operation.
    is_alone: bool,
    fragment: &'p Fragment,
    operation: Operation<'p>,
    stated: &'p Stated,
}

/// Finds the prices in the prose of a page and in the descriptions of an operation.
fn prices(text: &Text<'_>, own: Operation<'_>, ours: &Value) -> Result<Vec<Finding>> {
    let Text { prose, is_alone, fragment, operation, stated } = *text;
    let cards = Cards::of(ours);
    let models = stated
        .places
        .iter()
        .filter(|(place, _)| place.path.last().is_some_and(|name| name == "model_version"));
    let models: BTreeSet<_> = models
        .flat_map(|(_, facts)| facts.values.iter().map(String::as_str))
        .chain(cards.models())
        .collect();
    let reader = Reader::new(models.into_iter())?;
    let billing = own.value["x-billing"].as_str().filter(|rate| *rate != "free");

    let mut statements = reader.read(prose, billing.filter(|_| is_alone));
    let mut read = |text: &str, here| {
        // The parser drops the lines of descriptions, so the words are searched in the text.
        statements.extend(reader.read(text, here).into_iter().map(|statement| {
            let line = prose::line_of(&fragment.text, &statement.words);
            Statement { line: fragment.line - 1 + line.unwrap_or_default(), ..statement }
        }));
    };
    for text in ["summary", "description"] {
        read(operation.value[text].as_str().unwrap_or_default(), billing);
    }
    stated.descriptions.iter().for_each(|text| read(text, None));
    statements.sort_by_key(|statement| statement.line);

    let mut findings = Vec::new();
    for (index, statement) in statements.iter().enumerate() {
        // Requests and answers share descriptions.
        if !statements[..index].iter().any(|before| before.says_the_same(statement)) {
            findings.push(cards.compare(statement));
        }
    }
    Ok(findings)
}

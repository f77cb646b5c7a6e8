//! OpenAPI fragments of a saved page, and problems of pages without one.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::spec::document::{self, operations};

/// An OpenAPI document inside a file.
#[derive(Debug)]
pub struct Fragment {
    pub document: Value,
    /// First line in the file, counted from 1.
    pub line: usize,
    /// Text in the file.
    pub text: String,
}

/// Contents of a file.
#[derive(Debug, Default)]
pub struct Page {
    pub fragments: Vec<Fragment>,
    /// Text around the fragments, whose lines are empty to keep the line numbers.
    pub prose: String,
    pub problems: Vec<Problem>,
}

/// A part of a file that could not be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub line: usize,
    pub message: String,
}

impl Problem {
    fn new(line: usize, message: impl fmt::Display) -> Self {
        Self { line, message: message.to_string() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Markdown,
    Yaml,
    Json,
}

/// Reads a file's text.
pub fn read(text: &str, format: Format) -> Page {
    let mut page = Page::default();
    match format {
        Format::Markdown => page.read_markdown(text),
        Format::Yaml | Format::Json => page.read_fragment(text, 1, format, None),
    }
    page
}

/// Operation in the info string of a fence.
type Announced = (&'static str, String);

impl Page {
    fn read_markdown(&mut self, text: &str) {
        let mut lines = text.lines().zip(1..);
        let mut unannounced = None;
        while let Some((line, number)) = lines.next() {
            let Some((fence, info)) = fence(line) else {
                self.prose += line;
                self.prose += "\n";
                continue;
            };
            let mut block = String::new();
            let closed = lines.by_ref().any(|(line, _)| {
                let closes =
                    line.trim_start().starts_with(fence) && line.trim().chars().all(|c| c == '`');
                if !closes {
                    block += line;
                    block += "\n";
                }
                closes
            });
            self.prose
                .extend(std::iter::repeat_n('\n', block.lines().count() + 1 + usize::from(closed)));
            if !info
                .split_whitespace()
                .next()
                .is_some_and(|language| matches!(language, "yaml" | "yml"))
            {
                continue;
            }
            match announced(info) {
                Some(_) if !closed => self
                    .problems
                    .push(Problem::new(number, "the block that begins here does not end")),
                Some(operation) => {
                    self.read_fragment(&block, number + 1, Format::Yaml, Some(operation))
                }
                None => unannounced = Some(number),
            }
        }
        if self.fragments.is_empty() && self.problems.is_empty() {
            self.problems.push(match unannounced {
                Some(line) => {
                    Problem::new(line, "this yaml block does not say which operation it describes: ````yaml METHOD /path")
                }
                None => Problem::new(1, "no OpenAPI fragment: there is no block that begins with ````yaml METHOD /path"),
            });
        }
    }

    fn read_fragment(
        &mut self,
        text: &str,
        line: usize,
        format: Format,
        announced: Option<Announced>,
    ) {
        let in_file = |of_fragment: usize| line + of_fragment.saturating_sub(1);
        let parsed = match format {
            Format::Json => serde_json::from_str(text).map_err(|error| {
                Problem::new(
                    in_file(error.line()),
                    format!("invalid JSON: {}", without_place(&error.to_string())),
                )
            }),
            Format::Markdown | Format::Yaml => serde_saphyr::from_str(text).map_err(|error| {
                let place = error.location().map_or(1, |location| location.line() as usize);
                Problem::new(
                    in_file(place),
                    format!(
                        "invalid YAML: {}",
                        without_place(&error.without_snippet().to_string())
                    ),
                )
            }),
        };
        let document: Value = match parsed {
            Ok(document) => document,
            Err(problem) => return self.problems.push(problem),
        };
        let found = self.problems.len();
        if document.get("swagger").is_some() {
            self.problems
                .push(Problem::new(line, "this is Swagger 2.0; OpenAPI 3.0 and 3.1 are read"));
        } else if operations(&document).next().is_none() {
            self.problems.push(Problem::new(
                line,
                "this is no OpenAPI document with operations under `paths`",
            ));
        } else if let Some((method, path)) = announced
            && !operations(&document).any(|it| {
                it.method == method && document::comparable(it.path) == document::comparable(&path)
            })
        {
            self.problems.push(Problem::new(
                line - 1,
                format!("the block says {method} {path}, but describes no such operation"),
            ));
        }
        for target in document::unresolved(&document) {
            let place = text
                .lines()
                .position(|line| line.contains("$ref") && line.contains(target))
                .unwrap_or_default();
            let message =
                if target.starts_with('#') { "nothing is at" } else { "this file is not read:" };
            self.problems.push(Problem::new(
                line + place,
                format!("unresolved reference: {message} {target}"),
            ));
        }
        if self.problems.len() == found {
            self.fragments.push(Fragment { document, line, text: text.to_owned() });
        }
    }
}

/// Splits a line that opens a block into its backticks and its info string.
fn fence(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let ticks = line.len() - line.trim_start_matches('`').len();
    let (fence, info) = line.split_at(ticks);
    (ticks >= 3 && !info.contains('`')).then_some((fence, info.trim()))
}

/// Reads `yaml POST /path`, possibly with a file name between.
fn announced(info: &str) -> Option<Announced> {
    let words: Vec<_> = info.split_whitespace().skip(1).collect();
    words.windows(2).find_map(|pair| match pair {
        [method, path] if path.starts_with('/') => {
            Some((document::method(method)?, (*path).to_owned()))
        }
        _ => None,
    })
}

/// Removes the line number of a parser's message, which counts from the start of the fragment.
fn without_place(message: &str) -> &str {
    let message = message
        .split_once(": ")
        .filter(|(place, _)| place.contains("line "))
        .map_or(message, |(_, rest)| rest);
    message.find(" at line ").map_or(message, |place| &message[..place])
}

//! The report of a comparison, for people and for programs.

use std::process::ExitCode;

use anyhow::Result;
use serde::Serialize;

use super::{
    compare::{Finding, Kind, Quoted},
    page::Problem,
};

/// Result of all comparisons.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub files: Vec<File>,
}

#[derive(Debug, Default, Serialize)]
pub struct File {
    pub file: String,
    pub compared: Vec<Compared>,
    /// Parts that could not be read.
    pub problems: Vec<Problem>,
}

/// Result for one operation of a file.
#[derive(Debug, Serialize)]
pub struct Compared {
    pub operation: String,
    /// Our `operationId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ours: Option<String>,
    /// First line of the fragment.
    pub line: usize,
    pub findings: Vec<Finding>,
}

/// The report with its totals, for programs.
#[derive(Debug, Serialize)]
struct Counted<'r> {
    differences: usize,
    problems: usize,
    #[serde(flatten)]
    report: &'r Report,
}

const DIFFERENCES: u8 = 1;
pub const BAD_INPUT: u8 = 2;

impl Report {
    fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.files.iter().flat_map(|file| &file.compared).flat_map(|compared| &compared.findings)
    }

    fn differences(&self) -> usize {
        self.findings().filter(|finding| finding.kind.is_difference()).count()
    }

    fn problems(&self) -> usize {
        self.files.iter().map(|file| file.problems.len()).sum()
    }

    pub fn exit_code(&self) -> ExitCode {
        match (self.problems(), self.differences()) {
            (0, 0) => ExitCode::SUCCESS,
            (0, _) => ExitCode::from(DIFFERENCES),
            _ => ExitCode::from(BAD_INPUT),
        }
    }

    pub fn print(&self, json: bool, all: bool) -> Result<()> {
        for file in &self.files {
            for Problem { line, message } in &file.problems {
                eprintln!("error: {}:{line}: {message}", file.file);
            }
        }
        if json {
            let counted = Counted {
                differences: self.differences(),
                problems: self.problems(),
                report: self,
            };
            println!("{}", serde_json::to_string_pretty(&counted)?);
        } else {
            print!("{}", self.text(all));
        }
        Ok(())
    }

    fn text(&self, all: bool) -> String {
        let mut text = String::new();
        for file in &self.files {
            for compared in &file.compared {
                text += &compared.text(&file.file, all);
            }
        }
        let (differences, problems) = (self.differences(), self.problems());
        let expected = self.findings().filter(|finding| finding.kind == Kind::Expected).count();
        let operations: usize = self.files.iter().map(|file| file.compared.len()).sum();
        text += &match differences {
            0 => format!("{} compared, no difference", counted(operations, "operation")),
            _ => format!(
                "{} compared, {}",
                counted(operations, "operation"),
                counted(differences, "difference")
            ),
        };
        if problems > 0 {
            text += &format!(", {} not read: see the errors", counted(problems, "part"));
        }
        if expected > 0 && !all {
            text +=
                &format!("; {} on purpose not counted, see --all", counted(expected, "deviation"));
        }
        text += "\n";
        if differences > 0 {
            text += "Where the vendor is right, edit openapi.yaml; then `cargo xtask spec diff` says what that breaks.\n";
        }
        text
    }
}

impl Compared {
    fn text(&self, file: &str, all: bool) -> String {
        let shown: Vec<_> = self
            .findings
            .iter()
            .filter(|finding| all || !matches!(finding.kind, Kind::Expected | Kind::Agrees))
            .collect();
        let verdict =
            match self.findings.iter().filter(|finding| finding.kind.is_difference()).count() {
                0 => "as ours".to_owned(),
                count => counted(count, "difference"),
            };
        let ours = self.ours.as_deref().map(|ours| format!(" ({ours})")).unwrap_or_default();
        let mut text = format!("{file}:{}  {}{ours}: {verdict}\n", self.line, self.operation);
        for (kind, title) in [
            (Kind::TheyHave, "they have, we lack"),
            (Kind::WeHave, "we have, they lack"),
            (Kind::Differs, "differs"),
            (Kind::NotClear, "not clear, to be read by someone"),
            (Kind::Remark, "no difference, but worth knowing"),
            (Kind::Agrees, "prices that agree"),
            (Kind::Expected, "not counted: wider on purpose, or never from their pages"),
        ] {
            let findings: Vec<_> = shown.iter().filter(|finding| finding.kind == kind).collect();
            if findings.is_empty() {
                continue;
            }
            text += &format!("  {title}\n");
            let width = findings
                .iter()
                .filter(|finding| finding.quoted.is_none())
                .map(|finding| finding.name().chars().count())
                .max();
            for finding in findings {
                text += finding.text(width.unwrap_or_default()).trim_end();
                text += "\n";
            }
        }
        text + "\n"
    }
}

impl Finding {
    fn name(&self) -> String {
        let separator = if self.quoted.is_some() { ": " } else { " " };
        [self.place.as_str(), &self.fact].join(separator).trim().to_owned()
    }

    /// Formats both sides, ours with provenance, and prices with their quotation.
    fn text(&self, width: usize) -> String {
        let known = self.provenance.as_deref().map(|mark| format!(" ({mark})")).unwrap_or_default();
        if let Some(Quoted { line, words }) = &self.quoted {
            let theirs = self
                .theirs
                .as_deref()
                .map(|theirs| format!("theirs {theirs}, "))
                .unwrap_or_default();
            let ours =
                self.ours.as_deref().map(|ours| format!("\n      ours {ours}")).unwrap_or_default();
            return format!("    {}\n      {theirs}line {line}: {words:?}{ours}", self.name());
        }
        let sides = match (&self.theirs, &self.ours) {
            (Some(theirs), Some(ours)) => format!("theirs {theirs}, ours {ours}{known}"),
            (Some(theirs), None) => theirs.clone(),
            (None, Some(ours)) => format!("{ours}{known}"),
            (None, None) => known,
        };
        format!("    {:width$}  {sides}", self.name())
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

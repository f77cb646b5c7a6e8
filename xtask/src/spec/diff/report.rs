//! The report of a comparison, for people: heaviest changes first, then the steps that are left.

use std::fmt;

use super::{
    change::{Change, Weight},
    releases::{Release, todo},
};

/// Result of a comparison.
#[derive(Debug)]
pub struct Report {
    /// Name of the revision, and the reason for choosing it.
    pub base: String,
    pub changes: Vec<Change>,
    /// Number of changes in descriptions, examples and marks.
    pub unnoticed: usize,
    pub releases: Vec<Release>,
    /// Parts that were not compared.
    pub notes: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "openapi.yaml and what is generated from it, compared with {}", self.base)?;
        if self.changes.is_empty() && self.unnoticed == 0 {
            writeln!(f, "\nNothing changed.")?;
        }
        for (weight, title) in [
            (Weight::Breaking, "Breaking"),
            (Weight::Decision, "Needs a decision"),
            (Weight::Additive, "Additive: breaks nobody"),
        ] {
            let mut changes =
                self.changes.iter().filter(|change| change.weight == weight).peekable();
            if changes.peek().is_some() {
                writeln!(f, "\n{title}")?;
            }
            for change in changes {
                writeln!(f, "  {:14}  {}", change.audience.name(), change.text)?;
                if let Some(note) = change.note {
                    writeln!(f, "  {:14}  ({note})", "")?;
                }
            }
        }
        if self.unnoticed > 0 {
            let plural = if self.unnoticed == 1 { "" } else { "s" };
            writeln!(
                f,
                "\n{} change{plural} of descriptions, examples or marks: no code can notice",
                self.unnoticed
            )?;
        }
        if !self.releases.is_empty() {
            writeln!(f, "\nWhat follows")?;
        }
        let width =
            self.releases.iter().map(|release| release.name.len()).max().unwrap_or_default();
        for release in &self.releases {
            writeln!(
                f,
                "  {:width$}  {} -> {}  {}",
                release.name,
                release.before,
                release.version(),
                release.why()
            )?;
        }
        let todo = todo(&self.releases);
        if !todo.is_empty() {
            writeln!(f, "\nTo do")?;
        }
        todo.iter().try_for_each(|todo| writeln!(f, "  {todo}"))?;
        self.notes.iter().try_for_each(|note| writeln!(f, "\n{note}"))
    }
}

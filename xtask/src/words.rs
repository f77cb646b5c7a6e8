//! `cargo xtask ci words`: rules for headers, item docs, names and the width of comments.
//!
//! Headers do not end in a question, item docs do not open with a question word, and names that
//! were replaced (`xtask/words.toml`) do not come back.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Result, ensure};
use regex::Regex;
use serde::Deserialize;

use crate::workspace::{root, tracked};

/// Columns that a line with a comment may have.
const WIDTH: usize = 100;
/// The history of names, and the list itself.
const EXEMPT: [&str; 2] = ["CHANGELOG.md", "xtask/words.toml"];

/// Checks every tracked file.
pub fn check() -> Result<()> {
    let rules = Rules::new()?;
    let (mut lines, mut counts) = (String::new(), BTreeMap::<_, usize>::new());
    for file in tracked(".")?.iter().filter(|file| !EXEMPT.iter().any(|name| file.ends_with(name)))
    {
        let Some(language) = Language::of(file).filter(|_| !root().join(file).is_symlink()) else {
            continue;
        };
        for Finding { line, kind, text } in
            rules.findings(&fs::read_to_string(root().join(file))?, language)
        {
            lines += &format!("{}:{line}: {text}\n", file.display());
            *counts.entry(kind).or_default() += 1;
        }
    }
    let counts: Vec<_> = counts.iter().map(|(kind, count)| format!("{kind:?}: {count}")).collect();
    ensure!(counts.is_empty(), "{lines}{}", counts.join(", "));
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// The line, counted from 1.
    line: usize,
    kind: Kind,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    QuestionHeader,
    DocOpener,
    ReplacedName,
    WideComment,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Rust,
    /// Text in which code stands in backquotes.
    Text,
}

impl Language {
    fn of(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()? {
            "rs" => Some(Self::Rust),
            "md" | "yaml" | "yml" | "toml" | "snap" => Some(Self::Text),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Names {
    anywhere: BTreeMap<String, String>,
    names: BTreeMap<String, String>,
}

struct Rules {
    names: Names,
    anywhere: Regex,
    name: Regex,
    /// A string or character literal of one line.
    literal: Regex,
    backquoted: Regex,
    question: Regex,
    opener: Regex,
}

impl Rules {
    fn new() -> Result<Self> {
        let names: Names = toml::from_str(include_str!("../words.toml"))?;
        let any = |words: &BTreeMap<String, String>| {
            Regex::new(&format!(r"\b(?:{})\b", words.keys().cloned().collect::<Vec<_>>().join("|")))
        };
        Ok(Self {
            anywhere: any(&names.anywhere)?,
            name: any(&names.names)?,
            names,
            literal: Regex::new(r#"'\\?"'|"(?:\\.|[^"\\])*""#)?,
            backquoted: Regex::new("`[^`]*`")?,
            question: Regex::new(r"\?(?:\s|$)")?,
            opener: Regex::new(
                r#"^(?:///\s*|#\[doc = ")(What|How|Its|Whether|Of|Who|When|Where)\b"#,
            )?,
        })
    }

    fn findings(&self, text: &str, language: Language) -> Vec<Finding> {
        let mut found = Vec::new();
        if language == Language::Rust {
            found.extend(self.header(text));
        }
        let mut before = "";
        for (line, number) in text.lines().zip(1..) {
            let mut add = |kind, text| found.push(Finding { line: number, kind, text });
            let trimmed = line.trim();
            let (code, comment) = match language {
                Language::Rust => self.split(trimmed),
                Language::Text => (String::new(), trimmed.to_owned()),
            };
            if language == Language::Rust {
                let opener = self.opener.captures(trimmed);
                if let Some(opener) = opener.filter(|_| !before.starts_with("///")) {
                    add(Kind::DocOpener, format!("the doc opens with `{}`", &opener[1]));
                }
                let width = line.chars().count();
                if width > WIDTH && !comment.is_empty() && !line.contains("://") {
                    add(Kind::WideComment, format!("the comment reaches column {width}"));
                }
            }
            let in_code = self.name.find_iter(&code);
            let quoted = self.backquoted.find_iter(&comment);
            let in_text = quoted.flat_map(|quoted| self.name.find_iter(quoted.as_str()));
            for name in self.anywhere.find_iter(line).chain(in_code).chain(in_text) {
                let now = self.names.anywhere.get(name.as_str());
                let now = now.or_else(|| self.names.names.get(name.as_str()));
                let now = now.map_or("", String::as_str);
                add(Kind::ReplacedName, format!("`{}` is now `{now}`", name.as_str()));
            }
            before = trimmed;
        }
        found
    }

    /// Finds a question in the first paragraph of a module's header.
    fn header(&self, text: &str) -> Option<Finding> {
        let line = text.lines().position(|line| line.starts_with("//!"))?;
        let header = text.lines().skip(line).map_while(|line| line.strip_prefix("//!"));
        let paragraph: Vec<_> = header.take_while(|line| !line.trim().is_empty()).collect();
        let paragraph = paragraph.join(" ");
        let kind = Kind::QuestionHeader;
        self.question.is_match(&self.backquoted.replace_all(&paragraph, "")).then(|| Finding {
            line: line + 1,
            kind,
            text: "the header asks a question".into(),
        })
    }

    /// Splits a line into code without literals, and its comment.
    fn split(&self, line: &str) -> (String, String) {
        let code = self.literal.replace_all(line, "\"\"");
        if line.starts_with("//") {
            return (String::new(), line.to_owned());
        }
        let (code, comment) = code.split_once("//").unwrap_or((&code, ""));
        (code.to_owned(), comment.to_owned())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // tests

    use super::*;

    /// Lines and kinds of the findings in a text.
    fn found(text: &str, language: Language) -> Vec<(usize, Kind)> {
        let findings = Rules::new().unwrap().findings(text, language);
        findings.into_iter().map(|Finding { line, kind, .. }| (line, kind)).collect()
    }

    fn in_rust(text: &str) -> Vec<(usize, Kind)> {
        found(text, Language::Rust)
    }

    #[test]
    fn a_header_that_asks_a_question_is_found() {
        let expected = [(1, Kind::QuestionHeader)];
        assert_eq!(in_rust("//! Who retries?\n\nfn a() {}\n"), expected);
        assert_eq!(in_rust("//! `cargo xtask ci`: does it\n//! work? It does.\n"), expected);
        assert_eq!(in_rust("//! Retries, with the `?` operator.\n//!\n//! And later?\n"), []);
    }

    #[test]
    fn an_item_doc_that_opens_with_a_question_word_is_found() {
        for word in ["What", "How", "Its", "Whether", "Of", "Who", "When", "Where"] {
            let doc = format!("struct A {{\n    /// {word} it is.\n    a: u8,\n}}\n");
            assert_eq!(in_rust(&doc), [(2, Kind::DocOpener)], "{word}");
        }
        assert_eq!(in_rust("#[doc = \"Its method.\"]\n"), [(1, Kind::DocOpener)]);
        assert_eq!(in_rust("/// The method.\n/// When it is known.\n/// Often `GET`.\n"), []);
    }

    #[test]
    fn a_replaced_name_is_found_in_code_and_in_backquotes_but_not_as_an_english_word() {
        let names = Rules::new().unwrap().names;
        for name in names.names.keys() {
            let one = [(1, Kind::ReplacedName)];
            assert_eq!(in_rust(&format!("let a = {name}::new(); // a \"{name}\"\n")), one);
            assert_eq!(in_rust(&format!("let a = \"{name}\"; // `{name}`\n")), one);
            assert_eq!(in_rust(&format!("use {name}ing; // {name} \"\\\"{name}\"\n")), []);
            assert_eq!(found(&format!("{name} or `{name}`\n"), Language::Text), one);
        }
        for name in names.anywhere.keys() {
            assert_eq!(found(&format!("a {name}\n"), Language::Text), [(1, Kind::ReplacedName)]);
        }
    }

    #[test]
    fn a_comment_beyond_the_last_column_is_found() {
        let line = |width: usize| format!("let a = \"//\"; // {}\n", "a".repeat(width - 17));
        assert_eq!(in_rust(&line(WIDTH)), []);
        assert_eq!(in_rust(&line(WIDTH + 1)), [(1, Kind::WideComment)]);
        assert_eq!(in_rust(&format!("let a = \"{}\";\n", "a".repeat(WIDTH))), []);
        assert_eq!(in_rust(&format!("// https://{}\n", "a".repeat(WIDTH))), []);
    }
}

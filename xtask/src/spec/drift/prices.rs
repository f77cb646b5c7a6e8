//! Which prices does a text state, and of what does each speak? What is not clear is said to be so, never guessed.

use std::collections::BTreeSet;

use regex::Regex;
use rust_decimal::Decimal;

/// A price as a text states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub subject: Result<Subject, Unclear>,
    /// None when a number of credits is named without a length of time.
    pub price: Option<PerBlock>,
    /// The words it was read from.
    pub words: String,
    /// Its line in the text, counted from 0.
    pub line: usize,
}

impl Statement {
    /// Does another statement say nothing new?
    pub fn says_the_same(&self, other: &Self) -> bool {
        let is_clear = self.subject.is_ok();
        self.subject == other.subject
            && self.price == other.price
            && (is_clear || self.words == other.words)
    }
}

/// What is charged: the `operation` and `model_version` of a rate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    pub operation: String,
    pub model: Option<String>,
}

/// So many credits for every so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerBlock {
    pub credits: Decimal,
    pub seconds: Decimal,
}

/// Why it is not clear what a price speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unclear {
    NoLength,
    SeveralPrices,
    SeveralModels,
    SeveralOperations,
    OtherClause,
    NoOperation,
}

impl Unclear {
    pub fn why(self) -> &'static str {
        match self {
            Self::NoLength => "it names credits, but not for how many seconds",
            Self::SeveralPrices => "one clause has several prices",
            Self::SeveralModels => "it names several models, and not which one this price is of",
            Self::SeveralOperations => "it speaks of several operations",
            Self::OtherClause => "it names an operation, but not beside the price",
            Self::NoOperation => "it does not say which operation or model it speaks of",
        }
    }
}

/// How to read a text.
pub struct Reader {
    price: Regex,
    credits: Regex,
    models: Regex,
    sentence_end: Regex,
    clause_end: Regex,
    preview: Regex,
    render: Regex,
    create: Regex,
    this_operation: Regex,
}

impl Reader {
    /// For texts that speak of these models.
    pub fn new<'m>(models: impl Iterator<Item = &'m str>) -> Result<Self, regex::Error> {
        // The longest first, or `aurora_v1_fast` would be taken for `aurora_v1`.
        let mut models: Vec<_> =
            models.map(|model| regex::escape(model).replace('_', "[ _-]?")).collect();
        models.sort_by_key(|model| std::cmp::Reverse(model.len()));
        models.dedup();
        let no_model = "[^\\s\\S]".to_owned();
        let models =
            if models.is_empty() { no_model } else { format!(r"(?i)\b(?:{})\b", models.join("|")) };
        Ok(Self {
            price: Regex::new(
                r"(?ix) (?P<credits> \d+(?:\.\d+)? | \b(?:an?|one|half\ an?) ) \s+ credits? \s*
                  (?: / | (?:for\s+)? (?:per|every|each) ) \s* (?:started\s+)? (?P<length> \d+(?:\.\d+)? )? [\s-]* (?:video\s+)?
                  (?P<unit> seconds? | secs? | s | minutes? | mins? ) \b",
            )?,
            credits: Regex::new(r"(?i)\d\s+credits?\b")?,
            models: Regex::new(&models)?,
            sentence_end: Regex::new(r"[.!?](?:\s+|$)")?,
            clause_end: Regex::new(r"(?i)[,;]|\b(?:and|or|but|while|whereas)\b")?,
            preview: Regex::new(r"(?i)\bpreviews?\b")?,
            // Not "renders": "renders faster" is said of models.
            render: Regex::new(r"(?i)\brender(?:ing)?\b")?,
            create: Regex::new(r"(?i)\bcreat(?:e|es|ing|ion)\b")?,
            this_operation: Regex::new(r"(?i)\bthis\s+(?:endpoint|request|call|operation|api)\b")?,
        })
    }

    /// The prices in a text that stands with an operation; `here` is the rate of that operation.
    pub fn read(&self, text: &str, here: Option<&str>) -> Vec<Statement> {
        let mut found = Vec::new();
        for (line, paragraph) in paragraphs(text) {
            let mut start = 0;
            let ends = self
                .sentence_end
                .find_iter(&paragraph.0)
                .map(|end| end.end())
                .chain([paragraph.0.len()]);
            for end in ends {
                let sentence = &paragraph.0[start..end];
                self.sentence(sentence, here, line + paragraph.line_at(start), &mut found);
                start = end;
            }
        }
        found
    }

    fn sentence(
        &self,
        sentence: &str,
        here: Option<&str>,
        line: usize,
        found: &mut Vec<Statement>,
    ) {
        let ends = self
            .clause_end
            .find_iter(sentence)
            .map(|end| (end.start(), end.end()))
            .chain([(sentence.len(), sentence.len())]);
        let clauses = ends.scan(0, |start, (end, next)| {
            Some(sentence[std::mem::replace(start, next)..end].trim())
        });
        let clauses: Vec<_> =
            clauses.map(|clause| (clause, self.models_in(clause), self.price_in(clause))).collect();
        let prices = || clauses.iter().enumerate().filter(|(_, (.., price))| price.is_some());
        // A clause without a model has that of the clause before it; but only in a sentence in which every price has its model in front.
        let in_front = |index: usize| {
            let before = clauses[..index].iter().rev().take_while(|(.., price)| price.is_none());
            [&clauses[index]]
                .into_iter()
                .chain(before)
                .map(|(_, models, _)| models)
                .find(|models| !models.is_empty())
        };
        let all_in_front = prices().all(|(index, _)| in_front(index).is_some());
        let without_price = clauses
            .iter()
            .filter(|(.., price)| price.is_none())
            .flat_map(|(_, models, _)| models.clone())
            .collect();
        for (index, (clause, own, price)) in prices() {
            let model = match in_front(index) {
                Some(models) if all_in_front || !own.is_empty() => only(models),
                _ if prices().count() == 1 => only(&without_price),
                _ if without_price.is_empty() => Ok(None),
                _ => Err(Unclear::SeveralModels),
            };
            let price = price.unwrap_or(Err(Unclear::NoLength));
            let subject =
                price.and(model).and_then(|model| self.subject(clause, sentence, model, here));
            found.push(Statement { subject, price: price.ok(), words: (*clause).to_owned(), line });
        }
    }

    /// The price of a clause; none if it speaks of no credits.
    fn price_in(&self, clause: &str) -> Option<Result<PerBlock, Unclear>> {
        let prices: Vec<_> = self.price.captures_iter(clause).collect();
        match prices.as_slice() {
            [] => self.credits.is_match(clause).then_some(Err(Unclear::NoLength)),
            [one] => Some(per_block(one).ok_or(Unclear::NoLength)),
            _ => Some(Err(Unclear::SeveralPrices)),
        }
    }

    fn subject(
        &self,
        clause: &str,
        sentence: &str,
        model: Option<String>,
        here: Option<&str>,
    ) -> Result<Subject, Unclear> {
        let named = self.named_operation(clause)?;
        if named.is_none()
            && self.named_operation(sentence)?.is_some_and(|elsewhere| elsewhere != "create")
        {
            return Err(Unclear::OtherClause);
        }
        let operation = match (named, here) {
            (Some(named), _) => named,
            (None, Some(here)) if model.is_none() || self.this_operation.is_match(sentence) => here,
            // A price beside a model is that of a video made with it, wherever it is said.
            (None, _) if model.is_some() => "create",
            (None, _) => return Err(Unclear::NoOperation),
        };
        Ok(Subject { operation: operation.to_owned(), model })
    }

    fn models_in(&self, text: &str) -> BTreeSet<String> {
        self.models
            .find_iter(text)
            .map(|model| model.as_str().to_lowercase().replace([' ', '-'], "_"))
            .collect()
    }

    fn named_operation(&self, text: &str) -> Result<Option<&'static str>, Unclear> {
        match (self.preview.is_match(text), self.render.is_match(text)) {
            (true, true) => Err(Unclear::SeveralOperations),
            (true, false) => Ok(Some("preview")),
            (false, true) => Ok(Some("render")),
            // Previews are created too, so this word counts last.
            (false, false) => Ok(self.create.is_match(text).then_some("create")),
        }
    }
}

fn only(models: &BTreeSet<String>) -> Result<Option<String>, Unclear> {
    if models.len() > 1 { Err(Unclear::SeveralModels) } else { Ok(models.first().cloned()) }
}

fn per_block(price: &regex::Captures<'_>) -> Option<PerBlock> {
    let credits = match price["credits"].to_lowercase().as_str() {
        "a" | "an" | "one" => Decimal::ONE,
        half if half.starts_with("half") => Decimal::new(5, 1),
        number => number.parse().ok()?,
    };
    let length =
        price.name("length").map_or(Ok(Decimal::ONE), |length| length.as_str().parse()).ok()?;
    let unit = if price["unit"].to_lowercase().starts_with('m') {
        Decimal::from(60)
    } else {
        Decimal::ONE
    };
    Some(PerBlock { credits, seconds: length.checked_mul(unit)? })
}

/// The line of some words in a text in which they may be broken over several, counted from 0.
pub fn line_of(text: &str, words: &str) -> Option<usize> {
    let mut lines = text.lines().map(plain);
    let mut joined = Paragraph(lines.next()?, vec![0]);
    lines.for_each(|line| joined.push(&line));
    Some(joined.line_at(joined.0.find(words)?))
}

/// Lines that belong together, joined, and where each of them begins.
struct Paragraph(String, Vec<usize>);

impl Paragraph {
    fn push(&mut self, line: &str) {
        self.0.push(' ');
        self.1.push(self.0.len());
        self.0.push_str(line);
    }

    fn line_at(&self, position: usize) -> usize {
        self.1.iter().filter(|begin| **begin <= position).count().saturating_sub(1)
    }
}

/// Paragraphs, list items and table rows, each with the number of its first line.
fn paragraphs(text: &str) -> Vec<(usize, Paragraph)> {
    let mut found: Vec<(usize, Paragraph)> = Vec::new();
    let mut goes_on = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let is_item =
            line.split_once(['.', ')']).is_some_and(|(number, _)| number.parse::<u8>().is_ok());
        let begins = is_item || line.starts_with(['-', '*', '|', '#', '>']);
        match found.last_mut() {
            Some((_, paragraph)) if goes_on && !begins => paragraph.push(&plain(line)),
            _ => found.push((number, Paragraph(plain(line), vec![0]))),
        }
        goes_on = !line.is_empty();
    }
    found
}

/// A line without marks of emphasis.
fn plain(line: &str) -> String {
    line.trim().chars().filter(|c| !matches!(c, '*' | '`')).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // tests

    use super::*;

    const MODELS: [&str; 3] = ["standard", "aurora_v1", "aurora_v1_fast"];

    /// `operation model credits/seconds`, or why it is not clear.
    fn read(text: &str, here: Option<&str>) -> Vec<String> {
        let statements = Reader::new(MODELS.into_iter()).unwrap().read(text, here);
        let said = statements.iter().map(|statement| match (&statement.subject, statement.price) {
            (Ok(subject), Some(price)) => {
                let model = subject.model.as_deref().unwrap_or("-");
                format!("{} {model} {}/{}", subject.operation, price.credits, price.seconds)
            }
            (Err(unclear), _) => format!("{unclear:?}"),
            (Ok(_), None) => panic!("a subject without a price"),
        });
        said.collect()
    }

    #[test]
    fn a_price_beside_a_model_is_that_of_a_video() {
        let text = "It is 'standard' unless named. A standard video takes 5 credits per 30 seconds video, the Aurora_v1 model 20 credits per \
                    15 seconds video, and Aurora_v1_fast renders faster at lower quality for 10 credits per 15 seconds video.";
        let expected =
            ["create standard 5/30", "create aurora_v1 20/15", "create aurora_v1_fast 10/15"];
        assert_eq!(read(text, Some("preview")), expected);
    }

    #[test]
    fn a_price_is_of_the_operation_that_its_sentence_names() {
        assert_eq!(
            read("A preview made through this endpoint takes 1 credit for every 30 seconds.", None),
            ["preview - 1/30"]
        );
        assert_eq!(
            read("Rendering costs 4 credits for every 30 seconds.", Some("preview")),
            ["render - 4/30"]
        );
        assert_eq!(
            read("Creating a preview costs one credit every 30 seconds", None),
            ["preview - 1/30"]
        );
        assert_eq!(
            read(
                "A preview costs 1 credit per 30 seconds, and rendering it with aurora_v1 costs 4 credits per 30 seconds.",
                None
            ),
            ["preview - 1/30", "render aurora_v1 4/30"]
        );
    }

    #[test]
    fn a_sentence_that_names_nothing_speaks_of_the_operation_it_stands_with() {
        assert_eq!(
            read("It costs 1 credit for every 30 seconds.", Some("preview")),
            ["preview - 1/30"]
        );
        assert_eq!(
            read(
                "This endpoint costs 4 credits per 30 seconds with the standard model.",
                Some("render")
            ),
            ["render standard 4/30"]
        );
        assert_eq!(read("It costs 1 credit for every 30 seconds.", None), ["NoOperation"]);
    }

    #[test]
    fn numbers_are_exact_however_they_are_written() {
        assert_eq!(
            read("aurora_v1_fast: 0.5 credit per second", None),
            ["create aurora_v1_fast 0.5/1"]
        );
        assert_eq!(
            read("| Aurora v1 fast | half a credit per video second |", None),
            ["create aurora_v1_fast 0.5/1"]
        );
        assert_eq!(read("- **aurora-v1**: 12 credits / minute", None), ["create aurora_v1 12/60"]);
        assert_eq!(read("a preview takes 0.1 credits per 3 s", None), ["preview - 0.1/3"]);
    }

    #[test]
    fn a_model_after_its_price_is_found_and_one_of_another_clause_is_not_taken() {
        assert_eq!(
            read(
                "It is 5 credits per 30 seconds for standard, 20 credits per 15 seconds for aurora_v1.",
                None
            ),
            ["create standard 5/30", "create aurora_v1 20/15"]
        );
        assert_eq!(
            read(
                "With standard, 5 credits per 30 seconds; with aurora_v1, 20 credits per 15 seconds.",
                None
            ),
            ["create standard 5/30", "create aurora_v1 20/15"]
        );
        assert_eq!(
            read(
                "It is 5 credits per 30 seconds, with standard, 20 credits per 15 seconds, with aurora_v1.",
                None
            ),
            ["SeveralModels", "SeveralModels"]
        );
        assert_eq!(
            read(
                "aurora_v1_fast renders faster, with lower quality, for 10 credits per 15 seconds, standard costs 5 credits per 30 s.",
                None
            ),
            ["create aurora_v1_fast 10/15", "create standard 5/30"]
        );
        assert_eq!(
            read("Unlike standard aurora_v1 costs 20 credits per 15 seconds.", None),
            ["SeveralModels"]
        );
        assert_eq!(
            read("With aurora_v1, it costs 20 credits per 15 seconds.", None),
            ["create aurora_v1 20/15"]
        );
    }

    #[test]
    fn what_is_not_clear_is_said_to_be_so() {
        assert_eq!(
            read("A preview before rendering costs 1 credit per 30 seconds.", None),
            ["SeveralOperations"]
        );
        assert_eq!(
            read("Unlike a preview, a standard video costs 5 credits per 30 seconds.", None),
            ["OtherClause"]
        );
        assert_eq!(
            read("Unlike a preview, it costs 4 credits per 30 seconds.", Some("render")),
            ["OtherClause"]
        );
        assert_eq!(
            read("A preview costs 1 credit per 30 seconds 2 credits per 60 seconds.", None),
            ["SeveralPrices"]
        );
        assert_eq!(read("A preview costs 7 credits.", None), ["NoLength"]);
        assert_eq!(read("Credits used in this API call, for 30 seconds", None), [""; 0]);
    }

    #[test]
    fn the_line_of_a_sentence_is_known() {
        let statements = Reader::new(MODELS.into_iter())
            .unwrap()
            .read("# Title\n\nFirst\nline. A preview\ncosts 1 credit\nper 30 seconds.", None);
        assert_eq!(statements.iter().map(|statement| statement.line).collect::<Vec<_>>(), [3]);
    }
}

//! Prices in a text, each with its operation and model. Unclear ones are reported, never guessed.

use std::collections::BTreeSet;

use regex::Regex;

use super::{
    amounts::{Amounts, PerBlock, Unclear},
    prose::paragraphs,
};

/// A price in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub subject: Result<Subject, Unclear>,
    /// None for a number of credits without a length of time.
    pub price: Option<PerBlock>,
    /// Quotation of the price.
    pub words: String,
    /// Line in the text, counted from 0.
    pub line: usize,
}

impl Statement {
    /// Returns true if another statement adds nothing.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let is_clear = self.subject.is_ok();
        self.subject == other.subject
            && self.price == other.price
            && (is_clear || self.words == other.words)
    }
}

/// Subject of a price: the `operation` and `model_version` of a rate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    pub operation: String,
    pub model: Option<String>,
}

/// Patterns to read a text with.
pub struct Reader {
    amounts: Amounts,
    models: Regex,
    sentence_end: Regex,
    clause_end: Regex,
    preview: Regex,
    render: Regex,
    create: Regex,
    this_operation: Regex,
}

impl Reader {
    /// Creates a reader for texts about these models.
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
            amounts: Amounts::new()?,
            models: Regex::new(&models)?,
            sentence_end: Regex::new(r"[.!?](?:\s+|$)")?,
            clause_end: Regex::new(r"(?i)[,;](?:\s|$)|\b(?:and|or|but|while|whereas)\b")?,
            preview: Regex::new(r"(?i)\bpreviews?\b")?,
            // Not "renders", since models "render faster".
            render: Regex::new(r"(?i)\brender(?:ing)?\b")?,
            create: Regex::new(r"(?i)\bcreat(?:e|es|ing|ion)\b")?,
            this_operation: Regex::new(r"(?i)\bthis\s+(?:endpoint|request|call|operation|api)\b")?,
        })
    }

    /// Finds the prices in a text that belongs to an operation with the rate `here`.
    pub fn read(&self, text: &str, here: Option<&str>) -> Vec<Statement> {
        let mut found = Vec::new();
        for (line, paragraph) in paragraphs(text) {
            let mut start = 0;
            let ends = self
                .sentence_end
                .find_iter(&paragraph.text)
                .map(|end| end.end())
                .chain([paragraph.text.len()]);
            for end in ends {
                let sentence = &paragraph.text[start..end];
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
        let is_exact = !self.amounts.is_not_exact(sentence);
        let ends = self
            .clause_end
            .find_iter(sentence)
            .map(|end| (end.start(), end.end()))
            .chain([(sentence.len(), sentence.len())]);
        let clauses = ends.scan(0, |start, (end, next)| {
            Some(sentence[std::mem::replace(start, next)..end].trim())
        });
        let clauses: Vec<_> = clauses
            .map(|clause| (clause, self.models_in(clause), self.amounts.price_in(clause)))
            .collect();
        let prices = || clauses.iter().enumerate().filter(|(_, (.., price))| price.is_some());
        // A clause without a model has that of the clause before it, provided that every price of
        // the sentence has its model in front.
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
            let price = if is_exact { price } else { Err(Unclear::NotExact) };
            let subject =
                price.and(model).and_then(|model| self.subject(clause, sentence, model, here));
            found.push(Statement { subject, price: price.ok(), words: (*clause).to_owned(), line });
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
            // A price beside a model alone is that of a video made with it.
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
            // Previews are created too, so this word comes last.
            (false, false) => Ok(self.create.is_match(text).then_some("create")),
        }
    }
}

fn only(models: &BTreeSet<String>) -> Result<Option<String>, Unclear> {
    if models.len() > 1 { Err(Unclear::SeveralModels) } else { Ok(models.first().cloned()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // tests

    use super::*;

    const MODELS: [&str; 3] = ["standard", "aurora_v1", "aurora_v1_fast"];

    /// Reads prices as `operation model credits/seconds`, or the reason why they are unclear.
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

    /// Checks the sentences of a section of `prices.txt`.
    fn check(section: &str) {
        let sections = include_str!("../../../tests/prices.txt").split("\n# ");
        let mut sections = sections.filter_map(|text| text.split_once('\n'));
        let (_, lines) = sections.find(|(name, _)| *name == section).unwrap();
        for line in lines.lines().filter(|line| !line.is_empty()) {
            let (sentence, expected) = line.rsplit_once(" =>").unwrap();
            let (text, here) = sentence.rsplit_once(" @").unwrap();
            let here = Some(here).filter(|here| *here != "-");
            assert_eq!(read(text, here).join("; "), expected.trim(), "{text}");
        }
    }

    #[test]
    fn a_price_beside_a_model_is_the_price_of_a_video() {
        check("a_price_beside_a_model_is_the_price_of_a_video");
    }

    #[test]
    fn a_price_belongs_to_the_operation_named_in_its_sentence() {
        check("a_price_belongs_to_the_operation_named_in_its_sentence");
    }

    #[test]
    fn a_sentence_without_a_name_belongs_to_the_operation_of_its_text() {
        check("a_sentence_without_a_name_belongs_to_the_operation_of_its_text");
    }

    #[test]
    fn numbers_are_exact_in_digits_and_words() {
        check("numbers_are_exact_in_digits_and_words");
    }

    #[test]
    fn spaces_and_words_of_html_pages_are_read_like_plain_text() {
        check("spaces_and_words_of_html_pages_are_read_like_plain_text");
    }

    #[test]
    fn a_number_that_is_not_one_price_is_never_read_as_one() {
        check("a_number_that_is_not_one_price_is_never_read_as_one");
    }

    #[test]
    fn a_model_after_its_price_is_found_and_one_of_another_clause_is_not_used() {
        check("a_model_after_its_price_is_found_and_one_of_another_clause_is_not_used");
    }

    #[test]
    fn unclear_prices_are_reported_with_the_reason() {
        check("unclear_prices_are_reported_with_the_reason");
    }

    #[test]
    fn the_line_of_a_sentence_is_known() {
        let statements = Reader::new(MODELS.into_iter())
            .unwrap()
            .read("# Title\n\nFirst\nline. A preview\ncosts 1 credit\nper 30 seconds.", None);
        assert_eq!(statements.iter().map(|statement| statement.line).collect::<Vec<_>>(), [3]);
    }
}

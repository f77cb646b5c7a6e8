//! Paragraphs of Markdown as plain text, with the lines they came from.

/// Lines of a paragraph, joined, and the position of each line.
pub struct Paragraph {
    pub text: String,
    starts: Vec<usize>,
}

impl Paragraph {
    fn new(line: &str) -> Self {
        Self { text: plain(line), starts: vec![0] }
    }

    fn push(&mut self, line: &str) {
        self.text.push(' ');
        self.starts.push(self.text.len());
        self.text.push_str(&plain(line));
    }

    /// Returns the line of a position, counted from 0.
    pub fn line_at(&self, position: usize) -> usize {
        self.starts.iter().filter(|start| **start <= position).count().saturating_sub(1)
    }
}

/// Splits a text into paragraphs, list items and table rows, each with its first line.
pub fn paragraphs(text: &str) -> Vec<(usize, Paragraph)> {
    let mut found: Vec<(usize, Paragraph)> = Vec::new();
    let mut goes_on = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let is_item =
            line.split_once(['.', ')']).is_some_and(|(number, _)| number.parse::<u8>().is_ok());
        let begins = is_item || line.starts_with(['-', '*', '|', '#', '>']);
        match found.last_mut() {
            Some((_, paragraph)) if goes_on && !begins => paragraph.push(line),
            _ => found.push((number, Paragraph::new(line))),
        }
        goes_on = !line.is_empty();
    }
    found
}

/// Returns the line of some words in a text that may break them, counted from 0.
pub fn line_of(text: &str, words: &str) -> Option<usize> {
    let mut lines = text.lines();
    let mut joined = Paragraph::new(lines.next()?);
    lines.for_each(|line| joined.push(line));
    Some(joined.line_at(joined.text.find(words)?))
}

/// Entities that stand for a space.
const SPACES: [&str; 7] = ["&nbsp;", "&#160;", "&#xa0;", "&#xA0;", "&thinsp;", "&ensp;", "&emsp;"];

/// Removes marks of emphasis and HTML tags from a line, and makes every space a plain one.
fn plain(line: &str) -> String {
    let line = SPACES.iter().fold(line.trim().to_owned(), |line, space| line.replace(space, " "));
    let mut text = String::new();
    let mut rest = line.as_str();
    while let Some((before, tag)) = rest.split_once('<') {
        text += before;
        // A tag begins with a letter or a slash; anything else is a sign.
        let is_tag = tag.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
        rest = match tag.split_once('>').filter(|_| is_tag) {
            Some((_, after)) => after,
            None => {
                text.push('<');
                tag
            }
        };
    }
    text += rest;
    let kept = text.chars().filter(|c| !matches!(c, '*' | '`'));
    kept.map(|c| if c.is_whitespace() { ' ' } else { c }).collect()
}

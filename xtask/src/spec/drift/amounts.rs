//! Prices in a clause: numbers in digits and words, and the length of video they pay for.

use regex::{Captures, Regex};
use rust_decimal::Decimal;

/// Credits for each block of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerBlock {
    pub credits: Decimal,
    pub seconds: Decimal,
}

/// Reason why a price or its subject is not clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unclear {
    NoLength,
    NotExact,
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
            Self::NotExact => "it gives a range or a comparison, not one price",
            Self::SeveralPrices => "one clause has several prices",
            Self::SeveralModels => "it names several models, and not which one this price is of",
            Self::SeveralOperations => "it speaks of several operations",
            Self::OtherClause => "it names an operation, but not beside the price",
            Self::NoOperation => "it does not say which operation or model it speaks of",
        }
    }
}

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
/// Tens from twenty.
const TENS: [&str; 8] =
    ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// Finds prices in clauses.
pub struct Amounts {
    price: Regex,
    /// A number of credits, however it is written.
    credits: Regex,
    /// A range or a comparison, which is not one price.
    not_exact: Regex,
}

impl Amounts {
    pub fn new() -> Result<Self, regex::Error> {
        let (small, tens) = (SMALL.join("|"), TENS.join("|"));
        let words = format!(r"(?:{tens})(?:[\ -](?:{small}))?|{small}");
        let digits = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?";
        let digits = format!(r"\b(?:{digits})");
        let number = format!(r"(?:{digits}|\b(?:half(?:\ an?)?|an?|{words})\b)");
        let counted = format!(r"(?:\d|[½¼¾]|\b(?:half|quarter|dozen|hundred|{words}))");
        Ok(Self {
            price: Regex::new(&format!(
                r"(?ix) (?:^|[\s(|:*]) (?P<credits> {number}) [\s-]+ (?:api\s+)? credits? \s*
                  (?: / | \(? (?:for\s+)? (?:per|every|each) | \ban? ) \s*
                  (?:started\s+)? (?:blocks?\s+of\s+)? (?P<length> {number})? [\s-]*
                  (?:video\s+)? (?P<unit> seconds? | secs? | s | minutes? | mins? | hours? ) \b"
            ))?,
            credits: Regex::new(&format!(r"(?i){counted}(?:[\s-]+\w+)?[\s-]*\bcredits?\b"))?,
            not_exact: Regex::new(&format!(
                r"(?ix) {number} \s+ and \s+ (?:an?\s+)? half \s+ (?:an?\s+)? credits?\b
                  | (?: {digits} \s* [-–—/] | {number} \s+ (?:-|–|—|to|or) | \b(?: up\ to | about
                  | at\ (?:least|most) | around | roughly | approximately | under | over | from
                  | (?:more|less|fewer)\ than | not | instead\ of | was | were )\b )
                  \s* {number} [\s-]+ credits?\b"
            ))?,
        })
    }

    /// Returns the price of a clause, or none if it counts no credits.
    pub fn price_in(&self, clause: &str) -> Option<Result<PerBlock, Unclear>> {
        let prices: Vec<_> = self.price.captures_iter(clause).collect();
        match prices.as_slice() {
            [] => self.credits.is_match(clause).then_some(Err(Unclear::NoLength)),
            [one] => Some(per_block(one).ok_or(Unclear::NoLength)),
            _ => Some(Err(Unclear::SeveralPrices)),
        }
    }

    /// Returns true if a sentence has a range of credits or compares them.
    pub fn is_not_exact(&self, sentence: &str) -> bool {
        self.not_exact.is_match(sentence)
    }
}

fn per_block(price: &Captures<'_>) -> Option<PerBlock> {
    let length = price.name("length").map_or(Some(Decimal::ONE), |text| number(text.as_str()))?;
    let unit = match price["unit"].to_lowercase().chars().next()? {
        'h' => Decimal::from(3600),
        'm' => Decimal::from(60),
        _ => Decimal::ONE,
    };
    Some(PerBlock {
        credits: number(&price["credits"])?,
        seconds: length.checked_mul(unit)?.normalize(),
    })
}

/// Reads a number in digits or words.
fn number(text: &str) -> Option<Decimal> {
    let text = text.to_lowercase();
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return text.replace(',', "").parse().ok();
    }
    match text.as_str() {
        "a" | "an" => return Some(Decimal::ONE),
        half if half.starts_with("half") => return Some(Decimal::new(5, 1)),
        _ => {}
    }
    let value = |word| {
        let small = SMALL.iter().position(|own| *own == word);
        small.or_else(|| Some(10 * (TENS.iter().position(|own| *own == word)? + 2)))
    };
    text.split([' ', '-']).map(value).sum::<Option<usize>>().map(Decimal::from)
}

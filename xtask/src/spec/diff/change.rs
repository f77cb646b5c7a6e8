//! A change, with its weight and the audience that it affects.

/// Weight of a change; the heaviest comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    Breaking,
    /// A change of money: nothing breaks, but someone must confirm it.
    Decision,
    Additive,
}

/// Audience of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Audience {
    /// Senders of requests and readers of answers, in any language.
    EveryClient,
    /// Code generated from the document, in any language: a name changed, the wire did not.
    GeneratedCode,
    /// Rust code that uses creatify-api, also through the crates that show its types.
    Rust,
    /// Estimates, limits and bills.
    Money,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    pub weight: Weight,
    pub audience: Audience,
    pub text: String,
    /// Explanation, where the text alone is not enough.
    pub note: Option<&'static str>,
}

impl Change {
    pub fn new(weight: Weight, audience: Audience, text: impl Into<String>) -> Self {
        Self { weight, audience, text: text.into(), note: None }
    }

    pub fn note(self, note: &'static str) -> Self {
        Self { note: Some(note), ..self }
    }
}

impl Audience {
    pub fn name(self) -> &'static str {
        match self {
            Self::EveryClient => "every client",
            Self::GeneratedCode => "generated code",
            Self::Rust => "Rust",
            Self::Money => "money",
        }
    }
}

//! One thing that changed: what it is, whom it hits, and how hard.

/// How hard. The hardest comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    Breaking,
    /// Nothing breaks, but someone must say whether it is right: money.
    Decision,
    Additive,
}

/// Whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whom {
    /// Whoever sends requests and reads answers, in any language.
    EveryClient,
    /// Code generated from the document, in any language: the wire is the same, a name is not.
    GeneratedCode,
    /// Rust code that uses creatify-api, or through it the crates that pass its types on.
    Rust,
    /// Estimates, limits and bills.
    Money,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    pub weight: Weight,
    pub whom: Whom,
    pub what: String,
    /// What it means for them, where that is not plain.
    pub so: Option<&'static str>,
}

impl Change {
    pub fn new(weight: Weight, whom: Whom, what: impl Into<String>) -> Self {
        Self { weight, whom, what: what.into(), so: None }
    }

    pub fn so(self, so: &'static str) -> Self {
        Self { so: Some(so), ..self }
    }
}

impl Whom {
    pub fn name(self) -> &'static str {
        match self {
            Self::EveryClient => "every client",
            Self::GeneratedCode => "generated code",
            Self::Rust => "Rust",
            Self::Money => "money",
        }
    }
}

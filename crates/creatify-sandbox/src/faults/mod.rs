//! How does the sandbox misbehave? Faults as data: what happens, to which operations, at which requests.

mod answer;
mod fault;
mod plan;

pub(crate) use answer::{Broken, Replaced, misbehave};
pub use fault::Fault;
pub(crate) use plan::Plan;

use std::fmt;

use creatify_api::OperationId;
use serde::{Deserialize, Deserializer, de::Error as _};

/// A set of faults. Written in Rust, or read from YAML (JSON is YAML):
///
/// ```
/// use creatify_sandbox::{Fault, Faults, Rule};
/// use creatify_api::OperationId;
///
/// let faults = Faults::from_yaml("
/// seed: 7
/// faults:
///   - fault: drop_after
///     operations: [create_custom_template_job]
///     requests: [1]
///   - fault: { html: 502 }
///     probability: 0.1
/// ")?;
/// let same = Faults::new(7)
///     .with(Rule::new(Fault::DropAfter).on(OperationId::CreateCustomTemplateJob).at(1))
///     .with(Rule::new(Fault::Html(502)).probability(0.1));
/// assert_eq!(faults, same);
/// # Ok::<(), creatify_sandbox::InvalidFaults>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    #[serde(default)]
    pub(crate) seed: u64,
    #[serde(rename = "faults")]
    pub(crate) rules: Vec<Rule>,
}

/// One fault and when it happens: at every request of every operation unless it says otherwise. Of several rules for one request, the
/// first is taken.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub(crate) fault: Fault,
    #[serde(default, rename = "operations")]
    pub(crate) targets: Vec<Target>,
    #[serde(default)]
    pub(crate) requests: Vec<u64>,
    #[serde(default)]
    pub(crate) probability: Option<f64>,
    #[serde(default)]
    pub(crate) limit: Option<u64>,
}

/// What a fault happens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// Requests of one operation.
    Operation(OperationId),
    /// Requests to the media host, for previews and videos: `media`.
    Media,
    /// Deliveries to webhooks, one for each change of a job: `webhooks`.
    Webhooks,
}

/// A fault that happened.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Fired {
    /// Which.
    pub fault: Fault,
    /// To what.
    pub target: Target,
    /// To the how manieth request or delivery of that target, from 1.
    pub request: u64,
}

/// Faults that cannot be used. The message names the line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidFaults(String);

impl Faults {
    /// No faults yet. The seed decides where probabilities strike.
    pub fn new(seed: u64) -> Self {
        Self { seed, rules: Vec::new() }
    }

    /// These and one more.
    #[must_use]
    pub fn with(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Reads faults from YAML or JSON.
    ///
    /// # Errors
    ///
    /// With the line, when they are not faults.
    pub fn from_yaml(text: &str) -> Result<Self, InvalidFaults> {
        let faults: Self = serde_saphyr::from_str(text)
            .map_err(|error| InvalidFaults(error.without_snippet().to_string()))?;
        for (index, rule) in faults.rules.iter().enumerate() {
            rule.check()
                .map_err(|problem| InvalidFaults(format!("fault {}: {problem}", index + 1)))?;
        }
        Ok(faults)
    }
}

impl Rule {
    /// A fault at every request.
    pub fn new(fault: Fault) -> Self {
        Self { fault, targets: Vec::new(), requests: Vec::new(), probability: None, limit: None }
    }

    /// Only to this operation; may be said several times.
    #[must_use]
    pub fn on(mut self, operation: OperationId) -> Self {
        self.targets.push(Target::Operation(operation));
        self
    }

    /// Only to the media host.
    #[must_use]
    pub fn on_media(mut self) -> Self {
        self.targets.push(Target::Media);
        self
    }

    /// Only to webhooks.
    #[must_use]
    pub fn on_webhooks(mut self) -> Self {
        self.targets.push(Target::Webhooks);
        self
    }

    /// Only at the n-th request of each target, from 1; may be said several times.
    #[must_use]
    pub fn at(mut self, request: u64) -> Self {
        self.requests.push(request);
        self
    }

    /// Only with this probability, from 0 to 1.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability);
        self
    }

    /// At most so often.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Whether it is about requests, or deliveries, of this target.
    pub(crate) fn concerns(&self, target: Target) -> bool {
        match (self.fault.only_to(), target) {
            (Some(only), target) => only == target,
            (None, Target::Operation(_)) if self.targets.is_empty() => true, // the other targets only by name
            (None, target) => self.targets.contains(&target),
        }
    }

    fn check(&self) -> Result<(), String> {
        if self.probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
            return Err("a probability is from 0 to 1".to_owned());
        }
        if let Some(wrong) = self.targets.iter().find(|target| !self.fault.can_happen_to(**target))
        {
            return Err(format!("this fault does not happen to {wrong}"));
        }
        self.fault.check().map_err(str::to_owned)
    }
}

impl Target {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Operation(operation) => operation.as_str(),
            Self::Media => "media",
            Self::Webhooks => "webhooks",
        }
    }

    fn all() -> impl Iterator<Item = Self> {
        [Self::Media, Self::Webhooks]
            .into_iter()
            .chain(OperationId::ALL.iter().copied().map(Self::Operation))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::all().find(|target| target.as_str() == name).ok_or_else(|| {
            let known: Vec<_> = Self::all().map(|target| target.as_str()).collect();
            D::Error::custom(format!(
                "there is no operation `{name}`; known are {}",
                known.join(", ")
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_read() {
        let faults = Faults::from_yaml(include_str!("../../examples/faults.yaml")).unwrap();
        assert_eq!(faults.rules.len(), 6);
        assert_eq!(faults.rules[3].targets, [Target::Media]);
    }

    #[test]
    fn the_readme_names_every_fault() {
        let source = include_str!("fault.rs");
        let of_enum = source
            .split("pub enum Fault {")
            .nth(1)
            .and_then(|rest| rest.split("\n}").next())
            .unwrap();
        let variants =
            of_enum.lines().map(str::trim).filter(|line| line.starts_with(char::is_uppercase));
        let snake_case = |variant: &str| {
            let name: String = variant.chars().take_while(|c| c.is_alphanumeric()).collect();
            name.chars().fold(String::new(), |name, c| match c.is_uppercase() {
                true if name.is_empty() => c.to_lowercase().collect(),
                true => format!("{name}_{}", c.to_lowercase()),
                false => format!("{name}{c}"),
            })
        };
        let mut named = 0;
        for fault in variants.map(snake_case) {
            let readme = include_str!("../../README.md");
            assert!(
                readme.contains(&format!("`{fault}`")) || readme.contains(&format!("`{fault}: ")),
                "{fault} is not in the README"
            );
            named += 1;
        }
        assert!(named > 20, "the faults were not found");
    }

    #[test]
    fn a_mistake_in_a_file_is_told_with_its_line() {
        for (text, said) in [
            ("faults:\n  - fault: explode\n", "line 2"),
            ("faults:\n  - fault: drop_after\n    operation: [media]\n", "line 3"),
            ("faults:\n  - fault: drop_after\n    operations: [fly]\n", "line 3"),
            ("faults:\n  - fault: { html: 200 }\n", "fault 1"),
            ("faults:\n  - fault: drop_after\n    probability: 2\n", "fault 1"),
            ("faults:\n  - fault: forged\n    operations: [media]\n", "does not happen to media"),
            (
                "faults:\n  - fault: truncate\n    operations: [webhooks]\n",
                "does not happen to webhooks",
            ),
        ] {
            let message = Faults::from_yaml(text).unwrap_err().to_string();
            assert!(message.contains(said), "{text}: {message}");
        }
    }
}

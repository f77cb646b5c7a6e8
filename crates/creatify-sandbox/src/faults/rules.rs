//! Fault rules: which fault, for which requests, how often; read from YAML or built in Rust.

use creatify_api::OperationId;
use serde::Deserialize;

use super::{fault::Fault, target::Target};

/// A set of fault rules, built in Rust or read from YAML (JSON is YAML).
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
#[doc(alias = "chaos")]
#[doc(alias = "fault injection")]
pub struct Faults {
    #[serde(default)]
    pub(crate) seed: u64,
    #[serde(rename = "faults")]
    pub(crate) rules: Vec<Rule>,
}

/// One fault and its conditions. Without conditions it applies to every request of every
/// operation. When several rules match a request, the first one is applied, and on top of it every
/// rule that only edits the response ([`Fault::Body`], [`Fault::Set`], [`Fault::ContentType`],
/// [`Fault::WithoutEtag`], [`Fault::IdInLocation`]).
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

/// Fault rules that cannot be used. The message names the line, or the number of the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidFaults(String);

impl Faults {
    /// Creates an empty set. The seed decides which requests a probability selects.
    pub fn new(seed: u64) -> Self {
        Self { seed, rules: Vec::new() }
    }

    /// Adds a rule.
    #[must_use]
    pub fn with(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Reads fault rules from YAML or JSON.
    ///
    /// # Errors
    ///
    /// The text is not a valid set of fault rules; the message names the line.
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
    /// Creates a rule that applies the fault to every request.
    pub fn new(fault: Fault) -> Self {
        Self { fault, targets: Vec::new(), requests: Vec::new(), probability: None, limit: None }
    }

    /// Limits the rule to this operation. Several calls add up.
    #[must_use]
    pub fn on(mut self, operation: OperationId) -> Self {
        self.targets.push(Target::Operation(operation));
        self
    }

    /// Limits the rule to the media host.
    #[must_use]
    pub fn on_media(mut self) -> Self {
        self.targets.push(Target::Media);
        self
    }

    /// Limits the rule to webhook deliveries.
    #[must_use]
    pub fn on_webhooks(mut self) -> Self {
        self.targets.push(Target::Webhooks);
        self
    }

    /// Limits the rule to the n-th request of each target, counted from 1. Several calls add up.
    #[must_use]
    pub fn at(mut self, request: u64) -> Self {
        self.requests.push(request);
        self
    }

    /// Applies the fault with this probability only, from 0 to 1.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability);
        self
    }

    /// Applies the fault this many times at most.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Returns true when the rule covers requests, or deliveries, of this target.
    pub(crate) fn covers(&self, target: Target) -> bool {
        self.fault.applies_to(target)
            && match (self.fault.only_target(), target) {
                (Some(_), _) => true,
                (None, Target::Operation(_)) if self.targets.is_empty() => true,
                (None, target) => self.targets.contains(&target), // hosts and webhooks by name only
            }
    }

    fn check(&self) -> Result<(), String> {
        if self.probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
            return Err("a probability must be between 0 and 1".to_owned());
        }
        if let Some(wrong) = self.targets.iter().find(|target| !self.fault.applies_to(**target)) {
            return Err(format!("this fault does not apply to {wrong}"));
        }
        self.fault.check().map_err(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_file_is_valid() {
        let faults = Faults::from_yaml(include_str!("../../examples/faults.yaml")).unwrap();
        assert_eq!(faults.rules.len(), 8);
        assert_eq!(faults.rules[3].targets, [Target::Media]);
    }

    #[test]
    fn a_mistake_in_a_fault_file_is_reported_with_its_line() {
        for (text, reported) in [
            ("faults:\n  - fault: explode\n", "line 2"),
            ("faults:\n  - fault: drop_after\n    operation: [media]\n", "line 3"),
            ("faults:\n  - fault: drop_after\n    operations: [fly]\n", "line 3"),
            ("faults:\n  - fault: { html: 200 }\n", "fault 1"),
            ("faults:\n  - fault: drop_after\n    probability: 2\n", "fault 1"),
            ("faults:\n  - fault: forged\n    operations: [media]\n", "does not apply to media"),
            (
                "faults:\n  - fault: truncate\n    operations: [webhooks]\n",
                "does not apply to webhooks",
            ),
        ] {
            let message = Faults::from_yaml(text).unwrap_err().to_string();
            assert!(message.contains(reported), "{text}: {message}");
        }
    }
}

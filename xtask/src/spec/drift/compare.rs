//! Differences between two statements of the same operation, and which of them matter.

use std::collections::BTreeSet;

use serde::Serialize;

use super::stated::{Facts, Part, Place, Stated};

/// One thing that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub kind: Kind,
    /// Place in the operation.
    pub place: String,
    pub fact: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theirs: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ours: Option<String>,
    /// Provenance of our fact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provenance: Option<String>,
    /// Quotation of a price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted: Option<Quoted>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quoted {
    pub line: usize,
    pub words: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    TheyHave,
    WeHave,
    Differs,
    /// A price with no clear subject.
    NotClear,
    /// A price of a card that is not the default; no difference.
    Remark,
    /// A fact that is wider in answers on purpose, or that never came from the vendor.
    Expected,
    /// A price of the default card.
    Agrees,
}

impl Kind {
    pub fn is_difference(self) -> bool {
        !matches!(self, Self::Remark | Self::Expected | Self::Agrees)
    }
}

/// Marks of facts that come from the vendor's pages; others cannot be missing there.
const THE_VENDORS: [&str; 2] = ["seed", "documented"];

/// The fact that something may be null.
pub const NULL: &str = "null";

pub fn compare(theirs: &Stated, ours: &Stated) -> Vec<Finding> {
    let mut comparison = Comparison { theirs, ours, findings: Vec::new() };
    comparison.success_codes();
    let mut missing = BTreeSet::new();
    for place in theirs.places.keys().chain(ours.places.keys()).collect::<BTreeSet<_>>() {
        if place.ancestors().any(|ancestor| missing.contains(&ancestor)) {
            continue;
        }
        match (theirs.places.get(place), ours.places.get(place)) {
            (Some(theirs), Some(ours)) => comparison.facts(place, theirs, ours),
            (Some(facts), None) => {
                missing.insert(place.clone());
                comparison.add(Kind::TheyHave, place, "", Some(facts.to_string()), None);
            }
            (None, Some(facts)) => {
                missing.insert(place.clone());
                if !place.ancestors().next().is_some_and(|parent| theirs.is_silent_inside(&parent))
                {
                    comparison.we_have(place, "", facts.to_string());
                }
            }
            (None, None) => {}
        }
    }
    comparison.findings.sort_by_key(|finding| finding.kind);
    comparison.findings
}

struct Comparison<'s> {
    theirs: &'s Stated,
    ours: &'s Stated,
    findings: Vec<Finding>,
}

impl Comparison<'_> {
    fn add(
        &mut self,
        kind: Kind,
        place: &Place,
        fact: &str,
        theirs: Option<String>,
        ours: Option<String>,
    ) {
        let provenance = match kind {
            Kind::TheyHave => None,
            _ => self.ours.provenance(place).map(str::to_owned),
        };
        self.findings.push(Finding {
            kind,
            place: place.to_string(),
            fact: fact.to_owned(),
            theirs,
            ours,
            provenance,
            quoted: None,
        });
    }

    /// Adds a fact that they lack: a difference only if it came from them.
    fn we_have(&mut self, place: &Place, fact: &str, ours: String) {
        let from_them = self.ours.provenance(place).is_none_or(|mark| THE_VENDORS.contains(&mark));
        self.add(
            if from_them { Kind::WeHave } else { Kind::Expected },
            place,
            fact,
            None,
            Some(ours),
        );
    }

    fn success_codes(&mut self) {
        let (theirs, ours) = (&self.theirs.success_codes, &self.ours.success_codes);
        let place = Place { part: Part::Response, path: Vec::new() };
        // A document with 200 and 201 covers a page with 201.
        let extra = if theirs.is_disjoint(ours) { Kind::WeHave } else { Kind::Expected };
        theirs.difference(ours).for_each(|code| {
            self.add(Kind::TheyHave, &place, "success code", Some(code.clone()), None)
        });
        ours.difference(theirs)
            .for_each(|code| self.add(extra, &place, "success code", None, Some(code.clone())));
    }

    fn facts(&mut self, place: &Place, theirs: &Facts, ours: &Facts) {
        // An empty schema such as `variables: {}` can be compared by `required` only.
        let silent = theirs.types.is_empty() && theirs.values.is_empty();
        let words = |flag: bool, yes: &str, no: &str| Some(if flag { yes } else { no }.to_owned());
        let kind = |is_wider: bool| {
            if is_wider && place.is_in_response() { Kind::Expected } else { Kind::Differs }
        };
        if theirs.required != ours.required {
            let say = |required| words(required, "required", "optional");
            self.add(
                kind(!ours.required),
                place,
                "required",
                say(theirs.required),
                say(ours.required),
            );
        }
        // Different in answers too: a deprecated field may go.
        if theirs.deprecated != ours.deprecated {
            let say = |deprecated| words(deprecated, "deprecated", "in use");
            let (theirs, ours) = (say(theirs.deprecated), say(ours.deprecated));
            self.add(Kind::Differs, place, "deprecation", theirs, ours);
        }
        if silent {
            return;
        }
        if theirs.nullable != ours.nullable {
            let say = |nullable| words(nullable, "nullable", "never null");
            self.add(kind(ours.nullable), place, NULL, say(theirs.nullable), say(ours.nullable));
        }
        if !theirs.types.is_empty() && theirs.types != ours.types {
            let takes = |of_theirs: &String| {
                ours.types.contains(of_theirs)
                    || (of_theirs == "integer" && ours.types.contains("number"))
            };
            let is_wider = ours.types.is_empty() || theirs.types.iter().all(takes);
            self.add(
                kind(is_wider),
                place,
                "type",
                Some(listed(&theirs.types)),
                Some(listed(&ours.types)),
            );
        }
        if theirs.formats != ours.formats {
            self.add(
                kind(ours.formats.is_empty()),
                place,
                "format",
                Some(listed(&theirs.formats)),
                Some(listed(&ours.formats)),
            );
        }
        self.values(place, theirs, ours);
        for limit in theirs.limits.keys().chain(ours.limits.keys()).collect::<BTreeSet<_>>() {
            let (theirs, ours) = (theirs.limits.get(limit), ours.limits.get(limit));
            if theirs != ours {
                let say = |value: Option<&String>| {
                    Some(value.cloned().unwrap_or_else(|| "none".to_owned()))
                };
                self.add(kind(ours.is_none()), place, limit, say(theirs), say(ours));
            }
        }
    }

    fn values(&mut self, place: &Place, theirs: &Facts, ours: &Facts) {
        match (theirs.values.is_empty(), ours.values.is_empty()) {
            (true, true) => {}
            (false, false) => {
                for value in theirs.values.difference(&ours.values) {
                    self.add(Kind::TheyHave, place, "value", Some(value.clone()), None);
                }
                ours.values
                    .difference(&theirs.values)
                    .for_each(|value| self.we_have(place, "value", value.clone()));
            }
            (_, ours_are_any) => {
                let kind = if ours_are_any && place.is_in_response() {
                    Kind::Expected
                } else {
                    Kind::Differs
                };
                self.add(
                    kind,
                    place,
                    "values",
                    Some(listed(&theirs.values)),
                    Some(listed(&ours.values)),
                );
            }
        }
    }
}

fn listed(set: &BTreeSet<String>) -> String {
    if set.is_empty() {
        "any".to_owned()
    } else {
        set.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::spec::document::operations;

    /// Reads a page with one property, in the request or in the answer.
    fn stated(part: &str, required: bool, property: Value) -> Stated {
        let names = if required { json!(["it"]) } else { json!([]) };
        let schema =
            json!({ "type": "object", "required": names, "properties": { "it": property } });
        let body = json!({ "content": { "application/json": { "schema": schema } } });
        let operation = if part == "request" {
            json!({ "requestBody": body, "responses": { "200": {} } })
        } else {
            json!({ "responses": { "200": body } })
        };
        let document = json!({ "paths": { "/": { "post": operation } } });
        let stated = operations(&document).map(|operation| Stated::of(&document, operation)).next();
        stated.unwrap_or_default()
    }

    /// Compares their property with ours and returns the kinds and facts of the findings.
    fn found(part: &str, theirs: (bool, Value), ours: (bool, Value)) -> Vec<(Kind, String)> {
        let findings = compare(&stated(part, theirs.0, theirs.1), &stated(part, ours.0, ours.1));
        findings.into_iter().map(|finding| (finding.kind, finding.fact)).collect()
    }

    #[test]
    fn in_a_request_every_fact_must_be_the_same() {
        let plain = || json!({ "type": "string" });
        for (theirs, ours, fact) in [
            ((true, plain()), (false, plain()), "required"),
            ((false, plain()), (true, plain()), "required"),
            ((false, json!({ "type": "string", "nullable": true })), (false, plain()), "null"),
            ((false, json!({ "type": ["string", "null"] })), (false, plain()), "null"),
            ((false, json!({ "type": "integer" })), (false, json!({ "type": "number" })), "type"),
            ((false, json!({ "type": "string", "format": "uuid" })), (false, plain()), "format"),
            (
                (false, json!({ "type": "string", "maxLength": 100 })),
                (false, json!({ "type": "string", "maxLength": 255 })),
                "maxLength",
            ),
            ((false, json!({ "type": "string", "maxLength": 100 })), (false, plain()), "maxLength"),
            ((false, plain()), (false, json!({ "type": "string", "minLength": 1 })), "minLength"),
            ((false, json!({ "type": "string", "enum": ["a"] })), (false, plain()), "values"),
        ] {
            assert_eq!(
                found("request", theirs.clone(), ours.clone()),
                [(Kind::Differs, fact.to_owned())],
                "{theirs:?} {ours:?}"
            );
            assert_eq!(found("request", ours.clone(), ours), []);
        }
    }

    #[test]
    fn a_deprecation_on_one_side_is_a_difference_in_requests_and_answers() {
        let (used, gone) = (json!({ "type": "string" }), json!({ "deprecated": true }));
        for part in ["request", "response"] {
            let expected = [(Kind::Differs, "deprecation".to_owned())];
            assert_eq!(found(part, (false, gone.clone()), (false, used.clone())), expected);
            assert_eq!(found(part, (false, json!({})), (false, gone.clone())), expected);
            assert_eq!(found(part, (false, gone.clone()), (false, gone.clone())), []);
        }
        let operation = |deprecated| {
            let document = json!({ "paths": { "/": { "get": { "deprecated": deprecated } } } });
            let operation = operations(&document).next();
            operation.map(|operation| Stated::of(&document, operation)).unwrap_or_default()
        };
        let findings = compare(&operation(true), &operation(false));
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].kind, findings[0].place.as_str()), (Kind::Differs, "operation"));
    }

    #[test]
    fn facts_missing_on_their_side_are_not_compared() {
        let ours = json!({ "type": "string", "maxLength": 9, "enum": ["a"] });
        assert_eq!(found("request", (false, json!({})), (false, ours.clone())), []);
        assert_eq!(
            found("request", (false, json!({ "enum": ["a"], "maxLength": 9 })), (false, ours)),
            []
        );
    }

    #[test]
    fn in_an_answer_a_fact_is_a_difference_only_if_we_are_stricter() {
        let strict =
            || json!({ "type": "string", "format": "uuid", "maxLength": 9, "enum": ["a"] });
        let wide = || json!({ "type": "string", "nullable": true });
        let facts = ["required", "null", "format", "values", "maxLength"];
        let all = |kind| facts.map(|fact| (kind, fact.to_owned()));
        assert_eq!(found("response", (true, strict()), (false, wide())), all(Kind::Expected));
        assert_eq!(found("response", (false, wide()), (true, strict())), all(Kind::Differs));
        let number = |kind: &str| (false, json!({ "type": kind }));
        assert_eq!(
            found("response", number("integer"), number("number")),
            [(Kind::Expected, "type".to_owned())]
        );
        assert_eq!(
            found("response", number("number"), number("integer")),
            [(Kind::Differs, "type".to_owned())]
        );
    }

    #[test]
    fn a_fact_that_never_came_from_the_vendor_is_not_missing_on_its_pages() {
        for (mark, kind) in [
            ("seed", Kind::WeHave),
            ("documented", Kind::WeHave),
            ("sibling", Kind::Expected),
            ("inferred", Kind::Expected),
        ] {
            let ours = json!({ "type": "object", "properties": { "inner": { "type": "string", "x-provenance": mark }, "other": {} } });
            let theirs = json!({ "type": "object", "properties": { "other": {} } });
            assert_eq!(
                found("response", (false, theirs), (false, ours.clone())),
                [(kind, String::new())]
            );
            // An object without properties lacks none.
            assert_eq!(found("response", (false, json!({ "type": "object" })), (false, ours)), []);
        }
    }
}

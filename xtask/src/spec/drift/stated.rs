//! Facts that a document states about an operation, by place, whatever its components are called.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::Value;

use crate::spec::document::{Operation, items, members, reference, resolve};

/// Facts of one operation.
#[derive(Debug, Default)]
pub struct Stated {
    pub success_codes: BTreeSet<String>,
    pub places: BTreeMap<Place, Facts>,
    /// Descriptions of parameters and properties.
    pub descriptions: Vec<String>,
    /// Provenance of the operation.
    pub provenance: Option<String>,
}

/// Place of a fact in an operation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub part: Part,
    /// Names of properties; `[]` means the items of a list, `*` properties of any name.
    pub path: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Operation,
    /// A parameter, by location and name; path parameters are numbered.
    Parameter(String, String),
    Request,
    /// The body of a successful answer, whatever its code.
    Response,
}

/// Facts at a place.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Facts {
    pub required: bool,
    pub nullable: bool,
    pub deprecated: bool,
    /// Empty means any type.
    pub types: BTreeSet<String>,
    pub formats: BTreeSet<String>,
    /// Values of an enum.
    pub values: BTreeSet<String>,
    pub limits: BTreeMap<&'static str, String>,
    pub provenance: Option<String>,
}

/// The limits that are compared.
const LIMITS: [&str; 9] = [
    "maxLength",
    "minLength",
    "maxItems",
    "minItems",
    "maximum",
    "minimum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "pattern",
];

impl Place {
    fn root(part: Part) -> Self {
        Self { part, path: Vec::new() }
    }

    fn child(&self, name: &str) -> Self {
        let mut path = self.path.clone();
        path.push(name.to_owned());
        Self { part: self.part.clone(), path }
    }

    /// Iterates over the enclosing places, innermost first.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        (0..self.path.len())
            .rev()
            .map(|length| Self { part: self.part.clone(), path: self.path[..length].to_vec() })
    }

    pub fn is_in_response(&self) -> bool {
        self.part == Part::Response
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.part {
            Part::Parameter(sent_in, name) => write!(f, "{sent_in} {name}")?,
            Part::Operation => f.write_str("operation")?,
            Part::Request => f.write_str("request")?,
            Part::Response => f.write_str("response")?,
        }
        for (index, name) in self.path.iter().enumerate() {
            let separator = if index == 0 { " " } else { "." };
            write!(f, "{}{name}", if name == "[]" && index > 0 { "" } else { separator })?;
        }
        Ok(())
    }
}

impl fmt::Display for Facts {
    /// Formats the facts as `string (uri), maxLength 9, nullable`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |set: &BTreeSet<String>, joined: &str| {
            set.iter().map(String::as_str).collect::<Vec<_>>().join(joined)
        };
        let mut words = vec![if self.types.is_empty() {
            "anything".to_owned()
        } else {
            list(&self.types, " or ")
        }];
        if !self.formats.is_empty() {
            words[0] += &format!(" ({})", list(&self.formats, ", "));
        }
        if !self.values.is_empty() {
            words.push(format!("one of {}", list(&self.values, ", ")));
        }
        words.extend(self.limits.iter().map(|(limit, value)| format!("{limit} {value}")));
        words.extend(self.nullable.then(|| "nullable".to_owned()));
        words.extend(self.required.then(|| "required".to_owned()));
        words.extend(self.deprecated.then(|| "deprecated".to_owned()));
        f.write_str(&words.join(", "))
    }
}

impl Stated {
    pub fn of(document: &Value, operation: Operation<'_>) -> Self {
        let mut reader = Reader { document, stated: Self::default(), entered: Vec::new() };
        reader.stated.provenance = mark(operation.value);
        reader.at(&Place::root(Part::Operation)).deprecated = operation.value["deprecated"] == true;
        reader.parameters(operation);
        reader.credentials(operation.value);
        let body = resolve(document, &operation.value["requestBody"]);
        if let Some(schema) = json(body) {
            let place = Place::root(Part::Request);
            reader.schema(&place, schema);
            reader.at(&place).required = body["required"] == true;
        }
        for (code, response) in
            members(&operation.value["responses"]).filter(|(code, _)| code.starts_with('2'))
        {
            reader.stated.success_codes.insert(code.clone());
            if let Some(schema) = json(resolve(document, response)) {
                reader.schema(&Place::root(Part::Response), schema);
            }
        }
        reader.stated
    }

    /// Returns the provenance of a place or of the nearest place around it.
    pub fn provenance(&self, place: &Place) -> Option<&str> {
        let around = std::iter::once(place.clone()).chain(place.ancestors());
        let marks = around.filter_map(|place| self.places.get(&place)?.provenance.as_deref());
        marks.chain(self.provenance.as_deref()).next()
    }

    /// Returns true if the document states nothing about the members of a place.
    pub fn is_silent_inside(&self, place: &Place) -> bool {
        !self.places.keys().any(|other| other.ancestors().any(|ancestor| ancestor == *place))
    }
}

fn mark(value: &Value) -> Option<String> {
    value["x-provenance"].as_str().map(str::to_owned)
}

/// Returns the schema of a JSON body.
fn json(body: &Value) -> Option<&Value> {
    members(&body["content"])
        .find(|(kind, _)| kind.contains("json"))
        .map(|(_, content)| &content["schema"])
}

struct Reader<'d> {
    document: &'d Value,
    stated: Stated,
    /// References being followed, since a schema may contain itself.
    entered: Vec<&'d str>,
}

impl<'d> Reader<'d> {
    fn at(&mut self, place: &Place) -> &mut Facts {
        self.stated.places.entry(place.clone()).or_default()
    }

    fn parameters(&mut self, operation: Operation<'d>) {
        let document = self.document;
        let mut in_path = 0;
        for parameter in
            items(&operation.item["parameters"]).chain(items(&operation.value["parameters"]))
        {
            let parameter = resolve(document, parameter);
            let sent_in = parameter["in"].as_str().unwrap_or_default();
            let name = parameter["name"].as_str().unwrap_or_default();
            let name = match sent_in {
                "path" => {
                    let names =
                        operation.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
                    in_path += 1;
                    (names
                        .zip(1..)
                        .find(|(own, _)| *own == name)
                        .map_or(in_path, |(_, number)| number))
                    .to_string()
                }
                "header" => name.to_lowercase(),
                _ => name.to_owned(),
            };
            let place = Place::root(Part::Parameter(sent_in.to_owned(), name));
            self.at(&place).provenance = mark(parameter);
            self.description(parameter);
            self.schema(&place, &parameter["schema"]);
            self.at(&place).required = parameter["required"] == true;
            self.at(&place).deprecated |= parameter["deprecated"] == true;
        }
    }

    /// Reads keys in headers: a security scheme in some documents, parameters in others.
    fn credentials(&mut self, operation: &'d Value) {
        let document = self.document;
        let requirements = operation.get("security").unwrap_or(&document["security"]);
        for (name, _) in items(requirements).flat_map(members) {
            let scheme =
                resolve(document, &document["components"]["securitySchemes"][name.as_str()]);
            let (sent_in, header) = match scheme["type"].as_str() {
                Some("apiKey") => (
                    scheme["in"].as_str().unwrap_or_default(),
                    scheme["name"].as_str().unwrap_or_default(),
                ),
                Some(_) => ("header", "authorization"),
                None => continue,
            };
            let place = Place::root(Part::Parameter(sent_in.to_owned(), header.to_lowercase()));
            let (required, types) = (true, BTreeSet::from(["string".to_owned()]));
            *self.at(&place) =
                Facts { required, types, provenance: mark(scheme), ..Facts::default() };
        }
    }

    fn schema(&mut self, place: &Place, schema: &'d Value) {
        let required = required(self.document, schema, &mut Vec::new());
        self.member(place, schema, &required);
    }

    /// Reads a schema or a part of it: members of `allOf`, `anyOf` and `oneOf` and targets of
    /// references describe the same place.
    fn member(&mut self, place: &Place, schema: &'d Value, required: &BTreeSet<&'d str>) {
        self.facts(place, schema);
        if let Some(target) = reference(schema) {
            if !self.entered.contains(&target) {
                self.entered.push(target);
                self.member(place, resolve(self.document, schema), required);
                self.entered.pop();
            }
            return;
        }
        for members in ["allOf", "anyOf", "oneOf"] {
            items(&schema[members]).for_each(|schema| self.member(place, schema, required));
        }
        for (name, property) in members(&schema["properties"]) {
            let target = resolve(self.document, property);
            let other_way = if place.is_in_response() { "writeOnly" } else { "readOnly" };
            if property[other_way] == true || target[other_way] == true {
                continue;
            }
            let inner = place.child(name);
            self.schema(&inner, property);
            self.at(&inner).required = required.contains(name.as_str());
        }
        for (key, name) in [("items", "[]"), ("additionalProperties", "*")] {
            if schema[key].as_object().is_some_and(|inner| !inner.is_empty()) {
                self.schema(&place.child(name), &schema[key]);
            }
        }
    }

    fn description(&mut self, value: &Value) {
        let text = value["description"].as_str().map(str::to_owned);
        self.stated
            .descriptions
            .extend(text.filter(|text| !self.stated.descriptions.contains(text)));
    }

    fn facts(&mut self, place: &Place, schema: &Value) {
        self.description(schema);
        let types: Vec<_> = schema["type"]
            .as_str()
            .into_iter()
            .chain(items(&schema["type"]).filter_map(Value::as_str))
            .collect();
        let values: Vec<_> = items(&schema["enum"]).chain(schema.get("const")).collect();
        let facts = self.at(place);
        facts.provenance = facts.provenance.take().or_else(|| mark(schema));
        facts.deprecated |= schema["deprecated"] == true;
        facts.nullable |= schema["nullable"] == true
            || types.contains(&"null")
            || values.iter().any(|value| value.is_null());
        facts.types.extend(types.into_iter().filter(|kind| *kind != "null").map(str::to_owned));
        if schema["properties"].is_object() {
            facts.types.insert("object".to_owned());
        }
        facts.formats.extend(schema["format"].as_str().map(str::to_owned));
        let values = values.into_iter().filter(|value| !value.is_null());
        facts.values.extend(
            values.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
        );
        for limit in LIMITS {
            if let Some(value) = schema.get(limit) {
                facts
                    .limits
                    .insert(limit, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            }
        }
    }
}

/// Returns the properties that are always required, that is, by every alternative.
fn required<'d>(
    document: &'d Value,
    schema: &'d Value,
    entered: &mut Vec<&'d str>,
) -> BTreeSet<&'d str> {
    if let Some(target) = reference(schema) {
        if entered.contains(&target) {
            return BTreeSet::new();
        }
        entered.push(target);
        let names = required(document, resolve(document, schema), entered);
        entered.pop();
        return names;
    }
    let mut names: BTreeSet<_> = items(&schema["required"]).filter_map(Value::as_str).collect();
    items(&schema["allOf"]).for_each(|member| names.extend(required(document, member, entered)));
    for alternatives in ["anyOf", "oneOf"] {
        let objects = items(&schema[alternatives])
            .filter(|member| resolve(document, member)["type"] != "null");
        let common = objects
            .map(|member| required(document, member, entered))
            .reduce(|common, own| &common & &own);
        names.extend(common.unwrap_or_default());
    }
    names
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::spec::document::operations;

    /// Reads a request and an answer of the same schema, and formats each place with its facts.
    fn places(schema: &Value, components: &Value) -> Vec<String> {
        let body = json!({ "content": { "application/json": { "schema": schema } } });
        let operation = json!({ "requestBody": body, "responses": { "200": body } });
        let document = json!({ "paths": { "/": { "post": operation } }, "components": { "schemas": components } });
        let stated = operations(&document).map(|operation| Stated::of(&document, operation));
        let places =
            stated.flat_map(|stated| stated.places).filter(|(place, _)| !place.path.is_empty());
        places.map(|(place, facts)| format!("{place}: {facts}")).collect()
    }

    #[test]
    fn read_only_fields_are_not_in_a_request_and_write_only_fields_not_in_an_answer() {
        let key = json!({ "type": "string", "writeOnly": true });
        let schema = json!({ "required": ["id", "key"], "properties": {
            "id": { "type": "string", "readOnly": true },
            "key": { "$ref": "#/components/schemas/Key" },
        } });
        assert_eq!(
            places(&schema, &json!({ "Key": key })),
            ["request key: string, required", "response id: string, required"]
        );
    }

    #[test]
    fn a_schema_may_contain_itself() {
        let tree = json!({ "properties": { "parts": { "type": "array", "items": { "$ref": "#/components/schemas/Tree" } } } });
        let expected = [
            "request parts: array",
            "request parts[]: anything",
            "response parts: array",
            "response parts[]: anything",
        ];
        assert_eq!(
            places(&json!({ "$ref": "#/components/schemas/Tree" }), &json!({ "Tree": tree })),
            expected
        );
    }

    #[test]
    fn alternatives_describe_one_place_and_require_the_fields_required_by_all() {
        let schema = json!({ "oneOf": [
            { "required": ["id", "a"], "properties": { "id": { "type": "string" }, "a": { "const": 1 } } },
            { "required": ["id"], "properties": { "id": { "type": "integer" }, "b": { "type": ["string", "null"] } } },
            { "type": "null" },
        ] });
        let answer: Vec<_> = places(&schema, &json!({}))
            .into_iter()
            .filter(|place| place.starts_with("response"))
            .collect();
        let expected = [
            "response a: anything, one of 1",
            "response b: string, nullable",
            "response id: integer or string, required",
        ];
        assert_eq!(answer, expected);
    }
}

//! What did the service say? Its words, field by field, from any shape of body, bounded and without secrets.

use std::{collections::BTreeMap, fmt, time::Duration};

use creatify_api::{BodyExtent, Credentials, Received};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// An answer that was not a success, or that could not be read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServiceAnswer {
    /// Its status.
    pub status: StatusCode,
    /// The service's or a gateway's id of the request, to quote to the vendor.
    pub request_id: Option<String>,
    /// How long the service asked to wait.
    pub retry_after: Option<Duration>,
    /// What it said.
    pub problem: Problem,
}

/// The service's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// What concerns the request as a whole.
    pub messages: Vec<String>,
    /// What concerns one field, by its path, such as `variables.hero`.
    pub fields: BTreeMap<String, Vec<String>>,
}

/// Enough to act on, little enough to log.
const MAX_MESSAGE_CHARS: usize = 300;
const MAX_MESSAGES: usize = 20;

/// The headers that may carry an id of the request. No other header of an answer is kept.
const REQUEST_ID_HEADERS: [&str; 4] = ["x-request-id", "x-correlation-id", "x-amzn-trace-id", "cf-ray"];

impl ServiceAnswer {
    pub(crate) fn new(received: &Received, body: &[u8], credentials: &Credentials) -> Self {
        let mut problem = Problem::parse(body);
        problem.redact(credentials);
        match received.body {
            BodyExtent::Cut => problem.messages.push("the answer broke off".to_owned()),
            BodyExtent::TooLong => problem.messages.push("the answer was too long and was cut off".to_owned()),
            _ => {}
        }
        let header = |name| received.headers.get(name).and_then(|value| value.to_str().ok());
        let request_id = REQUEST_ID_HEADERS.into_iter().find_map(header);
        Self {
            status: received.status,
            request_id: request_id.map(|id| credentials.redact(&shortened(id))),
            retry_after: retry_after(&received.headers, std::time::SystemTime::now()),
            problem,
        }
    }

    /// Whether it speaks of missing credits: a 402, or a 400 or 403 whose text mentions them (the status is not documented).
    pub(crate) fn is_about_credits(&self) -> bool {
        let mentions_credits = || self.problem.all().any(|(_, message)| message.to_ascii_lowercase().contains("credit"));
        match self.status {
            StatusCode::PAYMENT_REQUIRED => true,
            StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN => mentions_credits(),
            _ => false,
        }
    }
}

/// `Retry-After` in either of its forms. A date in the past means now.
fn retry_after(headers: &HeaderMap, now: std::time::SystemTime) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

impl Problem {
    /// Reads the shapes of the vendor's framework, any other JSON, HTML, and nothing at all.
    fn parse(body: &[u8]) -> Self {
        let mut problem = Self::default();
        match serde_json::from_slice(body) {
            Ok(value) => problem.collect("", &value, 0),
            Err(_) => {
                let text = plain_text(&String::from_utf8_lossy(body));
                if !text.is_empty() {
                    problem.add("", &text);
                }
            }
        }
        problem
    }

    fn collect(&mut self, path: &str, value: &Value, depth: usize) {
        match value {
            Value::Null => {}
            Value::String(text) => self.add(path, text),
            Value::Array(items) => items.iter().for_each(|item| self.collect(path, item, depth)),
            Value::Object(members) if depth < 8 => {
                for (name, member) in members {
                    let path = match name.as_str() {
                        "detail" | "non_field_errors" | "message" | "error" => path.to_owned(),
                        name if path.is_empty() => name.to_owned(),
                        name => format!("{path}.{name}"),
                    };
                    self.collect(&path, member, depth + 1);
                }
            }
            other => self.add(path, &other.to_string()),
        }
    }

    fn add(&mut self, path: &str, message: &str) {
        if self.all().count() >= MAX_MESSAGES {
            return;
        }
        let message = shortened(message);
        if path.is_empty() {
            self.messages.push(message);
        } else {
            self.fields.entry(shortened(path)).or_default().push(message);
        }
    }

    fn redact(&mut self, credentials: &Credentials) {
        let redact = |message: &mut String| *message = credentials.redact(message);
        self.messages.iter_mut().for_each(redact);
        for (path, mut messages) in std::mem::take(&mut self.fields) {
            messages.iter_mut().for_each(redact);
            self.fields.insert(credentials.redact(&path), messages);
        }
    }

    /// Every message, with the path of its field if it has one.
    pub fn all(&self) -> impl Iterator<Item = (Option<&str>, &str)> {
        let of_fields =
            self.fields.iter().flat_map(|(path, messages)| messages.iter().map(move |text| (Some(path.as_str()), text.as_str())));
        self.messages.iter().map(|text| (None, text.as_str())).chain(of_fields)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (path, message)) in self.all().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            match path {
                Some(path) => write!(f, "{separator}{path}: {message}")?,
                None => write!(f, "{separator}{message}")?,
            }
        }
        Ok(())
    }
}

/// One bounded line.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The words of an HTML page, without its tags, scripts and styles. Only for people to read: entities stay as they are.
fn plain_text(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page.get(..8192).unwrap_or(page);
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        text.push(' ');
        let tag = &rest[start..];
        let lower = tag.get(..8).unwrap_or(tag).to_ascii_lowercase();
        let end = if lower.starts_with("<script") {
            "</script>"
        } else if lower.starts_with("<style") {
            "</style>"
        } else {
            ">"
        };
        rest = tag.find(end).map_or("", |at| &tag[at + end.len()..]);
    }
    text.push_str(rest);
    shortened(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str) -> String {
        Problem::parse(body.as_bytes()).to_string()
    }

    #[test]
    fn every_error_shape_is_read() {
        assert_eq!(said(r#"{"detail": "Not found."}"#), "Not found.");
        assert_eq!(
            said(r#"{"template_id": ["Must be a valid UUID."], "name": ["Too long.", "Too odd."]}"#),
            "name: Too long.; name: Too odd.; template_id: Must be a valid UUID."
        );
        assert_eq!(said(r#"{"non_field_errors": ["No."]}"#), "No.");
        assert_eq!(said(r#"{"variables": {"hero": {"url": ["Enter a valid URL."]}}}"#), "variables.hero.url: Enter a valid URL.");
        assert_eq!(said(r#"["Invalid input."]"#), "Invalid input.");
        assert_eq!(said("<html><style>p{}</style><h1>502 Bad\nGateway</h1><hr>nginx</html>"), "502 Bad Gateway nginx");
        assert_eq!(said(""), "");
        assert_eq!(said("null"), "");
    }

    #[test]
    fn a_problem_is_bounded() {
        let many = format!("[{}\"x\"]", "\"x\",".repeat(10_000));
        assert_eq!(Problem::parse(many.as_bytes()).messages.len(), MAX_MESSAGES);
        assert!(said(&"y".repeat(1_000_000)).chars().count() <= MAX_MESSAGE_CHARS + 1);
        let deep = format!("{}1{}", "{\"a\":".repeat(100), "}".repeat(100));
        assert!(said(&deep).chars().count() <= MAX_MESSAGE_CHARS + 50);
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777 - 60);
        let read = |text: &str| {
            let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, http::HeaderValue::from_str(text).unwrap())]);
            retry_after(&headers, now)
        };
        assert_eq!(read("12"), Some(Duration::from_secs(12)));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(read("Sun, 06 Nov 1983 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
    }
}

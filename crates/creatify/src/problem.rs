//! What did the service say? Its words, field by field, from any shape of body, bounded and without secrets.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, SystemTime},
};

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

/// A longer body is no document to read through, but a page to show the beginning of.
const MAX_DOCUMENT_BYTES: usize = 64 * 1024;
/// Enough to act on, little enough to log.
const MAX_MESSAGE_CHARS: usize = 300;
const MAX_MESSAGES: usize = 20;
/// As good as any longer wait, and no clock overflows with it.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The headers that may carry an id of the request. No other header of an answer is kept.
const REQUEST_ID_HEADERS: [&str; 4] =
    ["x-request-id", "x-correlation-id", "x-amzn-trace-id", "cf-ray"];

impl ServiceAnswer {
    pub(crate) fn new(received: &Received, body: &[u8], credentials: &Credentials) -> Self {
        let mut problem = Problem::parse(body, credentials);
        match received.body {
            BodyExtent::Cut => problem.messages.push("the answer broke off".to_owned()),
            BodyExtent::TooLong => {
                problem.messages.push("the answer was too long and was cut off".to_owned())
            }
            _ => {}
        }
        let header = |name| received.headers.get(name).and_then(|value| value.to_str().ok());
        let request_id = REQUEST_ID_HEADERS.into_iter().find_map(header);
        Self {
            status: received.status,
            request_id: request_id.map(|id| bounded_line(id, credentials)),
            retry_after: retry_after(&received.headers, SystemTime::now()),
            problem,
        }
    }

    /// Whether it speaks of missing credits: a 402, or a 400 or 403 whose text mentions them (the status is not documented).
    pub(crate) fn is_about_credits(&self) -> bool {
        let mentions_credits = || {
            self.problem.all().any(|(_, message)| message.to_ascii_lowercase().contains("credit"))
        };
        match self.status {
            StatusCode::PAYMENT_REQUIRED => true,
            StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN => mentions_credits(),
            _ => false,
        }
    }
}

/// `Retry-After` in either of its forms. A date in the past means now.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    let asked = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(text.parse().unwrap_or(u64::MAX)) // more digits than fit are a long time too
    } else {
        httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default()
    };
    Some(asked.min(LONGEST_RETRY_AFTER))
}

impl Problem {
    /// Reads the shapes of the vendor's framework, any other JSON, HTML, and nothing at all.
    fn parse(body: &[u8], credentials: &Credentials) -> Self {
        let mut problem = Self::default();
        let document = Some(body).filter(|body| body.len() <= MAX_DOCUMENT_BYTES);
        match document.and_then(|body| serde_json::from_slice(body).ok()) {
            Some(value) => problem.collect("", &value, 0, credentials),
            None => {
                let page = &body[..body.len().min(MAX_DOCUMENT_BYTES)];
                let text = plain_text(&credentials.redact(&String::from_utf8_lossy(page)));
                if !text.is_empty() {
                    problem.add("", &text, credentials);
                }
            }
        }
        problem
    }

    fn collect(&mut self, path: &str, value: &Value, depth: usize, credentials: &Credentials) {
        match value {
            Value::Null => {}
            Value::String(text) => self.add(path, text, credentials),
            Value::Array(items) => {
                items.iter().for_each(|item| self.collect(path, item, depth, credentials))
            }
            Value::Object(members) if depth < 8 => {
                for (name, member) in members {
                    let path = match name.as_str() {
                        "detail" | "non_field_errors" | "message" | "error" => path.to_owned(),
                        name if path.is_empty() => name.to_owned(),
                        name => format!("{path}.{name}"),
                    };
                    self.collect(&path, member, depth + 1, credentials);
                }
            }
            other => self.add(path, &other.to_string(), credentials),
        }
    }

    fn add(&mut self, path: &str, message: &str, credentials: &Credentials) {
        if self.all().count() >= MAX_MESSAGES {
            return;
        }
        let message = bounded_line(message, credentials);
        if path.is_empty() {
            self.messages.push(message);
        } else {
            self.fields.entry(bounded_line(path, credentials)).or_default().push(message);
        }
    }

    /// Every message, with the path of its field if it has one.
    pub fn all(&self) -> impl Iterator<Item = (Option<&str>, &str)> {
        let of_fields = self.fields.iter().flat_map(|(path, messages)| {
            messages.iter().map(move |text| (Some(path.as_str()), text.as_str()))
        });
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

/// One line that is safe to show: what is secret goes before what is too long, so that no piece of it stays at the cut.
pub(crate) fn bounded_line(text: &str, credentials: &Credentials) -> String {
    shortened(&credentials.redact(text))
}

/// One bounded line, of somebody's words that can have no secrets of ours.
pub(crate) fn shortened(text: &str) -> String {
    let separates = |character: char| character.is_whitespace() || character.is_control();
    let line = text.split(separates).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The words of an HTML page, without its tags, scripts and styles. Only for people to read: entities stay as they are.
fn plain_text(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
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
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(body: &str) -> Problem {
        Problem::parse(body.as_bytes(), &Credentials::new("account-7", "5f3aC9e741b02d68").unwrap())
    }

    fn said(body: &str) -> String {
        parsed(body).to_string()
    }

    #[test]
    fn every_error_shape_is_read() {
        assert_eq!(said(r#"{"detail": "Not found."}"#), "Not found.");
        assert_eq!(
            said(
                r#"{"template_id": ["Must be a valid UUID."], "name": ["Too long.", "Too odd."]}"#
            ),
            "name: Too long.; name: Too odd.; template_id: Must be a valid UUID."
        );
        assert_eq!(said(r#"{"non_field_errors": ["No."]}"#), "No.");
        assert_eq!(
            said(r#"{"variables": {"hero": {"url": ["Enter a valid URL."]}}}"#),
            "variables.hero.url: Enter a valid URL."
        );
        assert_eq!(said(r#"["Invalid input."]"#), "Invalid input.");
        assert_eq!(
            said("<html><style>p{}</style><h1>502 Bad\nGateway</h1><hr>nginx</html>"),
            "502 Bad Gateway nginx"
        );
        assert_eq!(said(""), "");
        assert_eq!(said("null"), "");
    }

    #[test]
    fn a_problem_is_bounded() {
        let many = format!("[{}\"x\"]", "\"x\",".repeat(10_000));
        assert_eq!(parsed(&many).messages.len(), MAX_MESSAGES);
        assert!(said(&"y".repeat(1_000_000)).chars().count() <= MAX_MESSAGE_CHARS + 1);
        let deep = format!("{}1{}", "{\"a\":".repeat(100), "}".repeat(100));
        assert!(said(&deep).chars().count() <= MAX_MESSAGE_CHARS + 50);
        // Every member would repeat the long name before it.
        let wide = format!(
            "{{\"{}\": {{{}\"z\": 1}}}}",
            "n".repeat(4_000_000),
            "\"a\": null, ".repeat(400_000)
        );
        assert!(said(&wide).chars().count() <= MAX_MESSAGE_CHARS + 1);
        assert_eq!(said("a\u{1b}[31mred\u{2028}line"), "a [31mred line");
    }

    #[test]
    fn no_piece_of_a_secret_stays_where_a_body_is_cut() {
        for padding in MAX_MESSAGE_CHARS - 20..MAX_MESSAGE_CHARS + 1 {
            let text = format!("{} 5f3aC9e741b02d68", "x".repeat(padding));
            for body in [
                text.clone(),
                format!("[\"{text}\"]"),
                format!("{{\"{text}\": 1}}"),
                format!("<p>{text}"),
            ] {
                assert!(!said(&body).contains("5f3aC"), "{body}");
            }
        }
        let cut =
            format!("{{\"detail\": \"{}5f3aC9e741b02d68", " ".repeat(MAX_DOCUMENT_BYTES - 24));
        assert!(!said(&cut).contains("5f3aC"));
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777 - 60);
        let read = |text: &str| {
            let headers = HeaderMap::from_iter([(
                http::header::RETRY_AFTER,
                http::HeaderValue::from_str(text).unwrap(),
            )]);
            retry_after(&headers, now)
        };
        assert_eq!(read("12"), Some(Duration::from_secs(12)));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(read("Sun, 06 Nov 1983 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
        assert_eq!(read(""), None);
        for endless in
            ["18446744073709551615", "99999999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"]
        {
            assert_eq!(read(endless), Some(LONGEST_RETRY_AFTER), "{endless}");
        }
    }
}

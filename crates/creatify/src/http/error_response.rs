//! Messages of an error answer, field by field, from any shape of body, bounded and without
//! secrets.

use std::{collections::BTreeMap, fmt, time::Duration};

use chrono::{DateTime, Utc};
use creatify_api::{BodyExtent, Credentials, Received};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::{lenient, retry::Origin};

/// An answer that is not a success, or that cannot be read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ErrorResponse {
    /// Status code.
    pub status: StatusCode,
    /// Request id of the service or of a gateway, to quote to the vendor.
    pub request_id: Option<String>,
    /// Pause that the service asked for with `Retry-After`.
    pub retry_after: Option<Duration>,
    /// Messages in its body.
    pub messages: ErrorMessages,
    /// Author of the answer, as far as its body shows.
    pub(crate) origin: Origin,
}

/// Messages of the service about an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorMessages {
    /// Messages about the request as a whole.
    pub general: Vec<String>,
    /// Messages about one field, by its path, such as `variables.hero`.
    pub fields: BTreeMap<String, Vec<String>>,
}

/// Bodies above this size are truncated, not parsed.
const MAX_DOCUMENT_BYTES: usize = 64 * 1024;
/// Bound of a message: enough to act on, little enough to log.
const MAX_MESSAGE_CHARS: usize = 300;
const MAX_MESSAGES: usize = 20;
/// Upper bound of `Retry-After`, which also keeps the clock from overflowing.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Headers that may carry a request id. No other header of an answer is kept.
const REQUEST_ID_HEADERS: [&str; 4] =
    ["x-request-id", "x-correlation-id", "x-amzn-trace-id", "cf-ray"];

impl ErrorResponse {
    pub(crate) fn new(received: &Received, body: &[u8], credentials: &Credentials) -> Self {
        let mut messages = ErrorMessages::parse(body, credentials);
        messages.note(received.extent);
        let header = |name| received.headers.get(name).and_then(|value| value.to_str().ok());
        let request_id = REQUEST_ID_HEADERS.into_iter().find_map(header);
        Self {
            status: received.status,
            request_id: request_id.map(|id| bounded_line(id, credentials)),
            retry_after: retry_after(&received.headers, Utc::now()),
            messages,
            origin: match lenient::parse(body) {
                Some(Value::Object(_) | Value::Array(_)) => Origin::Service,
                _ => Origin::Elsewhere,
            },
        }
    }

    /// Returns whether it reports missing credits: a 402, or a 400 or 403 of the service with a
    /// message to that effect about the request as a whole (the status is not documented).
    pub(crate) fn is_about_credits(&self) -> bool {
        match self.status {
            StatusCode::PAYMENT_REQUIRED => true,
            StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN => {
                self.origin == Origin::Service
                    && self.messages.general.iter().any(|message| says_credits_are_missing(message))
            }
            _ => false,
        }
    }
}

/// Returns whether a message says that there are too few credits. The word "credit" alone is not
/// enough: it is also in names of fields and of templates.
fn says_credits_are_missing(message: &str) -> bool {
    const MISSING: [&str; 10] = [
        "insufficient",
        "not enough",
        "enough credits",
        "too few",
        "out of",
        "no more",
        "no remaining",
        "exceed",
        "run out",
        "ran out",
    ];
    let message = message.to_ascii_lowercase();
    let words: Vec<_> = message
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|w| !w.is_empty())
        .collect();
    let speaks_of_credits = words.iter().enumerate().any(|(index, word)| {
        matches!(*word, "credit" | "credits")
            && !words.get(index + 1).is_some_and(|next| next.starts_with("card"))
    });
    let names_an_amount = words.iter().any(|word| word.parse::<f64>().is_ok())
        && words.iter().any(|word| word.starts_with("need") || word.starts_with("require"));
    speaks_of_credits
        && (MISSING.iter().any(|phrase| message.contains(phrase))
            || words.windows(2).any(|pair| pair[0] == "no" && pair[1].starts_with("credit"))
            || names_an_amount)
}

/// Reads `Retry-After`: seconds, with or without a fraction, or a date, which counts from the
/// answer's own `Date`, since the clocks may differ. A date in the past means now.
pub(crate) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let date = |text: &str| httpdate::parse_http_date(text).ok().map(DateTime::<Utc>::from);
    let asked = text(http::header::RETRY_AFTER)?;
    let is_number = asked.starts_with(|first: char| first.is_ascii_digit())
        && asked.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let pause = if is_number {
        // A number that is too large to hold is a long time, too.
        Duration::try_from_secs_f64(asked.parse().ok()?).unwrap_or(Duration::MAX)
    } else {
        let now = text(http::header::DATE).and_then(date).unwrap_or(now);
        (date(asked)? - now).to_std().unwrap_or_default()
    };
    Some(pause.min(MAX_RETRY_AFTER))
}

impl ErrorMessages {
    /// Parses the shapes of the vendor's framework, any other JSON, HTML, and nothing at all.
    fn parse(body: &[u8], credentials: &Credentials) -> Self {
        let mut messages = Self::default();
        let document = Some(body).filter(|body| body.len() <= MAX_DOCUMENT_BYTES);
        match document.and_then(lenient::parse) {
            Some(value) => messages.collect("", &value, 0, credentials),
            None => {
                let page = &body[..body.len().min(MAX_DOCUMENT_BYTES)];
                let text = plain_text(&credentials.redact(&String::from_utf8_lossy(page)));
                if !text.is_empty() {
                    messages.add("", &text, credentials);
                }
            }
        }
        messages
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
            self.general.push(message);
        } else {
            self.fields.entry(bounded_line(path, credentials)).or_default().push(message);
        }
    }

    /// Returns the beginning of a body that cannot be read.
    pub(super) fn excerpt(body: &[u8], extent: BodyExtent, credentials: &Credentials) -> Self {
        let mut messages = Self::default();
        let page = &body[..body.len().min(MAX_DOCUMENT_BYTES)];
        let text = bounded_line(&String::from_utf8_lossy(page), credentials);
        if !text.is_empty() {
            messages.general.push(format!("the answer begins with `{text}`"));
        }
        messages.note(extent);
        messages
    }

    fn note(&mut self, extent: BodyExtent) {
        match extent {
            BodyExtent::Cut => self.general.push("the answer broke off".to_owned()),
            BodyExtent::TooLong => {
                self.general.push("the answer was too long and was cut off".to_owned());
            }
            _ => {}
        }
    }

    /// Returns every message, with the path of its field if it has one.
    pub fn all(&self) -> impl Iterator<Item = (Option<&str>, &str)> {
        let of_fields = self.fields.iter().flat_map(|(path, messages)| {
            messages.iter().map(move |text| (Some(path.as_str()), text.as_str()))
        });
        self.general.iter().map(|text| (None, text.as_str())).chain(of_fields)
    }
}

impl fmt::Display for ErrorMessages {
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

/// Returns a text as one bounded line without secrets. Secrets are removed before the line is cut,
/// so that no part of one remains at its end.
pub(crate) fn bounded_line(text: &str, credentials: &Credentials) -> String {
    shortened(&credentials.redact(text))
}

/// Returns a text that cannot have secrets of ours as one bounded line. Control characters and
/// those that change the direction of text become spaces.
pub(crate) fn shortened(text: &str) -> String {
    let separates = |character: char| {
        character.is_whitespace() || character.is_control() || is_bidi_control(character)
    };
    let line = text.split(separates).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Returns whether a character changes the direction of the text around it.
fn is_bidi_control(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns the words of an HTML page, without its tags, scripts and styles. Entities stay as they
/// are, since the text is only for people to read.
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

    fn parsed(body: &str) -> ErrorMessages {
        ErrorMessages::parse(
            body.as_bytes(),
            &Credentials::new("account-7", "5f3aC9e741b02d68").unwrap(),
        )
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
    fn messages_are_bounded() {
        let many = format!("[{}\"x\"]", "\"x\",".repeat(10_000));
        assert_eq!(parsed(&many).general.len(), MAX_MESSAGES);
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
        let now = DateTime::<Utc>::from_timestamp(784_111_777 - 60, 0).unwrap();
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
            assert_eq!(read(endless), Some(MAX_RETRY_AFTER), "{endless}");
        }
    }

    #[test]
    fn only_messages_about_missing_credits_are_taken_for_them() {
        for text in [
            "Insufficient credits.",
            "You have not enough credits",
            "This needs 5 credits",
            "No credits left",
            "Your account has run out of credits.",
        ] {
            assert!(says_credits_are_missing(text), "{text}");
        }
        for text in [
            "The variable credit_line is required.",
            "credit card template needs a hero image",
            "credit_text: this field is required",
        ] {
            assert!(!says_credits_are_missing(text), "{text}");
        }
    }
}

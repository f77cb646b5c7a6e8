//! Error bodies: their messages stay short, on one line and free of credentials, however echoed.

#![no_main]

use base64::{Engine, engine::general_purpose::STANDARD};
use creatify::{Credentials, fuzzing};
use http::{HeaderMap, HeaderValue, StatusCode};
use libfuzzer_sys::fuzz_target;

const ID: &str = "account-0817";
const KEY: &str = "5f3a-C9e7/41b0+2d68";

fuzz_target!(|body: &[u8]| {
    let credentials = Credentials::new(ID, KEY).unwrap();
    let (body, encoding) = match body.split_first() {
        Some((b'U', rest)) => (with_echoes(rest), Encoding::Utf16),
        _ => (with_echoes(body), Encoding::Utf8),
    };
    let mut headers = HeaderMap::new();
    if let Ok(id) = HeaderValue::from_bytes(&body[..body.len().min(1_000)]) {
        headers.insert("x-request-id", id);
    }
    let body = match encoding {
        Encoding::Utf8 => body,
        Encoding::Utf16 => utf16(&String::from_utf8_lossy(&body)),
    };
    let answer = fuzzing::error_response(StatusCode::BAD_REQUEST, headers, &body, &credentials);

    let lines: Vec<_> = answer
        .messages
        .all()
        .flat_map(|(field, message)| field.into_iter().chain([message]))
        .collect();
    assert!(lines.len() <= 2 * 20, "too many messages");
    for line in lines.iter().copied().chain(answer.request_id.as_deref()) {
        assert!(line.chars().count() <= 301, "too long: {line}");
        let is_unsafe = |character: char| {
            character.is_control() || matches!(character, '\u{202a}'..='\u{202e}')
        };
        assert!(!line.contains(is_unsafe), "more than one line, or not for a terminal: {line:?}");
    }
    // Line by line: text that spans two lines was no secret in the body either.
    for line in lines.into_iter().chain(answer.request_id.as_deref()) {
        let dense: String = line.chars().filter(|character| !character.is_whitespace()).collect();
        let unquoted = dense.replace("\\n", "");
        for text in [percent_decoded(&dense), dense, unquoted] {
            for secret in [ID, KEY] {
                assert!(!text.to_lowercase().contains(&secret.to_lowercase()), "{text}");
                assert!(!text.contains(STANDARD.encode(secret).trim_end_matches('=')), "{text}");
            }
        }
    }
});

/// Encoding of the body: UTF-16 when the input begins with `U`.
#[derive(Clone, Copy)]
enum Encoding {
    Utf8,
    Utf16,
}

fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// Replaces `{0}` to `{9}` and `{a}` with the credentials in different forms.
fn with_echoes(body: &[u8]) -> Vec<u8> {
    let base64 = |before: &str| STANDARD.encode(format!("{before}{KEY}"));
    let forms = [
        KEY.to_owned(),
        KEY.to_uppercase(),
        KEY.to_lowercase(),
        KEY.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        KEY.chars().map(|character| format!("{character}\n")).collect(),
        base64(""),
        base64(":"),
        base64("::"),
        ID.to_owned(),
        KEY.replace('/', "%2f").replace('+', "%2b"),
        KEY.chars().map(|character| format!("{character}\\n")).collect(),
    ];
    let mut text = Vec::new();
    let mut rest = body;
    while let Some((&byte, after)) = rest.split_first() {
        match rest {
            [b'{', digit @ (b'0'..=b'9' | b'a'), b'}', after @ ..] => {
                let form = char::from(*digit).to_digit(16).unwrap();
                text.extend_from_slice(forms[form as usize].as_bytes());
                rest = after;
            }
            _ => {
                text.push(byte);
                rest = after;
            }
        }
    }
    text
}

fn percent_decoded(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let code = rest
            .strip_prefix('%')
            .and_then(|rest| rest.get(..2))
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        let (character, length) =
            code.map_or((character, character.len_utf8()), |code| (char::from(code), 3));
        decoded.push(character);
        rest = &rest[length..];
    }
    decoded
}

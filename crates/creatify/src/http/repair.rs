//! Repairs of JSON text that strict parsers refuse.

use std::io::Read;

/// Largest text that a compressed body may become.
const MAX_TEXT_BYTES: u64 = creatify_api::MAX_BODY_BYTES as u64;

/// Decodes a body as text: decompressed if it is undeclared gzip, by its byte-order mark, otherwise
/// as UTF-8 with replacement characters, and without the prefixes that keep browsers from running
/// it.
pub(crate) fn text(body: &[u8]) -> String {
    let decompressed = gunzipped(body);
    let text = match decompressed.as_deref().unwrap_or(body) {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        utf8 => String::from_utf8_lossy(utf8).into_owned(),
    };
    let text = text.trim_start_matches('\u{feff}').trim();
    let text = [")]}',", ")]}'", "while(1);", "for(;;);"]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))
        .unwrap_or(text);
    text.to_owned()
}

/// Decompresses a body with the signature of gzip, as far as it goes.
fn gunzipped(body: &[u8]) -> Option<Vec<u8>> {
    if !body.starts_with(&[0x1f, 0x8b]) {
        return None;
    }
    let mut text = Vec::new();
    // A body that breaks off is used as far as it arrived.
    let _ = flate2::read::GzDecoder::new(body).take(MAX_TEXT_BYTES).read_to_end(&mut text);
    Some(text)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
    String::from_utf16_lossy(&units)
}

/// Returns a JSON text without raw control characters, lone surrogates and unknown escapes in
/// strings, and with null in the place of NaN, infinities and other words.
pub(super) fn repair(text: &str) -> String {
    let mut repaired = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string(rest, &mut repaired),
            '-' | 'a'..='z' | 'A'..='Z' => word(rest, &mut repaired),
            '0'..='9' => {
                // Digits and exponents are not words.
                let end = rest
                    .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '+' | '-'))
                    .unwrap_or(rest.len());
                repaired.push_str(&rest[..end]);
                end
            }
            other => {
                repaired.push(other);
                other.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    repaired
}

/// Repairs the word at the beginning of `text`; returns its length.
fn word(text: &str, repaired: &mut String) -> usize {
    let sign = usize::from(text.starts_with('-'));
    let letters = text[sign..].find(|c: char| !c.is_ascii_alphabetic());
    let end = sign + letters.unwrap_or(text.len() - sign);
    match &text[..end] {
        known @ ("true" | "false" | "null" | "-") => repaired.push_str(known),
        _ => repaired.push_str("null"),
    }
    end
}

/// Repairs the string at the beginning of `text`; returns its length.
fn string(text: &str, repaired: &mut String) -> usize {
    repaired.push('"');
    let mut at = 1;
    while let Some(character) = text[at..].chars().next() {
        match character {
            '"' => {
                repaired.push('"');
                return at + 1;
            }
            '\\' => at += escape(&text[at..], repaired),
            control if control.is_control() => {
                repaired.push_str(&format!("\\u{:04x}", u32::from(control)));
                at += control.len_utf8();
            }
            other => {
                repaired.push(other);
                at += other.len_utf8();
            }
        }
    }
    at // it breaks off
}

/// Repairs the escape at the beginning of `text`; returns its length.
fn escape(text: &str, repaired: &mut String) -> usize {
    let Some(kind) = text[1..].chars().next() else {
        repaired.push('\\');
        return 1;
    };
    if kind != 'u' {
        if !"\"\\/bfnrt".contains(kind) {
            repaired.push('\\'); // the backslash was meant as itself
        }
        repaired.push('\\');
        if "\"\\/bfnrt".contains(kind) {
            repaired.push(kind);
            return 1 + kind.len_utf8();
        }
        return 1;
    }
    let Some(unit) = code_unit(text) else {
        repaired.push_str("\\\\"); // no digits follow
        return 1;
    };
    let low = text.get(6..).filter(|rest| rest.starts_with("\\u")).and_then(code_unit);
    match (unit, low) {
        (0xd800..=0xdbff, Some(0xdc00..=0xdfff)) => {
            repaired.push_str(&text[..12]);
            12
        }
        (0xd800..=0xdfff, _) => {
            repaired.push_str("\\ufffd");
            6
        }
        _ => {
            repaired.push_str(&text[..6]);
            6
        }
    }
}

/// Returns the code unit of `\uXXXX` at the beginning of `text`.
fn code_unit(text: &str) -> Option<u16> {
    let digits = text.get(2..6).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u16::from_str_radix(digits, 16).ok()
}

/// Returns a list that breaks off, bare or in `results`, with only its complete items.
pub(super) fn whole_items(text: &str) -> Option<String> {
    let mut open = Vec::new();
    let mut last_item = None;
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        match character {
            '"' => {
                at += string(&text[at..], &mut String::new());
                continue;
            }
            '{' | '[' => open.push(character),
            '}' | ']' => {
                open.pop();
                if character == '}' && matches!(open.as_slice(), ['['] | ['{', '[']) {
                    last_item = Some((at + 1, open.clone()));
                }
            }
            _ => {}
        }
        at += character.len_utf8();
    }
    let (end, open) = last_item?;
    let closing = open.iter().rev().map(|open| if *open == '[' { ']' } else { '}' });
    Some(text[..end].chars().chain(closing).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn parsed(text: &str) -> Value {
        serde_json::from_str(&repair(text)).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    #[test]
    fn lone_surrogates_control_characters_and_unknown_escapes_are_repaired() {
        assert_eq!(parsed(r#"{"a": "Sale \ud83d"}"#), json!({ "a": "Sale \u{fffd}" }));
        assert_eq!(parsed(r#""\ud83d\ude00 \ude00""#), json!("\u{1f600} \u{fffd}"));
        assert_eq!(parsed("\"a\nb\u{1}\""), json!("a\nb\u{1}"));
        assert_eq!(parsed(r#""C:\Users\x \u12""#), json!(r"C:\Users\x \u12"));
    }

    #[test]
    fn words_that_are_no_json_become_null_and_numbers_stay() {
        let text = r#"{"a": NaN, "b": -Infinity, "c": [undefined, true, -1.5e-7, 2E+3], "NaN": 1}"#;
        let value = json!({ "a": null, "b": null, "c": [null, true, -1.5e-7, 2e3], "NaN": 1 });
        assert_eq!(parsed(text), value);
    }

    #[test]
    fn marks_encodings_and_prefixes_are_removed() {
        let utf16: Vec<u8> =
            "\u{feff}{\"a\": \"ä\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(text(&utf16), r#"{"a": "ä"}"#);
        assert_eq!(text(b"\xef\xbb\xbf {}"), "{}");
        assert_eq!(text(b")]}',\n{}").trim(), "{}");
        assert_eq!(text(b"{\"a\": \"\xe9\"}"), "{\"a\": \"\u{fffd}\"}");
    }

    #[test]
    fn gzip_that_nobody_declared_is_decompressed_also_when_it_breaks_off() {
        let mut encoder =
            flate2::read::GzEncoder::new(&b"{\"a\": 1}"[..], flate2::Compression::fast());
        let mut compressed = Vec::new();
        encoder.read_to_end(&mut compressed).unwrap();
        assert_eq!(text(&compressed), r#"{"a": 1}"#);
        let cut = text(&compressed[..compressed.len() - 9]);
        assert!(r#"{"a": 1}"#.starts_with(&cut), "{cut}");
    }

    #[test]
    fn a_list_that_breaks_off_keeps_its_whole_items() {
        let items = |text: &str| {
            whole_items(text).map(|text| serde_json::from_str::<Value>(&text).unwrap())
        };
        assert_eq!(
            items(r#"[{"a": "]"}, {"a": [{}]}, {"a""#),
            Some(json!([{"a": "]"}, {"a": [{}]}]))
        );
        assert_eq!(
            items(r#"{"count": 2, "results": [{"a": 1}, {"b"#),
            Some(json!({"count": 2, "results": [{"a": 1}]}))
        );
        assert_eq!(items(r#"{"id": 1, "variables": {"#), None);
    }

    proptest! {
        #[test]
        fn valid_json_is_not_changed(value in any_json()) {
            let text = value.to_string();
            prop_assert_eq!(repair(&text), text);
        }

        #[test]
        fn no_text_is_too_odd(text in ".*") {
            let repaired = repair(&text);
            // Two words side by side become one, but what is JSON after a repair needs no other.
            if serde_json::from_str::<Value>(&repaired).is_ok() {
                prop_assert_eq!(repair(&repaired), repaired);
            }
            whole_items(&text);
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[ -~äß\u{1f600}]*".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map("[a-z\"]*", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }
}

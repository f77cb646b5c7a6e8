//! Redaction of secrets that a foreign text may echo: unchanged, in another case, broken by white
//! space, quoted, percent-encoded, or in base64.

use std::ops::Range;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

const REDACTED: &str = "[REDACTED]";
/// Length from which a secret is found in every form. A shorter one is a placeholder, whose parts
/// occur everywhere, so only the unchanged text is redacted.
const MIN_LENGTH: usize = 8;

/// Returns the text without the secrets, in any of these forms. Since a text may be cut off, the
/// beginning of a secret at its end is redacted too.
pub(crate) fn redact(text: &str, secrets: [&str; 2]) -> String {
    let read = Reading::of(text);
    let unescaped = read.unescaped();
    // All readings: `%5f` may be an encoded character, or a percent sign and part of a secret.
    let readings = [read.percent_decoded(), unescaped.percent_decoded(), unescaped, read];
    let mut found: Vec<_> =
        secrets.into_iter().flat_map(|secret| text.match_indices(secret)).map(range).collect();
    for secret in secrets
        .map(|secret| Reading::of(secret).bytes)
        .into_iter()
        .filter(|secret| secret.len() >= MIN_LENGTH)
    {
        let encoded: Vec<_> =
            [0, 1, 2].into_iter().flat_map(|before| in_base64(&secret, before)).collect();
        for read in &readings {
            found.extend(read.find(&secret, u8::eq_ignore_ascii_case));
            found.extend(encoded.iter().flat_map(|encoded| read.find(encoded, u8::eq)));
        }
    }
    found.sort_by_key(|range| range.start);
    let (mut kept, mut end) = (String::with_capacity(text.len()), 0);
    for range in found {
        if range.start >= end {
            kept.push_str(&text[end..range.start]);
            kept.push_str(REDACTED);
        }
        end = end.max(range.end);
    }
    kept + &text[end..]
}

fn range((start, found): (usize, &str)) -> Range<usize> {
    start..start + found.len()
}

/// A text without its white space, and the place of each byte in the original text.
struct Reading {
    bytes: Vec<u8>,
    places: Vec<Range<usize>>,
}

impl Reading {
    fn of(text: &str) -> Self {
        let (bytes, places) = text
            .char_indices()
            .filter(|(_, character)| !character.is_whitespace() && !character.is_control())
            .map(|(start, character)| start..start + character.len_utf8())
            .flat_map(|place| {
                text.as_bytes()[place.clone()].iter().map(move |byte| (*byte, place.clone()))
            })
            .unzip();
        Self { bytes, places }
    }

    /// Returns a quoted text without its backslashes and the white space that they encode.
    fn unescaped(&self) -> Self {
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        let mut at = 0;
        while let Some(byte) = self.bytes.get(at) {
            if *byte == b'\\' {
                at +=
                    if matches!(self.bytes.get(at + 1), Some(b'n' | b'r' | b't')) { 2 } else { 1 };
                continue;
            }
            bytes.push(*byte);
            places.push(self.places[at].clone());
            at += 1;
        }
        Self { bytes, places }
    }

    fn percent_decoded(&self) -> Self {
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        let mut at = 0;
        while let Some(byte) = self.bytes.get(at) {
            let code = self
                .bytes
                .get(at + 1..at + 3)
                .filter(|code| *byte == b'%' && code.iter().all(u8::is_ascii_hexdigit));
            let length = if code.is_some() { 3 } else { 1 };
            bytes.push(code.map_or(*byte, |code| hex(code[0]) << 4 | hex(code[1])));
            places.push(self.places[at].start..self.places[at + length - 1].end);
            at += length;
        }
        Self { bytes, places }
    }

    /// Returns the places of a secret, also when the text ends after [`MIN_LENGTH`] or more of its
    /// bytes.
    fn find(&self, secret: &[u8], same: impl Fn(&u8, &u8) -> bool) -> Vec<Range<usize>> {
        let is_at = |start: &usize| {
            let here = &self.bytes[*start..];
            here.len() >= MIN_LENGTH && here.iter().zip(secret).all(|(one, other)| same(one, other))
        };
        let starts = (0..self.bytes.len()).filter(is_at);
        let end = |start: usize| self.places[(start + secret.len()).min(self.bytes.len()) - 1].end;
        starts.map(|start| self.places[start].start..end(start)).collect()
    }
}

fn hex(digit: u8) -> u8 {
    char::from(digit).to_digit(16).unwrap_or_default() as u8
}

/// Returns the base64 characters of a longer text that depend on the secret alone, when `before`
/// bytes (modulo 3) precede it.
fn in_base64(secret: &[u8], before: usize) -> [Vec<u8>; 2] {
    let padded = [&[0; 2][..before], secret].concat();
    let own = (before * 8).div_ceil(6)..padded.len() * 8 / 6;
    let cut = |text: String| text.as_bytes()[own.clone()].to_vec();
    [cut(STANDARD_NO_PAD.encode(&padded)), cut(URL_SAFE_NO_PAD.encode(&padded))]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "5f3a-C9e7/41b0+2d68";

    fn redacted(text: &str) -> String {
        redact(text, ["account-7", KEY])
    }

    #[test]
    fn a_secret_is_found_in_every_form() {
        let percent: String = KEY.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let broken: String = KEY.chars().map(|character| format!("{character}\n\t ")).collect();
        for form in [KEY, &KEY.to_uppercase(), &KEY.to_lowercase(), &percent, broken.trim_end()] {
            assert_eq!(
                redacted(&format!("key `{form}` is wrong")),
                "key `[REDACTED]` is wrong",
                "{form}"
            );
        }
        assert_eq!(redacted("ACCOUNT-7 and account-7"), "[REDACTED] and [REDACTED]");
        let broken = broken.trim_end();
        assert_eq!(redacted(&format!("100 %{broken}")), "100 %[REDACTED]");
        assert_eq!(redacted(&format!("{:?}", format!("key {broken}"))), "\"key [REDACTED]\"");
        assert_eq!(redacted(&KEY.replace('/', "\\/")), "[REDACTED]");
    }

    #[test]
    fn a_secret_is_found_in_base64_of_a_longer_text() {
        for before in ["", "a", "ab", "abc"] {
            for after in ["", "z", "zz", "zzz"] {
                let text = format!("{before}{KEY}{after}");
                for encoded in [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                    let left = redacted(&encoded);
                    assert!(left.contains(REDACTED) && left.len() < REDACTED.len() + 10, "{left}");
                }
            }
        }
    }

    #[test]
    fn the_beginning_of_a_secret_at_the_end_of_a_text_is_redacted() {
        assert_eq!(redacted(&format!("your key {}", &KEY[..12])), "your key [REDACTED]");
        // Too short to tell from any other word.
        assert_eq!(redacted(&format!("your key {}", &KEY[..7])), "your key 5f3a-C9");
    }

    #[test]
    fn other_text_stays_unchanged() {
        for text in ["", "100 % of ä, %zz, %4", "the key is wrong", "%", "a b\nc"] {
            assert_eq!(redacted(text), text);
        }
        assert_eq!(redact("API key", ["id", "key"]), "API [REDACTED]");
        assert_eq!(redact("K E Y", ["id", "key"]), "K E Y");
    }
}

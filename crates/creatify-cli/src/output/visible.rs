//! Text of others made safe to print: control and bidirectional characters become visible.

use std::borrow::Cow;

/// Returns a text in which every character that a terminal would obey is written as an escape, such
/// as `\n` or `\u{1b}`. The result is one line.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_hidden(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown.into()
}

/// Returns a JSON document with such characters as JSON escapes, so that its values stay the same.
/// The line breaks between values stay.
pub(super) fn visible_json(document: &str) -> Cow<'_, str> {
    let is_hidden = |character| character != '\n' && is_hidden(character);
    if !document.chars().any(is_hidden) {
        return document.into();
    }
    let mut shown = String::with_capacity(document.len() + 8);
    for character in document.chars() {
        if is_hidden(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(character);
        }
    }
    shown.into()
}

/// Returns a JSON document for a text, made visible like one that is printed by itself.
pub(crate) fn visible_lines(document: &str) -> Cow<'_, str> {
    visible_json(document)
}

/// Returns a CSV cell: quoted if need be, and never read as a formula by a spreadsheet.
pub(crate) fn csv_cell(text: &str) -> String {
    let mut cell = visible(text).into_owned();
    let first = text.trim_start_matches(' ').chars().next();
    if matches!(first, Some('=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠')) {
        cell.insert(0, '\'');
    }
    if cell.contains([',', '"', ';', '\'']) {
        cell = format!("\"{}\"", cell.replace('"', "\"\""));
    }
    cell
}

/// Returns whether a character moves the cursor, changes the direction of the text, or breaks the
/// line.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_bidirectional_characters_become_visible() {
        assert_eq!(visible("Summer sale, 40 °, 夏"), "Summer sale, 40 °, 夏");
        assert_eq!(
            visible("a\x1b[2K\r\nb\u{9b}c\u{202e}d"),
            "a\\u{1b}[2K\\r\\nb\\u{9b}c\\u{202e}d"
        );
    }

    #[test]
    fn json_keeps_its_values() {
        let document = serde_json::to_string_pretty(&["a\u{9b}\u{202e}\u{e0041}", "b\n"]).unwrap();
        let shown = visible_json(&document);
        assert!(shown.is_ascii(), "{shown}");
        assert_eq!(
            serde_json::from_str::<Vec<String>>(&shown).unwrap(),
            ["a\u{9b}\u{202e}\u{e0041}", "b\n"]
        );
    }

    #[test]
    fn a_cell_is_never_a_formula() {
        assert_eq!(csv_cell("standard"), "standard");
        assert_eq!(csv_cell("a \"b\", c"), "\"a \"\"b\"\", c\"");
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1"] {
            assert!(csv_cell(formula).starts_with("\"'"), "{formula:?}");
        }
    }
}

//! Words of command lines that are shown to be copied.

use std::borrow::Cow;

/// Returns a text as one word of a POSIX shell.
pub(crate) fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || "_-./:@%+=,".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.into()
    } else {
        format!("'{}'", text.replace('\'', r"'\''")).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_only_if_a_shell_would_change_it() {
        assert_eq!(shell_word("spring/sku-4711/de"), "spring/sku-4711/de");
        assert_eq!(shell_word("summer sale"), "'summer sale'");
        assert_eq!(shell_word("it's $5"), r"'it'\''s $5'");
        assert_eq!(shell_word("ä"), "'ä'");
    }
}

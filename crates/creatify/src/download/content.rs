//! Contents of a file: a video, or something else that came instead. No I/O.

use infer::MatcherType;

use crate::job::Goal;

/// Number of first bytes that a decision needs.
pub(super) const HEAD_BYTES: usize = 512;

/// Types that say no more than that there are bytes.
const UNSPECIFIC_TYPES: [&str; 5] = [
    "",
    "application/octet-stream",
    "binary/octet-stream",
    "application/force-download",
    "application/x-download",
];

/// Refuses what is not the output: an empty file, and for a video everything that is none by its
/// first bytes, or by its declared type when these say nothing.
///
/// # Errors
///
/// Says what came instead.
pub(super) fn check(goal: Goal, content_type: Option<&str>, head: &[u8]) -> Result<(), String> {
    if head.is_empty() {
        return Err("the storage sent an empty file".to_owned());
    }
    if goal == Goal::Preview {
        return Ok(());
    }
    let instead = |what: &str| Err(format!("the storage sent {what} instead of a video"));
    if is_mp4(head) {
        return Ok(());
    }
    match infer::get(head).map(|kind| (kind.matcher_type(), kind.mime_type())) {
        Some((MatcherType::Video, _)) => return Ok(()),
        Some((MatcherType::Text, _)) => return instead("a web page or XML"),
        Some((_, mime)) => return instead(mime),
        None => {}
    }
    match first_character(head) {
        Some(b'<') => return instead("a web page or XML"),
        Some(b'{' | b'[') => return instead("JSON"),
        _ => {}
    }
    let declared = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    let declared = declared.trim().to_ascii_lowercase();
    let is_unspecific = UNSPECIFIC_TYPES.contains(&declared.as_str());
    if is_unspecific && is_sentence(head) {
        return instead("text");
    }
    if is_unspecific || declared.starts_with("video/") || declared == "application/mp4" {
        return Ok(());
    }
    instead(&crate::http::error_response::shortened(&declared))
}

/// Returns whether a file is an MP4, of whichever brand.
pub(super) fn is_mp4(head: &[u8]) -> bool {
    const OTHER_BRANDS: [&[u8]; 6] = [b"heic", b"heix", b"mif1", b"avif", b"avis", b"crx "];
    head.get(4..8) == Some(b"ftyp")
        && !OTHER_BRANDS.iter().any(|brand| head.get(8..12) == Some(*brand))
}

/// Returns the first character behind byte-order marks and white space, in UTF-8 or UTF-16.
fn first_character(head: &[u8]) -> Option<u8> {
    let is_mark = |byte: u8| matches!(byte, 0xef | 0xbb | 0xbf | 0xfe | 0xff | 0);
    head.iter().copied().find(|byte| !byte.is_ascii_whitespace() && !is_mark(*byte))
}

/// Returns whether a head is several words of text. One word alone says little.
fn is_sentence(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The head may end within a character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    let is_text = |character: char| !character.is_control() || character.is_whitespace();
    text.chars().all(is_text) && text.split_whitespace().nth(1).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MP4: &[u8] = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41";
    const WEBM: &[u8] = b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f\x42\x82\x84webm";

    fn is_taken(content_type: &str, head: &[u8]) -> bool {
        let content_type = Some(content_type).filter(|text| !text.is_empty());
        check(Goal::Video, content_type, head).is_ok()
    }

    #[test]
    fn a_video_is_taken_by_its_first_bytes() {
        let webm = [WEBM, &[0; HEAD_BYTES - WEBM.len()]].concat();
        for content_type in ["video/mp4", "", "application/octet-stream", "text/plain"] {
            assert!(is_taken(content_type, MP4), "{content_type}");
            assert!(is_taken(content_type, &webm), "{content_type}");
        }
    }

    #[test]
    fn unknown_bytes_are_taken_by_their_declared_type() {
        for content_type in [
            "",
            "video/mp4",
            "Video/MP4; codecs=avc1",
            "application/octet-stream",
            "Binary/Octet-Stream",
        ] {
            assert!(is_taken(content_type, b"video"), "{content_type}");
            assert!(is_taken(content_type, &[7; HEAD_BYTES]), "{content_type}");
        }
        for content_type in [
            "Text/HTML",
            "text/plain; charset=utf-8",
            "application/json",
            "application/xml",
            "image/svg+xml",
            "application/problem+json",
            "audio/mpeg",
        ] {
            assert!(!is_taken(content_type, b"video"), "{content_type}");
        }
    }

    #[test]
    fn other_documents_are_refused_whatever_they_are_declared_as() {
        let utf16: Vec<u8> = "\u{feff}<html>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for head in [
            &b"<!doctype html><html>"[..],
            b"\xef\xbb\xbf\r\n <Error><Code>SlowDown</Code></Error>",
            b"<?xml version=\"1.0\"?>",
            b"{\"detail\": \"Not found.\"}",
            b"  [1, 2]",
            &utf16,
            b"\x1f\x8b\x08\0\0\0\0\0",
            b"PK\x03\x04\x14\0",
            b"%PDF-1.7\n",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            b"\xff\xd8\xff\xe0\0\x10JFIF",
            b"",
        ] {
            for content_type in ["video/mp4", "application/octet-stream", ""] {
                assert!(!is_taken(content_type, head), "{head:?} as {content_type}");
            }
        }
        assert!(!is_taken("application/octet-stream", b"Access denied"));
        assert!(!is_taken("", "Zugriff verweigert f\u{fc}r".as_bytes()));
    }

    #[test]
    fn a_preview_is_any_page_that_is_not_empty() {
        assert!(check(Goal::Preview, Some("text/html"), b"<html>").is_ok());
        assert!(check(Goal::Preview, None, b"").is_err());
    }
}

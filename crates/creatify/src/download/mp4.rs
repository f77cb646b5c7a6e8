//! Boxes of an MP4, which tell whether its end is missing when the storage does not say its length.

use std::io::{self, Read, Seek, SeekFrom};

/// More boxes than any real video has at its top.
const MAX_BOXES: usize = 100_000;

/// Returns whether an MP4 of this length ends early: within a box, or before its index or its media
/// data.
///
/// Files of other kinds never do, as far as is known here.
pub(super) fn ends_early(file: &mut (impl Read + Seek), length: u64) -> io::Result<bool> {
    let mut at = 0;
    let (mut has_index, mut has_data) = (false, false);
    for number in 0..MAX_BOXES {
        if at == length {
            return Ok(!(has_index && has_data));
        }
        // The shortest box is its own head, of 8 bytes.
        if length.saturating_sub(at) < 8 {
            return Ok(number > 0);
        }
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 8];
        file.read_exact(&mut head)?;
        let [a, b, c, d, kind @ ..] = head;
        if number == 0 && kind != *b"ftyp" {
            return Ok(false);
        }
        has_index |= matches!(&kind, b"moov" | b"moof");
        has_data |= kind == *b"mdat";
        let size = match u32::from_be_bytes([a, b, c, d]) {
            0 => length - at, // to the end of the file
            1 if length - at < 16 => return Ok(true),
            1 => {
                let mut size = [0; 8];
                file.read_exact(&mut size)?;
                u64::from_be_bytes(size)
            }
            size => size.into(),
        };
        if size < 8 {
            return Ok(false); // not a box; nothing can be said
        }
        at = at.saturating_add(size);
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn of(boxes: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut file = Vec::new();
        for (kind, content) in boxes {
            file.extend(u32::try_from(8 + content.len()).unwrap().to_be_bytes());
            file.extend(*kind);
            file.extend(*content);
        }
        file
    }

    fn is_cut(file: &[u8]) -> bool {
        ends_early(&mut Cursor::new(file), file.len() as u64).unwrap()
    }

    #[test]
    fn a_cut_anywhere_is_noticed() {
        for order in [[b"moov", b"mdat"], [b"mdat", b"moov"]] {
            let file = of(&[(b"ftyp", b"isom"), (order[0], &[1; 30]), (order[1], &[2; 50])]);
            assert!(!is_cut(&file));
            // Shorter than the first head it is not recognised.
            for length in 8..file.len() {
                assert!(is_cut(&file[..length]), "{length} of {}", file.len());
            }
        }
    }

    #[test]
    fn large_and_open_boxes_are_understood() {
        let mut large = of(&[(b"ftyp", b"isom"), (b"moov", b"index")]);
        large.extend(1_u32.to_be_bytes());
        large.extend(b"mdat");
        large.extend(20_u64.to_be_bytes());
        assert!(is_cut(&large));
        large.extend(b"tail");
        assert!(!is_cut(&large));
        let mut open = of(&[(b"ftyp", b"isom"), (b"moov", b"index")]);
        open.extend(b"\0\0\0\0mdatany length");
        assert!(!is_cut(&open));
    }

    #[test]
    fn other_files_are_left_alone() {
        assert!(!is_cut(&[7; 100]));
        assert!(!is_cut(b"abc"));
        assert!(!is_cut(b"\x1a\x45\xdf\xa3 a webm"));
        let garbage = [of(&[(b"ftyp", b"isom")]), b"\0\0\0\x03junkjunk".to_vec()].concat();
        assert!(!is_cut(&garbage));
    }
}

//! What is wrong with a file that should be one element of DER (X.690), by how it begins and ends: said in plain
//! words, where a parser of its contents can only say that they aren't as they should be.

/// What the outermost tag of all that is read here is: SEQUENCE.
const SEQUENCE: u8 = 0x30;

/// Why this isn't one whole SEQUENCE, if it isn't.
#[must_use]
pub fn flaw(file: &[u8]) -> Option<String> {
    match file {
        [] => Some("the file is empty".into()),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16 text, but PEM is ASCII".into()),
        [SEQUENCE, 0x80, ..] => Some("BER of indefinite length, but DER is required".into()),
        [SEQUENCE, rest @ ..] => of_length(rest, file.len()),
        _ if file.iter().all(|c| is_text(*c)) => {
            Some("text without PEM in it (no -----BEGIN …-----)".into())
        }
        _ => Some("neither PEM nor DER".into()),
    }
}

fn is_text(c: u8) -> bool {
    c.is_ascii_graphic() || c.is_ascii_whitespace()
}

/// By the length, which follows the tag (8.1.3).
fn of_length(after_tag: &[u8], there: usize) -> Option<String> {
    let (first, rest) = after_tag.split_first()?;
    let octets = match first & 0x80 {
        0 => 0,
        _ => usize::from(first & 0x7f),
    };
    let length = match octets {
        0 => usize::from(*first),
        1..=4 => {
            let octets = rest.get(..octets)?;
            octets
                .iter()
                .fold(0, |length, c| (length << 8) | usize::from(*c))
        }
        _ => return Some("neither PEM nor DER".into()),
    };
    let whole = length.checked_add(2 + octets)?;
    if there < whole {
        return Some(format!("cut off: {there} bytes of {whole}"));
    }
    (there > whole).then(|| format!("{there} bytes, of which its DER is {whole}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_sequence_has_no_flaw() {
        assert_eq!(flaw(&[0x30, 0]), None);
        assert_eq!(flaw(&[0x30, 2, 5, 0]), None);
        assert_eq!(flaw(&[&[0x30, 0x81, 200][..], &[0; 200]].concat()), None);
    }

    #[test]
    fn each_flaw_is_told_as_what_it_is() {
        let long = [&[0x30, 0x82, 1, 0][..], &[0; 256]].concat();
        for (file, word) in [
            (&b""[..], "empty"),
            (b"\xff\xfe-\0-\0", "UTF-16"),
            (b"MIIB\n", "without PEM"),
            (b"\x30\x80\x06\x09", "indefinite"),
            (b"MZ\x90\0", "neither"),
            (&[0x30, 0x89, 1], "neither"),
            (&[0x30, 3, 5, 0], "cut off: 4 bytes of 5"),
            (&long[..100], "cut off: 100 bytes of 260"),
            (
                &[&long[..], b"\n"].concat(),
                "261 bytes, of which its DER is 260",
            ),
        ] {
            let told = flaw(file).unwrap();
            assert!(told.contains(word), "{told}");
        }
    }
}

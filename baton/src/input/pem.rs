//! PEM as it is found (RFC 7468, and what came before it): lines of any length and with any ends, headers
//! as in encrypted keys, and any text around the blocks.

use crate::failure::input::PemError;
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
/// How long a decoder that keeps to RFC 7468 wants the lines (section 2).
const WIDTH: usize = 64;

/// A block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What it says it is, as in "CERTIFICATE".
    pub label: String,
    /// What is in it. Of an encrypted key that isn't DER. It may be a key, and is wiped.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Its headers say that it is encrypted (RFC 1421, 4.6.1.1).
    pub encrypted: bool,
}

/// Whether there is a block in a file.
#[must_use]
pub fn is_pem(file: &[u8]) -> bool {
    file.windows(BEGIN.len())
        .any(|window| window == BEGIN.as_bytes())
}

/// The blocks of a file, in order.
///
/// # Errors
/// When a block doesn't end, or isn't base64.
pub fn blocks(file: &[u8]) -> Result<Vec<Block>, PemError> {
    // Text around the blocks may be in any encoding.
    let text = Zeroizing::new(String::from_utf8_lossy(file).into_owned());
    let mut blocks = Vec::new();
    let mut rest = &text[..];
    while let Some((_, block)) = rest.split_once(BEGIN) {
        let (label, body) = block.split_once(DASHES).ok_or(PemError::NoEnd)?;
        let (body, after) = body
            .split_once(&format!("{END}{label}{DASHES}"))
            .ok_or(PemError::NoEnd)?;
        blocks.push(decode(label, body)?);
        rest = after;
    }
    Ok(blocks)
}

fn decode(label: &str, body: &str) -> Result<Block, PemError> {
    // Header lines come first, and a line that is empty ends them.
    let (headers, base64) = match body.trim_start().lines().next() {
        Some(first) if first.contains(':') => {
            let body = body.trim_start();
            let empty = body.find("\n\n").or_else(|| body.find("\r\n\r\n"));
            body.split_at(empty.unwrap_or(body.len()))
        }
        _ => ("", body),
    };
    // As long as they can be from the start: what grows leaves copies behind.
    let mut digits = Zeroizing::new(Vec::with_capacity(base64.len()));
    digits.extend(base64.bytes().filter(|b| !b.is_ascii_whitespace()));
    if digits.is_empty() {
        return Err(PemError::Empty);
    }
    let ends = 2 * (BEGIN.len() + label.len() + DASHES.len() + 1);
    let length = digits.len() + digits.len().div_ceil(WIDTH) + ends;
    let mut strict = Zeroizing::new(Vec::with_capacity(length));
    strict.extend(format!("{BEGIN}{label}{DASHES}\n").bytes());
    for line in digits.chunks(WIDTH) {
        strict.extend(line);
        strict.push(b'\n');
    }
    strict.extend(format!("{END}{label}{DASHES}\n").bytes());
    let (_, bytes) = pem_rfc7468::decode_vec(&strict).map_err(PemError::Broken)?;
    Ok(Block {
        label: label.to_owned(),
        bytes: Zeroizing::new(bytes),
        encrypted: headers.contains("ENCRYPTED"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &[u8]) -> Vec<(String, Vec<u8>)> {
        let blocks = blocks(text).unwrap();
        blocks
            .into_iter()
            .map(|b| (b.label, b.bytes.to_vec()))
            .collect()
    }

    fn a(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
        vec![("A".to_owned(), bytes.to_vec())]
    }

    #[test]
    fn blocks_are_found_among_other_text() {
        let two = b"M\xfcller\n-----BEGIN A-----\nAAEC\n-----END A-----\nmore\n-----BEGIN B C-----\n/w==\n-----END B C-----\n";
        assert!(is_pem(two) && !is_pem(b"-----BEGIN"));
        let expected = [
            ("A".to_owned(), vec![0, 1, 2]),
            ("B C".to_owned(), vec![0xff]),
        ];
        assert_eq!(labels(two), expected);
        assert!(labels(b"no block").is_empty());
    }

    #[test]
    fn lines_may_have_any_length_and_any_ends() {
        let bytes: Vec<u8> = (0..200).collect();
        let strict = pem_rfc7468::encode_string("A", pem_rfc7468::LineEnding::LF, &bytes).unwrap();
        let digits: String = strict.lines().filter(|l| !l.starts_with('-')).collect();
        for width in [1, 4, 63, 64, 65, 76, 1000] {
            for end in ["\n", "\r\n", "\r", " \n", "\n\n"] {
                let lines = digits.as_bytes().chunks(width);
                let lines: Vec<_> = lines.map(|l| std::str::from_utf8(l).unwrap()).collect();
                let text = format!(
                    "-----BEGIN A-----{end}{}{end}-----END A-----",
                    lines.join(end)
                );
                assert_eq!(labels(text.as_bytes()), a(&bytes), "{width} {end:?}");
            }
        }
    }

    #[test]
    fn headers_are_no_part_of_it() {
        for end in ["\n", "\r\n"] {
            let text = [
                "-----BEGIN A-----",
                "Proc-Type: 4,ENCRYPTED",
                "DEK-Info: AES,00",
                "",
                "AAEC",
                "-----END A-----",
            ];
            let blocks = blocks(text.join(end).as_bytes()).unwrap();
            assert_eq!(
                (&blocks[0].bytes[..], blocks[0].encrypted),
                (&[0, 1, 2][..], true)
            );
        }
    }

    #[test]
    fn a_block_that_does_not_end_or_is_no_base64_is_refused() {
        for text in [
            "-----BEGIN A-----\nAAEC\n",
            "-----BEGIN A-----\nAAEC\n-----END B-----\n",
            "-----BEGIN A",
            "-----BEGIN A-----\nAA*C\n-----END A-----\n",
            "-----BEGIN A-----\nAAE\n-----END A-----\n",
            "-----BEGIN A-----\n-----END A-----\n",
        ] {
            assert!(blocks(text.as_bytes()).is_err(), "{text}");
        }
        let whole = "-----BEGIN A-----\nAAEC\n-----END A-----";
        for len in BEGIN.len()..whole.len() {
            assert!(blocks(&whole.as_bytes()[..len]).is_err(), "{len}");
        }
    }
}

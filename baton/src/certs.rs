//! Reading certificates from files, PEM or DER.

use crate::failure::{Failure, Result};
use crate::read;
use baton_verify::Certificate;
use std::path::Path;

/// A certificate's DER bytes, known to parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFile {
    /// Exactly one certificate.
    pub der: Vec<u8>,
}

/// Every certificate of a file: one in DER, or one or more in PEM.
///
/// # Errors
/// When the file can't be read, holds none, or holds something else.
pub fn read(path: &Path) -> Result<Vec<CertificateFile>> {
    let bytes = read::given(path)?;
    parse(&bytes).map_err(|why| {
        Failure::failed(format!(
            "{}: {why}; give an X.509 certificate in PEM or DER",
            path.display()
        ))
    })
}

/// As [`read`], of a file's bytes.
///
/// # Errors
/// Says what is wrong.
pub fn parse(bytes: &[u8]) -> std::result::Result<Vec<CertificateFile>, String> {
    let ders = match std::str::from_utf8(bytes) {
        Ok(text) if text.contains("-----BEGIN ") => pem_blocks(text)?
            .into_iter()
            .map(|(label, der)| match label.as_str() {
                "CERTIFICATE" => Ok(der),
                other => Err(format!("it holds a {other}, not only certificates")),
            })
            .collect::<std::result::Result<_, _>>()?,
        _ => vec![bytes.to_vec()],
    };
    for der in &ders {
        Certificate::parse(der).map_err(|e| format!("not a certificate: {e}"))?;
    }
    Ok(ders
        .into_iter()
        .map(|der| CertificateFile { der })
        .collect())
}

/// The blocks of a PEM file as (label, bytes); text between blocks is left out, as RFC 7468 §2 allows.
///
/// # Errors
/// When a block doesn't end or isn't base64.
pub fn pem_blocks(text: &str) -> std::result::Result<Vec<(String, Vec<u8>)>, String> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("-----BEGIN ") {
        let block = rest.get(start..).unwrap_or_default();
        let end = block.find("-----END ").ok_or("a PEM block doesn't end")?;
        let tail = block.get(end + 9..).unwrap_or_default();
        let close = tail.find("-----").ok_or("a PEM block doesn't end")?;
        let (block, after) = block.split_at(end + 9 + close + 5);
        let (label, der) =
            pem_rfc7468::decode_vec(block.as_bytes()).map_err(|e| format!("broken PEM: {e}"))?;
        blocks.push((label.to_owned(), der));
        rest = after;
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "text\n-----BEGIN A-----\nAAEC\n-----END A-----\nmore\n-----BEGIN B C-----\n/w==\n-----END B C-----\n";

    #[test]
    fn blocks_are_found_among_other_text() {
        assert_eq!(
            pem_blocks(TWO).unwrap(),
            [
                ("A".to_owned(), vec![0, 1, 2]),
                ("B C".to_owned(), vec![0xff])
            ]
        );
    }

    #[test]
    fn a_block_that_does_not_end_is_refused() {
        assert!(pem_blocks("-----BEGIN A-----\nAAEC\n").is_err());
        assert!(pem_blocks("-----BEGIN A-----\nAA*C\n-----END A-----\n").is_err());
    }

    #[test]
    fn a_key_is_not_a_certificate() {
        let why = parse(TWO.as_bytes()).unwrap_err();
        assert!(why.contains("holds a A"), "{why}");
        assert!(parse(b"garbage").is_err());
        assert!(parse(b"").is_err());
    }
}

//! Reading certificates from files, PEM or DER.

use crate::failure::{Failure, Result};
use crate::keystore::Keystore;
use crate::pem::{self, Block};
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
        let message = format!(
            "{}: {why}; give an X.509 certificate in PEM or DER",
            path.display()
        );
        Failure::malformed("bad-certificate", message)
    })
}

/// As [`read`], of a file's bytes.
///
/// # Errors
/// Says what is wrong.
pub fn parse(bytes: &[u8]) -> std::result::Result<Vec<CertificateFile>, String> {
    let ders = match pem::is_pem(bytes) {
        true => of_pem(pem::blocks(bytes)?)?,
        false => vec![bytes.to_vec()],
    };
    for der in &ders {
        Certificate::parse(der).map_err(|e| match Keystore::of(der) {
            Some(other) => format!("not a certificate, but {}", other.for_certificate()),
            None => format!("not a certificate: {e}"),
        })?;
    }
    Ok(ders
        .into_iter()
        .map(|der| CertificateFile { der })
        .collect())
}

fn of_pem(blocks: Vec<Block>) -> std::result::Result<Vec<Vec<u8>>, String> {
    let ders = blocks.into_iter().map(|block| match &block.label[..] {
        "CERTIFICATE" | "X509 CERTIFICATE" => Ok(block.bytes.to_vec()),
        // What openssl adds about its purpose follows the certificate.
        "TRUSTED CERTIFICATE" => Err(
            "it holds a TRUSTED CERTIFICATE, as openssl alone has them (make one of it that all read with `openssl x509 -in FILE -out cert.pem`)"
                .to_owned(),
        ),
        other => Err(format!("it holds a {other}, not only certificates")),
    });
    ders.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_a_certificate() {
        let key = b"-----BEGIN A-----\nAAEC\n-----END A-----\n";
        let why = parse(key).unwrap_err();
        assert!(why.contains("holds a A"), "{why}");
        assert!(parse(b"garbage").is_err());
        assert!(parse(b"").is_err());
    }
}

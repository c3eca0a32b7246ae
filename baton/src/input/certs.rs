//! Reading certificates from files, PEM or DER.

use crate::failure::Result;
use crate::failure::input::InputError;
use crate::input::form;
use crate::input::keystore::{Keystore, inside_sequence};
use crate::input::pem::{self, Block};
use crate::input::read;
use baton_verify::Certificate;
use std::path::Path;

/// Every certificate of a file, in DER and known to parse: the file is one in DER, or holds one or more in PEM.
///
/// # Errors
/// When the file can't be read, holds none, or holds something else.
pub fn read(path: &Path) -> Result<Vec<Vec<u8>>> {
    let bytes = read::given(path)?;
    Ok(parse(&bytes).map_err(|why| malformed(path, why))?)
}

/// That what is in the file isn't a certificate.
pub fn malformed(path: &Path, why: String) -> InputError {
    InputError::Certificate {
        path: path.to_owned(),
        why,
    }
}

/// Why nothing that its key signs is accepted, whoever trusts it.
#[must_use]
pub fn unusable(certificate: &Certificate<'_>) -> Option<String> {
    match certificate.unusable_key() {
        Some(problem) => Some(problem.to_string()),
        None => certificate.is_for_modules().then(|| {
            "the key is for modules only, as the certificate's extended key usage says".to_owned()
        }),
    }
}

/// As [`read()`], of a file's bytes.
///
/// # Errors
/// Says what is wrong.
pub fn parse(bytes: &[u8]) -> std::result::Result<Vec<Vec<u8>>, String> {
    let ders = if pem::is_pem(bytes) {
        of_pem(pem::blocks(bytes).map_err(|e| e.to_string())?)?
    } else {
        vec![bytes.to_vec()]
    };
    for der in &ders {
        Certificate::parse(der).map_err(|e| no_certificate(der, &e.to_string()))?;
    }
    Ok(ders)
}

/// What it is instead, or what is wrong with it.
fn no_certificate(der: &[u8], why: &str) -> String {
    if let Some(other) = Keystore::of(der) {
        return format!("not a certificate, but {}", other.for_certificate());
    }
    if let Some(flaw) = form::flaw(der) {
        return format!("not a certificate: {flaw}");
    }
    match other_der(der) {
        Some(other) => format!("not a certificate, but {other}"),
        None => format!("not a certificate: {why}"),
    }
}

/// What else in DER is at hand where certificates are, by what the outermost SEQUENCE begins with.
fn other_der(der: &[u8]) -> Option<&'static str> {
    // The version of PKCS#8, PKCS#1 and SEC1, and what follows it (RFC 5958, RFC 8017, RFC 5915).
    const KEYS: [&[u8]; 3] = [&[2, 1, 0, 0x30], &[2, 1, 0, 2], &[2, 1, 1, 4]];
    let inner = inside_sequence(der)?;
    if KEYS.iter().any(|begin| inner.starts_with(begin)) {
        return Some("a private key");
    }
    let second = inside_sequence(inner)?;
    match second {
        // CertificationRequestInfo (RFC 2986): its version, and a name.
        [2, 1, 0, 0x30, ..] => Some("a request for a certificate, which a CA has to sign first"),
        // SubjectPublicKeyInfo (RFC 5280, 4.1): AlgorithmIdentifier comes first.
        [6, ..] => Some("a public key alone"),
        _ => None,
    }
}

/// The certificates among the blocks. A key beside its certificate isn't looked at: the kernel's build keeps
/// both in one file (certs/signing_key.pem).
fn of_pem(blocks: Vec<Block>) -> std::result::Result<Vec<Vec<u8>>, String> {
    let mut ders = Vec::new();
    let mut beside = None;
    for block in blocks {
        match &block.label[..] {
            "CERTIFICATE" | "X509 CERTIFICATE" => ders.push(block.bytes.to_vec()),
            label if label.ends_with("PRIVATE KEY") || label == "EC PARAMETERS" => {
                beside = beside.or(Some(block.label));
            }
            // What openssl adds about its purpose follows the certificate.
            "TRUSTED CERTIFICATE" => {
                return Err(
                    "it holds a TRUSTED CERTIFICATE, a format that only openssl uses (convert it with `openssl x509 -in FILE -out cert.pem`)"
                        .into(),
                );
            }
            "PKCS7" | "CMS" => {
                return Err(
                    "it holds PKCS#7 (take the certificates out with `openssl pkcs7 -in FILE -print_certs -out cert.pem`)"
                        .into(),
                );
            }
            other => return Err(format!("it holds a {other}, not only certificates")),
        }
    }
    match beside.filter(|_| ders.is_empty()) {
        Some(label) => Err(format!("it holds a {label}, and no certificate")),
        None => Ok(ders),
    }
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

    #[test]
    fn a_key_alone_is_not_a_certificate_whatever_it_is_in() {
        let pem = b"-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n";
        assert!(parse(pem).unwrap_err().contains("and no certificate"));
        // The first bytes of PKCS#8, PKCS#1 and SEC1, of a request and of a public key.
        for (der, expected) in [
            (&[0x30, 5, 2, 1, 0, 0x30, 0][..], "a private key"),
            (&[0x30, 6, 2, 1, 0, 2, 1, 9], "a private key"),
            (&[0x30, 5, 2, 1, 1, 4, 0], "a private key"),
            (&[0x30, 7, 0x30, 5, 2, 1, 0, 0x30, 0], "a request"),
            (&[0x30, 6, 0x30, 4, 6, 2, 1, 1], "a public key"),
            (&[0x30, 0], "isn't strict DER"),
        ] {
            let why = parse(der).unwrap_err();
            assert!(why.contains(expected), "{why}");
        }
    }
}

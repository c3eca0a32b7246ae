//! Detached signatures in files: beside what they are about, as `FILE.p7s`, in DER or PEM.

use crate::failure::Result;
use crate::failure::input::InputError;
use crate::input::certs;
use crate::input::form;
use crate::input::pem;
use crate::input::read;
use std::path::{Path, PathBuf};

/// The end of the name of a file that holds the signature of the file without it (RFC 8551, 3.2.1).
pub const SUFFIX: &str = ".p7s";

/// The labels of CMS in PEM: that of RFC 7468, 9, and the older one.
const LABELS: [&str; 2] = ["CMS", "PKCS7"];

/// OBJECT IDENTIFIER 1.2.840.113549.1.7.2, SignedData, which comes near the start of CMS.
const SIGNED_DATA: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02,
];
/// How far in at most: a tag and its length go before.
const SIGNED_DATA_WITHIN: usize = 20;

/// Where the detached signature of a file lies.
#[must_use]
pub fn beside(path: &Path) -> PathBuf {
    with_suffix(path, SUFFIX)
}

/// A name that goes on.
#[must_use]
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The detached signature of a file, in DER; `None` where there is none.
///
/// # Errors
/// When it is there and can't be read, is empty, or isn't CMS by its first bytes.
pub fn read_beside(path: &Path) -> Result<Option<Vec<u8>>> {
    let path = beside(path);
    let found = read::found(&path)?;
    if found.as_ref().is_some_and(Vec::is_empty) {
        let advice = "sign the file again, or remove this";
        return Err(InputError::Empty { path, advice }.into());
    }
    let der = found.map(|file| to_der(file).and_then(signed_data));
    Ok(der
        .transpose()
        .map_err(|why| InputError::Signature { path, why })?)
}

/// What is CMS in DER by its first bytes; what is in it is judged with what it is about.
fn signed_data(der: Vec<u8>) -> std::result::Result<Vec<u8>, String> {
    const MIME: [&[u8]; 2] = [b"MIME-Version:", b"Content-Type:"];
    if MIME.iter().any(|begin| der.starts_with(begin)) {
        return Err(format!("S/MIME, where CMS has to be; {SIGN}"));
    }
    if let Some(flaw) = form::flaw(&der) {
        return Err(format!("not a CMS signature: {flaw}; {SIGN}"));
    }
    if is_signed_data(&der) {
        return Ok(der);
    }
    let what = match certs::parse(&der) {
        Ok(_) => "a certificate",
        Err(_) => "other DER",
    };
    Err(format!("{what}, not a CMS signature; {SIGN}"))
}

const SIGN: &str = "sign with `baton sign`, or `openssl cms -sign -binary -outform DER` without -stream and -nodetach";

/// The DER of a signature in DER or PEM. That it is one isn't judged.
///
/// # Errors
/// When it is PEM, and not of one signature.
pub fn to_der(bytes: Vec<u8>) -> std::result::Result<Vec<u8>, String> {
    if !pem::is_pem(&bytes) {
        return Ok(bytes);
    }
    match &pem::blocks(&bytes).map_err(|e| e.to_string())?[..] {
        [block] if LABELS.contains(&block.label.as_str()) => Ok(block.bytes.to_vec()),
        [block] => Err(format!("it holds a {}, not a CMS signature", block.label)),
        blocks => Err(format!(
            "it holds {} PEM blocks; one CMS signature expected",
            blocks.len()
        )),
    }
}

/// The DER of a file that looks like CMS, in DER or PEM.
#[must_use]
pub fn cms(file: &[u8]) -> Option<Vec<u8>> {
    let der = to_der(file.to_vec()).ok()?;
    is_signed_data(&der).then_some(der)
}

fn is_signed_data(der: &[u8]) -> bool {
    let begin = der.get(..SIGNED_DATA_WITHIN).unwrap_or(der);
    let mut windows = begin.windows(SIGNED_DATA.len());
    windows.any(|window| window == SIGNED_DATA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pem_and_der_come_out_alike() {
        for label in LABELS {
            let pem = format!("-----BEGIN {label}-----\nMAA=\n-----END {label}-----\n");
            assert_eq!(to_der(pem.into_bytes()).unwrap(), [0x30, 0]);
        }
        assert_eq!(to_der(vec![0x30, 0]).unwrap(), [0x30, 0]);
    }

    #[test]
    fn something_else_in_pem_is_refused() {
        let other = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        assert!(to_der(other.into()).unwrap_err().contains("CERTIFICATE"));
        let twice = other.repeat(2).replace("CERTIFICATE", "CMS");
        assert!(to_der(twice.into_bytes()).unwrap_err().contains("2 PEM"));
    }

    #[test]
    fn the_signature_lies_beside_its_file() {
        assert_eq!(
            beside(Path::new("/boot/vmlinux")),
            Path::new("/boot/vmlinux.p7s")
        );
    }
}

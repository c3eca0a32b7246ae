//! A file's report with the signature beside it, and a signature's with what it lies beside.

use super::hashing::Hashing;
use super::report::Report;
use super::signature;
use crate::failure::Result;
use crate::input::p7s;
use crate::input::read;
use crate::kind::Format;
use baton_verify::SignatureKind;
use std::path::Path;

/// Everything that can be said of a file with these bytes.
///
/// # Errors
/// When there is something beside it that is no signature.
pub fn report(path: &Path, bytes: &[u8], hashing: Hashing) -> Result<Report> {
    let mut report = Report::of(bytes, hashing);
    match report.format {
        Format::Signature => compare_with_content(&mut report, path, bytes),
        _ => add_detached(&mut report, path, bytes)?,
    }
    Ok(report)
}

/// The signature that lies beside the file.
fn add_detached(report: &mut Report, path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(der) = p7s::read_beside(path)? {
        let mut signature = signature::of_detached(SignatureKind::Detached, &der, Some(&[bytes]));
        signature.file = Some(p7s::beside(path).display().to_string());
        report.signatures.push(signature);
    }
    Ok(())
}

/// A signature is looked at with what it lies beside.
fn compare_with_content(report: &mut Report, path: &Path, signature: &[u8]) {
    let name = path
        .to_str()
        .and_then(|name| name.strip_suffix(p7s::SUFFIX));
    let content = name.and_then(|name| read::found(Path::new(name)).ok()?);
    if let (Some(content), Some(der)) = (content, p7s::cms(signature)) {
        report.signatures = vec![signature::of_detached(
            SignatureKind::Detached,
            &der,
            Some(&[&content]),
        )];
    }
}

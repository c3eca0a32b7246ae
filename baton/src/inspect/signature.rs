//! What signatures say of themselves. Whether anybody trusts them is `baton verify`'s to judge.

use super::certificate::CertificateInfo;
use crate::output::page::Page;
use baton_formats::pe::{Pe, WIN_CERT_REVISION_2, WIN_CERT_TYPE_PKCS, WinCertificate};
use baton_sys::hex;
use baton_verify::authenticode;
use baton_verify::detached::DetachedSignature;
use baton_verify::{Certificate, HashAlgorithm, SignatureKind, Trust, verify_detached};
use serde::Serialize;

/// A signature, as far as it is shown.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SignatureInfo {
    /// Where it is: the word of [`SignatureKind::code`].
    pub signature_kind: &'static str,
    /// The file it is in, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Why nothing more can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Its hash: `sha256`, `sha384` or `sha512`.
    pub hash: Option<String>,
    /// Whose it claims to be: the subject of the signer's certificate, or what that is named by.
    pub signer: Option<String>,
    /// The digest it is for, in hexadecimal; `None` where it doesn't say.
    pub digest: Option<String>,
    /// Whether it is for these bytes; `None` where that can't be told.
    pub matches: Option<bool>,
    /// What it carries.
    pub certificates: Vec<CertificateInfo>,
}

/// All signatures of a PE image, whose SHA-256 is `digest`; `None`: they aren't compared with anything.
pub fn of_pe(pe: &Pe<'_>, digest: Option<[u8; 32]>) -> Vec<SignatureInfo> {
    let kind = SignatureKind::Authenticode;
    let entries = pe.certificates().map(|entry| match entry {
        Ok(entry) => of_entry(&entry, pe, digest),
        Err(error) => SignatureInfo::malformed(kind, error),
    });
    entries.collect()
}

fn of_entry(entry: &WinCertificate<'_>, pe: &Pe<'_>, digest: Option<[u8; 32]>) -> SignatureInfo {
    let kind = SignatureKind::Authenticode;
    if (entry.revision, entry.kind) != (WIN_CERT_REVISION_2, WIN_CERT_TYPE_PKCS) {
        return SignatureInfo::malformed(kind, "it isn't PKCS#7");
    }
    match authenticode::Signature::parse(entry.data) {
        Ok(signature) => {
            let signed = signature.signed();
            SignatureInfo {
                digest: Some(hex::encode(signature.image_digest())),
                matches: digest.map(|sha256| is_of(&signature, pe, &sha256)),
                ..SignatureInfo::new(
                    kind,
                    signature.hash(),
                    signed.signer().ok(),
                    signed.certificates(),
                )
            }
        }
        Err(error) => SignatureInfo::malformed(kind, error),
    }
}

fn is_of(signature: &authenticode::Signature<'_>, pe: &Pe<'_>, sha256: &[u8; 32]) -> bool {
    match signature.hash() {
        HashAlgorithm::Sha256 => signature.image_digest() == sha256,
        other => signature.image_digest() == other.hash(pe.digest_parts()).as_bytes(),
    }
}

/// A detached signature in DER, and, where they are known, the bytes that it should be of.
pub fn of_detached(kind: SignatureKind, der: &[u8], content: Option<&[&[u8]]>) -> SignatureInfo {
    match DetachedSignature::parse(der) {
        Ok(signature) => SignatureInfo {
            signer: Some(signer(&signature)),
            digest: signature.message_digest().map(hex::encode),
            matches: content.and_then(|content| matches(&signature, der, content)),
            ..SignatureInfo::new(
                kind,
                signature.hash(),
                signature.signer(),
                signature.certificates(),
            )
        },
        Err(error) => SignatureInfo::malformed(kind, error),
    }
}

fn signer(signature: &DetachedSignature<'_>) -> String {
    match signature.signer() {
        Some(certificate) => certificate.subject_name(),
        None => format!("a certificate {}", signature.signer_id()),
    }
}

/// Without attributes only the signer's key can tell.
fn matches(signature: &DetachedSignature<'_>, der: &[u8], content: &[&[u8]]) -> Option<bool> {
    if let Some(digest) = signature.message_digest() {
        let found = signature.hash().hash(content.iter().copied());
        return Some(digest == found.as_bytes());
    }
    let trust = Trust::new().add_keys(signature.signer()?.as_bytes()).ok()?;
    Some(verify_detached(content.iter().copied(), der, &trust).is_ok())
}

impl SignatureInfo {
    fn new<'s, 'c: 's>(
        kind: SignatureKind,
        hash: HashAlgorithm,
        signer: Option<&Certificate<'c>>,
        certificates: impl Iterator<Item = &'s Certificate<'c>>,
    ) -> SignatureInfo {
        SignatureInfo {
            signature_kind: kind.code(),
            hash: Some(hash.to_string().to_lowercase().replace('-', "")),
            signer: signer.map(Certificate::subject_name),
            certificates: certificates.map(CertificateInfo::of).collect(),
            ..SignatureInfo::default()
        }
    }

    /// One that can't be read, and why.
    pub fn malformed(kind: SignatureKind, problem: impl ToString) -> SignatureInfo {
        SignatureInfo {
            signature_kind: kind.code(),
            problem: Some(problem.to_string()),
            ..SignatureInfo::default()
        }
    }

    /// Prints it under a heading with its number, from 1.
    pub fn show(&self, page: &mut Page, number: usize) {
        let hash = self.hash.as_deref().map(|hash| format!(", {hash}"));
        let file = self.file.as_deref().map(|file| format!(", in {file}"));
        page.heading(format!(
            "signature {number}: {}{}{}",
            self.signature_kind,
            hash.unwrap_or_default(),
            file.unwrap_or_default()
        ));
        page.optional("problem", self.problem.as_ref());
        page.optional("signer", self.signer.as_ref());
        page.optional("digest", self.digest.as_ref());
        if self.problem.is_none() {
            page.field("", self.verdict());
        }
        for (index, certificate) in self.certificates.iter().enumerate() {
            certificate.show(page, if index == 0 { "carries" } else { "" });
        }
    }

    fn verdict(&self) -> &'static str {
        match (self.matches, &self.digest) {
            (Some(true), _) => "is for these bytes",
            (Some(false), _) => "is NOT for these bytes",
            (None, Some(_)) => "the bytes it is for aren't here",
            (None, None) => "only the signer's certificate can tell which bytes it is for",
        }
    }
}

//! What the running kernel's verdict on an image's signature would be.
//!
//! It looks at the first signature alone (pefile_parse_binary), and asks its keyrings by the key
//! identifiers of the certificates in the signature, from the signer's on, and last by the identifier of
//! whoever issued the last of them (pkcs7_validate_trust_one in crypto/asymmetric_keys/pkcs7_trust.c).
//! User space can't read certificates back from the keyrings, only their identifiers; so the keys that are
//! tried here are: certificates of db and shim's list that are in a keyring, and certificates in the
//! signature that are in a keyring or were issued by one that is. With those `baton_verify` judges the
//! signature. The kernel's own verdict stays the one that counts.
//!
//! Two things are refused here that the kernel would accept:
//!
//! - What a key for kernel modules signed. The kernel takes such keys over from shim's list, and looks at no
//!   extended key usage; shim itself boots nothing that they signed.
//! - What was revoked otherwise than by certificate. The kernel looks at neither an image's digest nor its SBAT
//!   level when it loads it (`.blacklist` has digests as `bin:`, which kernel/kexec_file.c never asks for): nobody
//!   else would refuse a kernel or a gate that was revoked so.

use crate::certificate::fields::authority_key_id;
use crate::machine::Keys;
use baton_formats::pe::Pe;
use baton_sys::hex;
use baton_sys::keyring::{KeyInfo, Keyrings};
use baton_verify::authenticode::Signature;
use baton_verify::{
    Certificate, HashAlgorithm, Reason, Trust, check_revoked, check_sbat, verify_image,
};

/// The forecast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KernelVerdict {
    /// It vouches for the image.
    Vouches {
        /// Who signed, and which key of which keyring vouches for it.
        by: String,
    },
    /// It doesn't.
    Refuses(Reason),
    /// It can't be told from here.
    Unknown,
}

/// Forecasts what the kernel will say to `image`.
#[must_use]
pub fn judge(image: &[u8], keys: &Keys) -> KernelVerdict {
    let verdict = first_signature_only(image).and_then(|first| {
        let verdict = judge_first(first.bytes(image), keys)?;
        // Of a copy with the first signature alone the file's own digest would be another.
        check_file(image, keys).map(|()| verdict)
    });
    match verdict {
        Ok(verdict) => verdict,
        Err(reason) => KernelVerdict::Refuses(reason),
    }
}

fn check_file(image: &[u8], keys: &Keys) -> Result<(), Reason> {
    let trust = keys
        .refuse_revoked(Trust::new())
        .map_err(Reason::BadTrust)?;
    check_revoked(image, &trust)
}

/// The image, or a copy with the first signature alone.
enum FirstOnly {
    Same,
    Cut(Vec<u8>),
}

impl FirstOnly {
    fn bytes<'a>(&'a self, image: &'a [u8]) -> &'a [u8] {
        match self {
            FirstOnly::Same => image,
            FirstOnly::Cut(bytes) => bytes,
        }
    }
}

fn first_signature_only(image: &[u8]) -> Result<FirstOnly, Reason> {
    let pe = Pe::parse(image).map_err(Reason::BadImage)?;
    let mut certificates = pe.certificates();
    let first = match certificates.next() {
        None => return Err(Reason::Unsigned),
        Some(first) => first.map_err(Reason::BadImage)?,
    };
    let Some(directory) = pe.offsets().certificate_directory else {
        return Err(Reason::Unsigned);
    };
    if certificates.next().is_none() {
        return Ok(FirstOnly::Same);
    }
    // The directory's size is in no digest, so the copy is as well signed as the image.
    let size = (first.data.len() + 8).next_multiple_of(8);
    let mut cut = image
        .get(..pe.signed_len() + size)
        .unwrap_or(image)
        .to_vec();
    let size = u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes();
    if let Some(field) = cut.get_mut(directory + 4..directory + 8) {
        field.copy_from_slice(&size);
    }
    Ok(FirstOnly::Cut(cut))
}

fn judge_first(image: &[u8], keys: &Keys) -> Result<KernelVerdict, Reason> {
    let pe = Pe::parse(image).map_err(Reason::BadImage)?;
    let Some(Ok(first)) = pe.certificates().next() else {
        return Err(Reason::Unsigned);
    };
    let signature = Signature::parse(first.data).map_err(Reason::from)?;
    let signed = signature.signed();
    let embedded: Vec<Certificate<'_>> = signed.certificates().copied().collect();
    if let Some(revoked) = embedded.iter().find(|c| is_blacklisted(c, &keys.keyrings)) {
        return Err(Reason::RevokedCertificate {
            subject: signed
                .signer()
                .map_or_else(|_| revoked.subject_name(), Certificate::subject_name),
            certificate: revoked.subject_name(),
            list: "the kernel's .blacklist",
        });
    }
    let anchors = anchors(&embedded, keys);
    let ders: Vec<&[u8]> = anchors.iter().map(|a| a.der.as_slice()).collect();
    let ders = ders.concat();
    let trust = Trust::new().add_keys(&ders);
    let trust = trust.and_then(|trust| keys.refuse_revoked(trust));
    let trust = trust.map_err(Reason::BadTrust)?;
    match verify_image(image, &trust) {
        Ok(verified) => {
            let signer = verified.signer();
            let id = signer.anchor_key_id.to_string();
            let anchor = anchors.iter().find(|a| a.id == id);
            Ok(KernelVerdict::Vouches {
                by: describe(&signer.subject, &signer.key_id.to_string(), anchor),
            })
        }
        Err(Reason::UnknownSigner { .. }) if !keys.keyrings.complete => {
            check_sbat(image, &trust).map(|()| KernelVerdict::Unknown)
        }
        Err(Reason::UnknownSigner {
            subject, key_id, ..
        }) => Err(Reason::UnknownSigner {
            subject,
            key_id,
            tried: tried(&keys.keyrings),
        }),
        Err(other) => Err(other),
    }
}

/// A certificate that can stand for a key of the kernel's keyrings.
struct Stand {
    der: Vec<u8>,
    id: String,
    /// The key in the keyring: this very certificate's, or its issuer's.
    key: KeyInfo,
}

fn describe(subject: &str, key_id: &str, anchor: Option<&Stand>) -> String {
    let who = format!("\"{subject}\" (key id {key_id})");
    match anchor {
        Some(a) if a.key.has_id(key_id) => format!("{who}, trusted by {}", a.key.keyring),
        Some(a) => format!(
            "{who}, vouched for by \"{}\" (key id {}) in {}",
            a.key.name, a.key.id, a.key.keyring
        ),
        None => who,
    }
}

fn anchors(embedded: &[Certificate<'_>], keys: &Keys) -> Vec<Stand> {
    let mut anchors: Vec<Stand> = Vec::new();
    let mut add = |certificate: &Certificate<'_>, key: Option<&KeyInfo>| {
        let known = anchors.iter().any(|a| a.der == certificate.as_bytes());
        if let (Some(key), false) = (key, known) {
            anchors.push(Stand {
                der: certificate.as_bytes().to_vec(),
                id: certificate.key_id().to_string(),
                key: key.clone(),
            });
        }
    };
    for list in [&keys.db[..], keys.mok.list.as_deref().unwrap_or_default()] {
        // A list that can't be read is the kernel's to complain about; its keys aren't in keyrings.
        let Ok(trust) = Trust::new().add_mok_list(list) else {
            continue;
        };
        for anchor in trust.anchors() {
            let certificate = &anchor.certificate;
            add(certificate, find(&keys.keyrings, certificate));
        }
    }
    for certificate in embedded {
        add(certificate, find(&keys.keyrings, certificate));
    }
    for certificate in embedded {
        let issuer = authority_key_id(certificate.tbs()).map(hex::encode);
        let key = issuer.and_then(|id| {
            let mut trusted = keys.keyrings.trusted.iter();
            trusted.find(|key| key.has_id(&id)).cloned()
        });
        add(certificate, key.as_ref());
    }
    anchors
}

/// The key of a keyring that a certificate is: by subject key identifier, or serial number where it has
/// none (x509_key_preparse).
fn find<'k>(keyrings: &'k Keyrings, certificate: &Certificate<'_>) -> Option<&'k KeyInfo> {
    let mut keys = keyrings.trusted.iter();
    keys.find(|key| is_of(key, certificate))
}

/// Whether a key of a keyring is this certificate's, as far as the kernel shows.
pub(crate) fn is_of(key: &KeyInfo, certificate: &Certificate<'_>) -> bool {
    let key_id = certificate.key_id().to_string();
    let serial = hex::encode(certificate.serial());
    key.has_id(&key_id) || key.has_id(&serial)
}

/// The kernel asks for the digest that the certificate's signature is made of (x509_get_sig_params), so
/// that an entry of another digest revokes nothing; here it does.
pub(crate) fn is_blacklisted(certificate: &Certificate<'_>, keyrings: &Keyrings) -> bool {
    use HashAlgorithm::{Sha256, Sha384, Sha512};
    [Sha256, Sha384, Sha512].iter().any(|algorithm| {
        let digest = algorithm.hash([certificate.tbs()]);
        let entry = format!("tbs:{}", hex::encode(digest.as_bytes()));
        keyrings.blacklist.contains(&entry)
    })
}

fn tried(keyrings: &Keyrings) -> String {
    if keyrings.trusted.is_empty() {
        return "the kernel's keyrings are empty".into();
    }
    let keys: Vec<String> = keyrings
        .trusted
        .iter()
        .map(|k| format!("{}: \"{}\"", k.keyring, k.name))
        .collect();
    format!("keys of the kernel: {}", keys.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pe_image_is_refused_as_such() {
        assert!(matches!(
            judge(b"no image", &Keys::default()),
            KernelVerdict::Refuses(Reason::BadImage(_))
        ));
    }
}

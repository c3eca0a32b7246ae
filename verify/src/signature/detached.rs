//! Detached CMS signatures (RFC 5652): the content lies elsewhere, and is of type data.
//!
//! What is taken, with the same algorithms and chains as everywhere:
//!
//! | | `openssl cms -sign` | the kernel's scripts/sign-file |
//! |---|---|---|
//! | attributes | signed ones, or none (`-noattr`) | none |
//! | signer named by | issuer and serial number, or key identifier (`-keyid`) | the same (`-k`) |
//! | certificates | the signer's and others, or none (`-nocerts`) | none |
//!
//! A signer whose certificate the signature doesn't carry must be a trusted certificate itself.
//! Exactly one signer, strict DER, nothing after it.
//!
//! A signature says nothing of what its content is for: whoever signs a kernel module or a mail
//! with a trusted key signs those bytes. So it counts only for what the content is by its first
//! bytes: a kernel (see `Payload::recognise`), an initrd (`baton_formats::initrd`) or a manifest.
//!
//! A signature without attributes is one of its content's bytes themselves, and so any signature that
//! a key has made of any bytes can be written as one. What certificates, revocation lists, OCSP
//! answers and CMS have signed is DER, and each is a SEQUENCE or a SET. So without attributes no
//! content may begin as these do. (A cpio archive's magic begins with the same byte, but can't be
//! DER: it would be a SEQUENCE of 55 bytes with another one of 55 bytes in it.)

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use baton_formats::magic::Magic;

use crate::crypto::hash::{Digest, HashAlgorithm};
use crate::der::oid;
use crate::policy::chain::Budget;
use crate::policy::scope::Use;
use crate::policy::trust::Trust;
use crate::reason::Reason;
use crate::signature::cms::{CmsError, Parts};
use crate::signature::signer_info::SignerInfo;
use crate::signature::verified::Signer;
use crate::signature::vouch::vouch;
use crate::x509::certificate::Certificate;

/// The first bytes of what is DER and signed directly: a certificate's contents, and the attributes
/// of a signature as they are hashed (X.690, 8.9 and 8.11).
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

/// A detached signature, parsed but not verified.
#[derive(Debug, Clone)]
pub struct DetachedSignature<'a> {
    certificates: Vec<Certificate<'a>>,
    signer: SignerInfo<'a>,
}

/// What a detached signature may be of, hashed.
pub(crate) struct Content {
    digest: Digest,
    /// Whether it begins as what is DER and signed directly does.
    is_der: bool,
}

/// Judges the detached signature `signature` of the bytes in `parts`, one after the other.
///
/// # Errors
/// The reason for the refusal; where several certificates may be the signer's, the first one's.
pub fn verify_detached<'c>(
    parts: impl IntoIterator<Item = &'c [u8]>,
    signature: &[u8],
    trust: &Trust<'_>,
) -> Result<Signer, Reason> {
    verify_detached_for(parts, signature, trust, &Use::ANY)
}

/// As [`verify_detached`], for a given use: by keys that the policy lets vouch for that.
///
/// # Errors
/// As [`verify_detached`], and `OutOfScope`.
pub fn verify_detached_for<'c>(
    parts: impl IntoIterator<Item = &'c [u8]>,
    signature: &[u8],
    trust: &Trust<'_>,
    purpose: &Use<'_>,
) -> Result<Signer, Reason> {
    let signature = DetachedSignature::parse(signature)?;
    let content = trust.hashing(|| Content::new(signature.hash(), parts));
    signature.judge(&content, trust, purpose)
}

/// As [`verify_detached_for`], of `bytes` that have been hashed with SHA-256 already.
pub(crate) fn judge_content(
    sha256: Content,
    bytes: &[u8],
    signature: &[u8],
    trust: &Trust<'_>,
    purpose: &Use<'_>,
) -> Result<Signer, Reason> {
    let signature = DetachedSignature::parse(signature)?;
    let content = match signature.hash() {
        HashAlgorithm::Sha256 => sha256,
        other => trust.hashing(|| Content::new(other, [bytes])),
    };
    signature.judge(&content, trust, purpose)
}

/// As [`verify_detached_for`], of what `content` hashes; returns the SHA-256 of that, too, for which it is
/// hashed once more if something else is what is signed.
pub(crate) fn judge_hashed(
    content: &dyn Fn(HashAlgorithm) -> Content,
    signature: &[u8],
    trust: &Trust<'_>,
    purpose: &Use<'_>,
) -> Result<([u8; 32], Signer), Reason> {
    let signature = DetachedSignature::parse(signature)?;
    let signed = trust.hashing(|| content(signature.hash()));
    let signer = signature.judge(&signed, trust, purpose)?;
    let sha256 = match signature.hash() {
        HashAlgorithm::Sha256 => signed,
        HashAlgorithm::Sha384 | HashAlgorithm::Sha512 => {
            trust.hashing(|| content(HashAlgorithm::Sha256))
        }
    };
    Ok((sha256.digest().to_sha256(), signer))
}

impl<'a> DetachedSignature<'a> {
    /// Reads the one ContentInfo that `der` is.
    ///
    /// # Errors
    /// If it isn't strict DER of a detached signature of data, or names algorithms that aren't
    /// accepted.
    pub fn parse(der: &'a [u8]) -> Result<Self, CmsError> {
        let parts = Parts::read(der)?;
        if parts.content.is_some() || parts.content_type != oid::DATA {
            return Err(CmsError::NotDetached);
        }
        Ok(Self {
            certificates: parts.certificates,
            signer: parts.signer,
        })
    }

    /// The hash algorithm, the same everywhere in the signature.
    #[must_use]
    pub fn hash(&self) -> HashAlgorithm {
        self.signer.hash
    }

    /// The certificates it carries, in their order.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate<'a>> {
        self.certificates.iter()
    }

    /// The certificate of its signer, if it carries that.
    #[must_use]
    pub fn signer(&self) -> Option<&Certificate<'a>> {
        self.certificates().find(|it| self.signer.id.names(it))
    }

    /// What it calls its signer's certificate by, in words.
    #[must_use]
    pub fn signer_id(&self) -> String {
        self.signer.id.to_string()
    }

    /// The digest that it gives for the content; `None` where it has no attributes.
    #[must_use]
    pub fn message_digest(&self) -> Option<&'a [u8]> {
        self.signer.attributes.map(|it| it.message_digest)
    }

    /// Judges it as a signature of `content`, which must have been hashed with [`Self::hash`].
    pub(crate) fn judge(
        &self,
        content: &Content,
        trust: &Trust<'_>,
        purpose: &Use<'_>,
    ) -> Result<Signer, Reason> {
        self.check_content(content)?;
        let mut budget = Budget::new();
        let mut refusal = None;
        for certificate in self.signers(trust) {
            if !budget.take() {
                break;
            }
            let carried = &self.certificates;
            let digest = &content.digest;
            match vouch(
                &self.signer,
                digest,
                certificate,
                carried,
                trust,
                purpose,
                &mut budget,
            ) {
                Ok(signer) => return Ok(signer),
                Err(reason) => refusal = refusal.or(Some(reason)),
            }
        }
        Err(refusal.unwrap_or_else(|| Reason::signer_not_found(&self.signer.id, trust)))
    }

    fn check_content(&self, content: &Content) -> Result<(), Reason> {
        match &self.signer.attributes {
            Some(attributes) if attributes.message_digest != content.digest.as_bytes() => Err(
                Reason::digest_mismatch(attributes.message_digest, &content.digest),
            ),
            None if content.is_der => Err(Reason::AmbiguousContent),
            _ => Ok(()),
        }
    }

    /// The certificates that the signature may mean: trusted ones first, so that nothing that it
    /// carries keeps them from being tried.
    fn signers<'s>(&'s self, trust: &'s Trust<'_>) -> impl Iterator<Item = &'s Certificate<'s>> {
        let trusted = trust
            .anchors()
            .map(|anchor| -> &Certificate<'s> { &anchor.certificate });
        let carried = self.certificates.iter();
        trusted
            .chain(carried.map(|certificate| -> &Certificate<'s> { certificate }))
            .filter(|certificate| self.signer.id.names(certificate))
    }
}

impl Content {
    /// Hashes `parts` one after the other.
    pub(crate) fn new<'c>(hash: HashAlgorithm, parts: impl IntoIterator<Item = &'c [u8]>) -> Self {
        let mut first: Option<&[u8]> = None;
        let digest = hash.hash(parts.into_iter().inspect(|part| {
            first = first.or(Some(part).filter(|part| !part.is_empty()).copied());
        }));
        let first = first.unwrap_or_default();
        let is_archive = matches!(Magic::of(first), Some(Magic::Cpio | Magic::CpioChecksummed));
        Self {
            digest,
            is_der: matches!(first, [SEQUENCE | SET, ..]) && !is_archive,
        }
    }

    pub(crate) fn digest(&self) -> Digest {
        self.digest
    }
}

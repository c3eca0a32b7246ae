//! X.509 certificates (RFC 5280), as far as trust depends on them.

use alloc::string::String;
use core::fmt;

use crate::crypto::algorithm::{AlgorithmIdentifier, SignatureAlgorithm};
use crate::crypto::hash::{HashAlgorithm, sha256};
use crate::crypto::key::PublicKey;
pub use crate::crypto::key::UnusableKey;
use crate::der::{Elements, Malformed, Tag, constructed, primitive};
use crate::display::{self, KeyId};
use crate::x509::extension::Extensions;

/// A certificate, borrowed from its DER encoding. Parsing it vouches for nothing.
#[derive(Debug, Clone, Copy)]
pub struct Certificate<'a> {
    raw: &'a [u8],
    tbs: &'a [u8],
    serial: &'a [u8],
    issuer: &'a [u8],
    subject: &'a [u8],
    key_info: &'a [u8],
    key: Result<PublicKey<'a>, UnusableKey>,
    extensions: Extensions<'a>,
    signature_algorithm: Option<SignatureAlgorithm>,
    signature: &'a [u8],
}

/// Why bytes aren't a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateError {
    /// Not strict DER of an X.509 certificate, or bytes follow it.
    Malformed(Malformed),
    /// The algorithm named inside the signed part isn't the one named beside the signature.
    AlgorithmsDiffer,
    /// Versions 1 and 2 have no extensions, version 1 no unique identifiers, and there is no version
    /// above 3.
    Version,
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::AlgorithmsDiffer => {
                f.write_str("a certificate names two different signature algorithms")
            }
            Self::Version => f.write_str("a certificate's version doesn't fit its contents"),
        }
    }
}

impl core::error::Error for CertificateError {}

impl From<Malformed> for CertificateError {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error)
    }
}

impl<'a> Certificate<'a> {
    /// Reads the one certificate that `der` is.
    ///
    /// Keys and signature algorithms that aren't accepted are no error here: such a
    /// certificate can be listed, and can't vouch for anything.
    ///
    /// # Errors
    /// If `der` isn't exactly one certificate in strict DER.
    pub fn parse(der: &'a [u8]) -> Result<Self, CertificateError> {
        let mut elements = Elements::new(der, "Certificate");
        let certificate = Self::read(&mut elements)?;
        elements.finish()?;
        Ok(certificate)
    }

    /// Reads the next certificate.
    pub(crate) fn read(from: &mut Elements<'a>) -> Result<Self, CertificateError> {
        let whole = from.expect(Tag::SEQUENCE)?;
        let mut fields = whole.elements("Certificate");
        let tbs = fields.expect(Tag::SEQUENCE)?;
        let outer_algorithm = AlgorithmIdentifier::read(&mut fields)?;
        let signature = fields.octets_of_bits()?;
        fields.finish()?;

        let mut fields = tbs.elements("TBSCertificate");
        let version = read_version(&mut fields)?;
        let serial = fields.integer()?;
        let inner_algorithm = AlgorithmIdentifier::read(&mut fields)?;
        let issuer = fields.expect(Tag::SEQUENCE)?.raw;
        fields.expect(Tag::SEQUENCE)?.check("Validity")?;
        let subject = fields.expect(Tag::SEQUENCE)?.raw;
        let key_info = fields.expect(Tag::SEQUENCE)?;
        // Unique identifiers tell issuers and subjects of one name apart (RFC 5280, 4.1.2.8). Chains are
        // built by names and key identifiers, and proven by signatures: these decide nothing.
        let issuer_id = fields.optional(primitive(1))?;
        let subject_id = fields.optional(primitive(2))?;
        let extensions = fields.optional(constructed(3))?;
        fields.finish()?;

        if inner_algorithm.raw != outer_algorithm.raw {
            return Err(CertificateError::AlgorithmsDiffer);
        }
        let unique_id = issuer_id.or(subject_id).is_some();
        if (extensions.is_some() && version != 3) || (unique_id && version == 1) {
            return Err(CertificateError::Version);
        }
        Ok(Self {
            raw: whole.raw,
            tbs: tbs.raw,
            serial,
            issuer,
            subject,
            key_info: key_info.raw,
            key: PublicKey::parse(&key_info),
            extensions: extensions
                .map(|element| Extensions::parse(&element))
                .transpose()?
                .unwrap_or_default(),
            signature_algorithm: outer_algorithm.as_signature(),
            signature,
        })
    }

    /// All its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.raw
    }

    /// The bytes that its issuer signed (TBSCertificate).
    #[must_use]
    pub fn tbs(&self) -> &'a [u8] {
        self.tbs
    }

    /// The contents of its serial number, big-endian.
    #[must_use]
    pub fn serial(&self) -> &'a [u8] {
        self.serial
    }

    /// Its issuer's Name, in DER.
    #[must_use]
    pub fn issuer(&self) -> &'a [u8] {
        self.issuer
    }

    /// Its subject's Name, in DER.
    #[must_use]
    pub fn subject(&self) -> &'a [u8] {
        self.subject
    }

    /// Its SubjectPublicKeyInfo, in DER.
    #[must_use]
    pub fn key_info(&self) -> &'a [u8] {
        self.key_info
    }

    /// Its subject's name as people know it: at most 64 characters, each of which may be shown.
    #[must_use]
    pub fn subject_name(&self) -> String {
        display::name(self.subject)
    }

    /// Its issuer's name, as [`Self::subject_name`] shows the subject's.
    #[must_use]
    pub fn issuer_name(&self) -> String {
        display::name(self.issuer)
    }

    /// Whether it says that it is a CA's.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        self.extensions.basic_constraints.is_some_and(|c| c.ca)
    }

    /// Whether its key is for kernel modules: its extended key usage says so. Such a certificate
    /// vouches for nothing that is booted, whatever else it lists, as with shim (`verify_eku` in
    /// its shim.c): the key lies on the machine, where DKMS signs with it whatever root builds.
    #[must_use]
    pub fn is_for_modules(&self) -> bool {
        self.extensions.signs_modules == Some(true)
    }

    /// Its key's identifier, for display.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        match self.extensions.subject_key_id {
            Some(id) if !id.is_empty() => KeyId::new(id),
            _ => KeyId::new(sha256([self.key_info]).get(..20).unwrap_or_default()),
        }
    }

    /// Why its key can't be used, if it can't.
    #[must_use]
    pub fn unusable_key(&self) -> Option<UnusableKey> {
        self.key.err()
    }

    pub(crate) fn key(&self) -> Result<PublicKey<'a>, UnusableKey> {
        self.key
    }

    pub(crate) fn extensions(&self) -> &Extensions<'a> {
        &self.extensions
    }

    /// Whether `issuer` claims to be what this certificate names as its issuer: the same name
    /// and, where both say, the same key identifier. Nothing is proven by that.
    pub(crate) fn names_as_issuer(&self, issuer: &Certificate<'_>) -> bool {
        let same_key_id = match (
            self.extensions.authority_key_id,
            issuer.extensions.subject_key_id,
        ) {
            (Some(authority), Some(subject)) if !authority.is_empty() => authority == subject,
            _ => true,
        };
        self.issuer == issuer.subject && same_key_id
    }

    /// The algorithm of the signature on this certificate, and its hash, if accepted.
    pub(crate) fn signed_with(&self) -> Option<(SignatureAlgorithm, HashAlgorithm)> {
        let algorithm = self.signature_algorithm?;
        Some((algorithm, algorithm.hash?))
    }

    /// Whether `issuer`'s key made the signature on this certificate.
    pub(crate) fn is_signed_by(&self, issuer: &PublicKey<'_>) -> bool {
        self.signed_with().is_some_and(|(algorithm, hash)| {
            algorithm.kind == issuer.kind()
                && issuer.verifies(&hash.hash([self.tbs]), self.signature)
        })
    }
}

/// Version ::= [0] EXPLICIT INTEGER, v1 when left out.
fn read_version(fields: &mut Elements<'_>) -> Result<u8, CertificateError> {
    let Some(explicit) = fields.optional(constructed(0))? else {
        return Ok(1);
    };
    let mut inner = explicit.elements("Version");
    let number = inner.unsigned()?;
    inner.finish()?;
    match number {
        [1] => Ok(2),
        [2] => Ok(3),
        _ => Err(CertificateError::Version),
    }
}

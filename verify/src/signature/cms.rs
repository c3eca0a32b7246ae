//! PKCS#7 SignedData (RFC 2315, and CMS, RFC 5652) with one signer.
//!
//! [`SignedData`] is the one shape that Authenticode makes: authenticated attributes, content
//! inside. The other shape, without content, is [`crate::signature::detached`]'s.

use alloc::vec::Vec;
use core::fmt;

use crate::crypto::algorithm::AlgorithmIdentifier;
use crate::der::oid;
use crate::der::{Element, Elements, Malformed, Tag, constructed};
use crate::signature::signer_info::{SignerId, SignerInfo};
use crate::x509::certificate::{Certificate, CertificateError};

/// The most certificates one signature may carry. Real ones carry two to five.
pub const MAX_CERTIFICATES: usize = 16;

/// A signature over content of a named type, not verified yet.
#[derive(Debug, Clone)]
pub struct SignedData<'a> {
    /// What the signature says the content is.
    pub(crate) content_type: &'a [u8],
    /// The content, as an element.
    pub(crate) content: Element<'a>,
    /// The digest that the authenticated attributes give for the content.
    pub(crate) message_digest: &'a [u8],
    pub(crate) certificates: Vec<Certificate<'a>>,
    pub(crate) signer: SignerInfo<'a>,
}

/// What both shapes consist of.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) content_type: &'a [u8],
    pub(crate) content: Option<Element<'a>>,
    pub(crate) certificates: Vec<Certificate<'a>>,
    pub(crate) signer: SignerInfo<'a>,
}

/// Why a signature can't be judged at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CmsError {
    /// Not strict DER of SignedData, or bytes follow it.
    Malformed(Malformed),
    /// One of the certificates it carries is malformed.
    Certificate(CertificateError),
    /// More certificates than [`MAX_CERTIFICATES`].
    TooManyCertificates,
    /// A hash algorithm other than SHA-256, SHA-384 and SHA-512.
    Hash,
    /// A signature algorithm that isn't accepted.
    Algorithm,
    /// RSA with PSS padding, which isn't accepted.
    RsaPss,
    /// This many signers, and not exactly one.
    Signers(usize),
    /// It names different hash algorithms in places that must agree.
    AlgorithmsDiffer,
    /// Not exactly one contentType and one messageDigest among the authenticated attributes,
    /// or the contentType isn't the content's.
    Attributes,
    /// It doesn't carry its signer's certificate.
    NoSignerCertificate,
    /// It should be detached, and carries content, or is of content that isn't plain data.
    NotDetached,
}

impl fmt::Display for CmsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::Certificate(error) => error.fmt(f),
            Self::TooManyCertificates => {
                write!(f, "it carries more than {MAX_CERTIFICATES} certificates")
            }
            Self::Hash => f.write_str("its hash algorithm isn't SHA-256, SHA-384 or SHA-512"),
            Self::Algorithm => f.write_str("its algorithm is neither RSA PKCS#1 v1.5 nor ECDSA"),
            Self::RsaPss => f.write_str("RSA-PSS signatures aren't accepted, but PKCS#1 v1.5"),
            Self::Signers(0) => {
                f.write_str("it has no signer (it may hold certificates alone)")
            }
            Self::Signers(count) => write!(f, "it has {count} signers, and one is accepted"),
            Self::AlgorithmsDiffer => f.write_str("it names different hash algorithms"),
            Self::Attributes => f.write_str(
                "its authenticated attributes don't hold one fitting contentType and one messageDigest",
            ),
            Self::NoSignerCertificate => f.write_str("it lacks its signer's certificate"),
            Self::NotDetached => f.write_str("it isn't a detached signature of data"),
        }
    }
}

impl core::error::Error for CmsError {}

impl From<Malformed> for CmsError {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error)
    }
}

impl From<CertificateError> for CmsError {
    fn from(error: CertificateError) -> Self {
        Self::Certificate(error)
    }
}

impl<'a> SignedData<'a> {
    /// Reads the one ContentInfo with SignedData that `der` is.
    ///
    /// # Errors
    /// If `der` isn't strict DER of the shape described above, or names algorithms that aren't
    /// accepted.
    pub fn parse(der: &'a [u8]) -> Result<Self, CmsError> {
        let parts = Parts::read(der)?;
        // Authenticode is PKCS#7 1.5, which knows no key identifiers.
        let SignerId::IssuerAndSerial { .. } = parts.signer.id else {
            return Err(malformed("SignerInfo"));
        };
        let attributes = parts.signer.attributes.ok_or(CmsError::Attributes)?;
        Ok(Self {
            content_type: parts.content_type,
            content: parts.content.ok_or(malformed("contentInfo"))?,
            message_digest: attributes.message_digest,
            certificates: parts.certificates,
            signer: parts.signer,
        })
    }

    /// The certificates it carries, in their order.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate<'a>> {
        self.certificates.iter()
    }

    /// The certificate of its signer.
    ///
    /// # Errors
    /// If it doesn't carry it.
    pub fn signer(&self) -> Result<&Certificate<'a>, CmsError> {
        self.certificates
            .iter()
            .find(|certificate| self.signer.id.names(certificate))
            .ok_or(CmsError::NoSignerCertificate)
    }
}

impl<'a> Parts<'a> {
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, CmsError> {
        let mut fields = open(der)?;
        let version = fields.unsigned()?;
        let mut digest_algorithms = fields.inside(Tag::SET, "DigestAlgorithmIdentifiers")?;
        let (content_type, content) = content_info(&mut fields)?;
        let carried = fields.optional(constructed(0))?;
        if let Some(crls) = fields.optional(constructed(1))? {
            check_crls(&crls)?;
        }
        let mut signers = fields.inside(Tag::SET, "SignerInfos")?;
        fields.finish()?;
        // Several signers have several digest algorithms: how many they are is the nearer reason.
        match count(signers)? {
            1 => {}
            other => return Err(CmsError::Signers(other)),
        }
        let digest_algorithm = AlgorithmIdentifier::read(&mut digest_algorithms)?;
        digest_algorithms.finish()?;
        let digest_algorithm = digest_algorithm.as_hash().ok_or(CmsError::Hash)?;
        let certificates = certificates(carried)?;
        let signer = SignerInfo::read(&mut signers, content_type)?;
        signers.finish()?;
        // 3 where the signer is named by a key identifier, otherwise 1 (RFC 5652, 5.1).
        if version != [signer.id.version()] {
            return Err(malformed("SignedData"));
        }
        if signer.hash != digest_algorithm {
            return Err(CmsError::AlgorithmsDiffer);
        }
        Ok(Self {
            content_type,
            content,
            certificates,
            signer,
        })
    }
}

/// [1] IMPLICIT SET OF CertificateList (RFC 5280, 5.1). Only their form is checked: nobody who judges
/// goes by lists that a signature brings along, and nothing ties them to it.
fn check_crls(crls: &Element<'_>) -> Result<(), Malformed> {
    let mut crls = crls.elements("crls");
    if crls.is_empty() {
        return Err(crls.malformed());
    }
    while !crls.is_empty() {
        let mut crl = crls.sequence("CertificateList")?;
        let mut list = crl.sequence("TBSCertList")?;
        AlgorithmIdentifier::read(&mut crl)?;
        crl.octets_of_bits()?;
        crl.finish()?;
        list.optional(Tag::INTEGER)?;
        AlgorithmIdentifier::read(&mut list)?;
        list.expect(Tag::SEQUENCE)?;
        // Where certificates, which must not pass for lists, have a sequence of two times.
        let updated = list.any()?;
        if !matches!(updated.tag, Tag::UTC_TIME | Tag::GENERALIZED_TIME) {
            return Err(list.malformed());
        }
    }
    Ok(())
}

/// How many elements these are.
fn count(mut elements: Elements<'_>) -> Result<usize, Malformed> {
    let mut count = 0_usize;
    while !elements.is_empty() {
        elements.any()?;
        count = count.saturating_add(1);
    }
    Ok(count)
}

fn malformed(what: &'static str) -> CmsError {
    CmsError::Malformed(Malformed { what })
}

/// ContentInfo { signedData, [0] EXPLICIT SignedData }: the fields of the latter.
fn open(der: &[u8]) -> Result<Elements<'_>, CmsError> {
    let whole = Element::whole(der, "ContentInfo")?;
    // Also what isn't read below must be DER.
    whole.check("ContentInfo")?;
    let mut info = whole.elements("ContentInfo");
    if whole.tag != Tag::SEQUENCE || info.oid()? != oid::SIGNED_DATA {
        return Err(info.malformed().into());
    }
    let mut explicit = info.inside(constructed(0), "ContentInfo")?;
    info.finish()?;
    let fields = explicit.sequence("SignedData")?;
    explicit.finish()?;
    Ok(fields)
}

fn content_info<'a>(
    fields: &mut Elements<'a>,
) -> Result<(&'a [u8], Option<Element<'a>>), CmsError> {
    let mut info = fields.sequence("contentInfo")?;
    let content_type = info.oid()?;
    let explicit = info.optional(constructed(0))?;
    info.finish()?;
    let content = explicit.map(|explicit| explicit.only("contentInfo"));
    Ok((content_type, content.transpose()?))
}

/// [0] IMPLICIT SET OF Certificate. Their order carries no meaning, and isn't judged.
fn certificates(carried: Option<Element<'_>>) -> Result<Vec<Certificate<'_>>, CmsError> {
    let Some(set) = carried else {
        return Ok(Vec::new());
    };
    let mut set = set.elements("certificates");
    let count = count(set)?;
    if count > MAX_CERTIFICATES {
        return Err(CmsError::TooManyCertificates);
    }
    let mut certificates = Vec::with_capacity(count);
    while !set.is_empty() {
        certificates.push(Certificate::read(&mut set)?);
    }
    Ok(certificates)
}

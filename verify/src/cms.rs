//! PKCS#7 SignedData (RFC 2315, and CMS, RFC 5652) of the one shape that Authenticode makes:
//! one signer, authenticated attributes, content inside.

use alloc::vec::Vec;
use core::fmt;

use crate::algorithm::{AlgorithmIdentifier, SignatureAlgorithm};
use crate::asn1::{Element, Elements, Malformed, Tag, constructed};
use crate::certificate::{Certificate, CertificateError};
use crate::hash::{Digest, HashAlgorithm};
use crate::oid;

/// The most certificates one signature may carry. Real ones carry two to five.
pub const MAX_CERTIFICATES: usize = 16;

/// A signature over content of a named type, not verified yet.
#[derive(Debug, Clone)]
pub struct SignedData<'a> {
    /// What the signature says the content is.
    pub(crate) content_type: &'a [u8],
    /// The content, as an element.
    pub(crate) content: Element<'a>,
    pub(crate) certificates: Vec<Certificate<'a>>,
    pub(crate) signer: SignerInfo<'a>,
}

/// The one signer's part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignerInfo<'a> {
    issuer: &'a [u8],
    serial: &'a [u8],
    pub(crate) hash: HashAlgorithm,
    pub(crate) algorithm: SignatureAlgorithm,
    attributes: Element<'a>,
    /// The digest that the authenticated attributes give for the content.
    pub(crate) message_digest: &'a [u8],
    pub(crate) signature: &'a [u8],
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
    /// It names different hash algorithms in places that must agree.
    AlgorithmsDiffer,
    /// Not exactly one contentType and one messageDigest among the authenticated attributes,
    /// or the contentType isn't the content's.
    Attributes,
    /// It doesn't carry its signer's certificate.
    NoSignerCertificate,
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
            Self::AlgorithmsDiffer => f.write_str("it names different hash algorithms"),
            Self::Attributes => f.write_str(
                "its authenticated attributes don't hold one fitting contentType and one messageDigest",
            ),
            Self::NoSignerCertificate => f.write_str("it lacks its signer's certificate"),
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
        let mut fields = open(der)?;
        // CMSVersion: Authenticode is PKCS#7 1.5, always 1.
        version_1(&mut fields)?;
        let digest_algorithm = only_digest_algorithm(&mut fields)?;
        let (content_type, content) = content_info(&mut fields)?;
        let certificates = certificates(&mut fields)?;
        // CRLs, [1], are refused: nobody puts them into an image's signature.
        let mut signers = fields.inside(Tag::Set, "SignerInfos")?;
        fields.finish()?;
        let signer = SignerInfo::read(&mut signers, content_type)?;
        signers.finish()?;
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
            .find(|certificate| {
                certificate.issuer() == self.signer.issuer
                    && certificate.serial() == self.signer.serial
            })
            .ok_or(CmsError::NoSignerCertificate)
    }
}

/// ContentInfo { signedData, [0] EXPLICIT SignedData }: the fields of the latter.
fn open(der: &[u8]) -> Result<Elements<'_>, CmsError> {
    let whole = Element::whole(der, "ContentInfo")?;
    // Also what isn't read below must be DER.
    whole.check("ContentInfo")?;
    let mut info = whole.elements("ContentInfo");
    if whole.tag != Tag::Sequence || info.oid()? != oid::SIGNED_DATA.as_bytes() {
        return Err(info.malformed().into());
    }
    let mut explicit = info.inside(constructed(0), "ContentInfo")?;
    info.finish()?;
    let fields = explicit.sequence("SignedData")?;
    explicit.finish()?;
    Ok(fields)
}

fn version_1(fields: &mut Elements<'_>) -> Result<(), CmsError> {
    match fields.unsigned()? {
        [1] => Ok(()),
        _ => Err(fields.malformed().into()),
    }
}

/// With one signer there is one digest algorithm.
fn only_digest_algorithm(fields: &mut Elements<'_>) -> Result<HashAlgorithm, CmsError> {
    let mut set = fields.inside(Tag::Set, "DigestAlgorithmIdentifiers")?;
    let algorithm = AlgorithmIdentifier::read(&mut set)?;
    set.finish()?;
    algorithm.as_hash().ok_or(CmsError::Hash)
}

fn content_info<'a>(fields: &mut Elements<'a>) -> Result<(&'a [u8], Element<'a>), CmsError> {
    let mut info = fields.sequence("contentInfo")?;
    let content_type = info.oid()?;
    let mut explicit = info.inside(constructed(0), "contentInfo")?;
    info.finish()?;
    let content = explicit.any()?;
    explicit.finish()?;
    Ok((content_type, content))
}

/// [0] IMPLICIT SET OF Certificate. Their order carries no meaning, and isn't judged.
fn certificates<'a>(fields: &mut Elements<'a>) -> Result<Vec<Certificate<'a>>, CmsError> {
    let mut set = fields.inside(constructed(0), "certificates")?;
    let mut ahead = set;
    let mut count = 0_usize;
    while !ahead.is_empty() {
        ahead.any()?;
        count = count.saturating_add(1);
    }
    if count > MAX_CERTIFICATES {
        return Err(CmsError::TooManyCertificates);
    }
    let mut certificates = Vec::with_capacity(count);
    while !set.is_empty() {
        certificates.push(Certificate::read(&mut set)?);
    }
    Ok(certificates)
}

impl<'a> SignerInfo<'a> {
    fn read(signers: &mut Elements<'a>, content_type: &[u8]) -> Result<Self, CmsError> {
        let mut fields = signers.sequence("SignerInfo")?;
        version_1(&mut fields)?;
        let mut id = fields.sequence("IssuerAndSerialNumber")?;
        let issuer = id.expect(Tag::Sequence)?.raw;
        let serial = id.integer()?;
        id.finish()?;
        let hash = AlgorithmIdentifier::read(&mut fields)?
            .as_hash()
            .ok_or(CmsError::Hash)?;
        let attributes = fields.expect(constructed(0))?;
        let algorithm = AlgorithmIdentifier::read(&mut fields)?
            .as_signature()
            .ok_or(CmsError::Algorithm)?;
        let signature = fields.expect(Tag::OctetString)?.value;
        // Unauthenticated attributes (timestamps, mostly) can say anything: not looked at.
        fields.optional(constructed(1))?;
        fields.finish()?;
        if algorithm.hash.is_some_and(|named| named != hash) {
            return Err(CmsError::AlgorithmsDiffer);
        }
        Ok(Self {
            issuer,
            serial,
            hash,
            algorithm,
            attributes,
            message_digest: message_digest(&attributes, content_type)?,
            signature,
        })
    }

    /// The digest that the signature signs: of the authenticated attributes as they stand,
    /// but tagged as the SET OF that they are (RFC 5652, 5.4).
    pub(crate) fn signed_digest(&self) -> Option<Digest> {
        let (_, untagged) = self.attributes.raw.split_first()?;
        Some(self.hash.hash([&[0x31][..], untagged]))
    }
}

/// Checks the authenticated attributes, and takes messageDigest out of them.
fn message_digest<'a>(attributes: &Element<'a>, content_type: &[u8]) -> Result<&'a [u8], CmsError> {
    let mut list = attributes.elements("authenticatedAttributes");
    let (mut named_type, mut digest) = (None, None);
    while !list.is_empty() {
        let mut attribute = list.sequence("Attribute")?;
        let id = attribute.oid()?;
        let values = attribute.expect(Tag::Set)?;
        attribute.finish()?;
        let previous = if id == oid::CONTENT_TYPE.as_bytes() {
            named_type.replace(only_value(&values, Tag::ObjectIdentifier)?)
        } else if id == oid::MESSAGE_DIGEST.as_bytes() {
            digest.replace(only_value(&values, Tag::OctetString)?)
        } else {
            None
        };
        if previous.is_some() {
            return Err(CmsError::Attributes);
        }
    }
    match (named_type, digest) {
        (Some(named), Some(digest)) if named == content_type => Ok(digest),
        _ => Err(CmsError::Attributes),
    }
}

fn only_value<'a>(values: &Element<'a>, tag: Tag) -> Result<&'a [u8], CmsError> {
    let mut values = values.elements("Attribute");
    let value = values.expect(tag)?.value;
    match values.is_empty() {
        true => Ok(value),
        false => Err(CmsError::Attributes),
    }
}

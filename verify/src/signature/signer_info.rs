//! SignerInfo (RFC 5652, 5.3): who signed, with which algorithms, and the signature itself.

use core::fmt;

use crate::crypto::algorithm::{AlgorithmIdentifier, SignatureAlgorithm};
use crate::crypto::hash::{Digest, HashAlgorithm};
use crate::der::oid;
use crate::der::{Element, Elements, Tag, constructed, primitive};
use crate::display::{KeyId, name};
use crate::signature::cms::CmsError;
use crate::x509::certificate::Certificate;

/// The one signer's part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignerInfo<'a> {
    pub(crate) id: SignerId<'a>,
    pub(crate) hash: HashAlgorithm,
    pub(crate) algorithm: SignatureAlgorithm,
    pub(crate) attributes: Option<Attributes<'a>>,
    pub(crate) signature: &'a [u8],
}

/// What the signature calls its signer's certificate by.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SignerId<'a> {
    IssuerAndSerial { issuer: &'a [u8], serial: &'a [u8] },
    KeyId(&'a [u8]),
}

/// The signed ("authenticated") attributes. Where there are some, they are what is signed, and
/// give the digest of the content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attributes<'a> {
    element: Element<'a>,
    pub(crate) message_digest: &'a [u8],
}

impl<'a> SignerInfo<'a> {
    pub(crate) fn read(signers: &mut Elements<'a>, content_type: &[u8]) -> Result<Self, CmsError> {
        let mut fields = signers.sequence("SignerInfo")?;
        let version = fields.unsigned()?;
        let id = SignerId::read(&mut fields)?;
        if version != [id.version()] {
            return Err(fields.malformed().into());
        }
        let hash = AlgorithmIdentifier::read(&mut fields)?
            .as_hash()
            .ok_or(CmsError::Hash)?;
        let attributes = fields.optional(constructed(0))?;
        let algorithm = AlgorithmIdentifier::read(&mut fields)?;
        let algorithm = algorithm.as_signature().ok_or(match algorithm.oid() {
            oid::RSA_PSS => CmsError::RsaPss,
            _ => CmsError::Algorithm,
        })?;
        let signature = fields.expect(Tag::OCTET_STRING)?.value;
        // Unauthenticated attributes (timestamps, mostly) can say anything: not looked at.
        fields.optional(constructed(1))?;
        fields.finish()?;
        if algorithm.hash.is_some_and(|named| named != hash) {
            return Err(CmsError::AlgorithmsDiffer);
        }
        Ok(Self {
            id,
            hash,
            algorithm,
            attributes: attributes
                .map(|element| Attributes::read(element, content_type))
                .transpose()?,
            signature,
        })
    }

    /// The digest that the signature signs: of the attributes, or, where there are none, of the
    /// content.
    pub(crate) fn signed_digest(&self, content: &Digest) -> Option<Digest> {
        match &self.attributes {
            Some(attributes) => attributes.digest(self.hash),
            None => Some(*content),
        }
    }
}

impl<'a> SignerId<'a> {
    fn read(fields: &mut Elements<'a>) -> Result<Self, CmsError> {
        if let Some(key_id) = fields.optional(primitive(0))? {
            return if key_id.value.is_empty() {
                Err(fields.malformed().into())
            } else {
                Ok(Self::KeyId(key_id.value))
            };
        }
        let mut id = fields.sequence("IssuerAndSerialNumber")?;
        let issuer = id.expect(Tag::SEQUENCE)?.raw;
        let serial = id.integer()?;
        id.finish()?;
        Ok(Self::IssuerAndSerial { issuer, serial })
    }

    /// The CMSVersion that goes with it (RFC 5652, 5.3).
    pub(crate) fn version(&self) -> u8 {
        match self {
            Self::IssuerAndSerial { .. } => 1,
            Self::KeyId(_) => 3,
        }
    }

    /// Whether it means this certificate. Nothing is proven by that.
    pub(crate) fn names(&self, certificate: &Certificate<'_>) -> bool {
        match *self {
            Self::IssuerAndSerial { issuer, serial } => {
                certificate.issuer() == issuer && certificate.serial() == serial
            }
            Self::KeyId(id) => certificate.extensions().subject_key_id == Some(id),
        }
    }
}

impl fmt::Display for SignerId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::KeyId(id) => write!(f, "with key id {}", KeyId::new(id)),
            Self::IssuerAndSerial { issuer, serial } => {
                let serial = KeyId::new(serial);
                write!(
                    f,
                    "with serial number {serial}, issued by \"{}\"",
                    name(issuer)
                )
            }
        }
    }
}

impl<'a> Attributes<'a> {
    /// Checks the attributes, and takes messageDigest out of them.
    fn read(element: Element<'a>, content_type: &[u8]) -> Result<Self, CmsError> {
        let mut list = element.elements("authenticatedAttributes");
        let (mut named_type, mut digest) = (None, None);
        while !list.is_empty() {
            let mut attribute = list.sequence("Attribute")?;
            let id = attribute.oid()?;
            let values = attribute.expect(Tag::SET)?;
            attribute.finish()?;
            let previous = if id == oid::CONTENT_TYPE {
                named_type.replace(only_value(&values, Tag::OBJECT_IDENTIFIER)?)
            } else if id == oid::MESSAGE_DIGEST {
                digest.replace(only_value(&values, Tag::OCTET_STRING)?)
            } else {
                None
            };
            if previous.is_some() {
                return Err(CmsError::Attributes);
            }
        }
        match (named_type, digest) {
            (Some(named), Some(message_digest)) if named == content_type => Ok(Self {
                element,
                message_digest,
            }),
            _ => Err(CmsError::Attributes),
        }
    }

    /// The digest of the attributes as they stand, but tagged as the SET OF that they are
    /// (RFC 5652, 5.4).
    fn digest(&self, hash: HashAlgorithm) -> Option<Digest> {
        let (_, untagged) = self.element.raw.split_first()?;
        Some(hash.hash([&[0x31][..], untagged]))
    }
}

fn only_value<'a>(values: &Element<'a>, tag: Tag) -> Result<&'a [u8], CmsError> {
    let mut values = values.elements("Attribute");
    let value = values.expect(tag)?.value;
    if values.is_empty() {
        Ok(value)
    } else {
        Err(CmsError::Attributes)
    }
}

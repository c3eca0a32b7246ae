//! A PKCS#7 message with a signature, as crypto/asymmetric_keys/pkcs7_parser.c in Linux reads it; and what it says of
//! the image, by mscode_parser.c.

use super::ber::{
    Elements, INTEGER, OCTET_STRING, OID, SEQUENCE, SET, constructed, is_whole, malformed,
};
use super::crypto::{Hash, KeyKind, Knows, Signature, Stop};
use super::x509::{X509, time};
use super::{Refusal, refused, refused_because};
use baton_sys::kexec_error::errno::{EBADMSG, EINVAL, EKEYREJECTED, ENODATA, ENOPKG};
use baton_verify::der::oid;

/// The most certificates that are looked at; each that issued itself costs a public-key operation.
const MAX_CERTIFICATES: usize = 64;
/// The most signers; for each the whole content is hashed.
const MAX_SIGNERS: usize = 16;
/// signingTime (RFC 2985, 5.3.3).
const SIGNING_TIME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 5];

/// A message.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    content_type: &'a [u8],
    /// The content, without and with its tag and length.
    content: Option<(&'a [u8], &'a [u8])>,
    /// The certificates that it carries.
    pub certificates: Vec<X509<'a>>,
    /// Who signed.
    pub signers: Vec<SignerInfo<'a>>,
}

/// Who signed, and how.
#[derive(Debug, Clone)]
pub struct SignerInfo<'a> {
    /// What the signer's certificate is named by; `None` where it is by its key identifier.
    pub id: Option<(&'a [u8], &'a [u8])>,
    /// What was hashed with.
    pub hash: Hash,
    /// The kind of the signer's key.
    pub kind: KeyKind,
    /// The signature's bytes.
    pub signature: &'a [u8],
    /// What is signed in place of the content, if anything is.
    pub attributes: Option<Attributes<'a>>,
}

/// What is signed, in place of the content.
#[derive(Debug, Clone, Copy)]
pub struct Attributes<'a> {
    /// With tag and length.
    raw: &'a [u8],
    digest: &'a [u8],
    /// When, as the signer says.
    pub time: Option<i64>,
}

impl<'a> Message<'a> {
    /// Reads one (pkcs7_parse_message).
    ///
    /// # Errors
    /// The kernel's.
    pub fn parse(bytes: &'a [u8], knows: Knows<'_>) -> Result<Self, Stop> {
        let mut info = Elements(bytes).inside(SEQUENCE)?;
        if info.expect(OID)?.value != oid::SIGNED_DATA {
            return Err(refused(EINVAL).into());
        }
        let mut fields = info.inside(constructed(0))?.inside(SEQUENCE)?;
        let version = fields.expect(INTEGER)?.value;
        if !matches!(version, [1 | 3]) {
            return Err(refused(EINVAL).into());
        }
        set_or_sequence(&mut fields)?;
        let mut content = fields.inside(SEQUENCE)?;
        let content_type = content.expect(OID)?.value;
        let data = content.optional(constructed(0))?;
        let data = data.map(|explicit| explicit.elements().any()).transpose()?;
        if ![oid::DATA, oid::SPC_INDIRECT_DATA].contains(&content_type) {
            return Err(refused(EINVAL).into());
        }
        let mut certificates = Vec::new();
        if let Some(set) = either(&mut fields, constructed(0), constructed(2))? {
            let mut set = set;
            while !set.is_empty() {
                if certificates.len() >= MAX_CERTIFICATES {
                    return Err(Stop::Unknown(
                        "it carries more certificates than Baton looks at",
                    ));
                }
                certificates.push(X509::parse(set.expect(SEQUENCE)?, knows)?);
            }
        }
        either(&mut fields, constructed(1), constructed(3))?;
        let mut infos = set_or_sequence(&mut fields)?;
        let mut signers = Vec::new();
        while !infos.is_empty() {
            if signers.len() >= MAX_SIGNERS {
                return Err(Stop::Unknown("it has more signers than Baton looks at"));
            }
            let info = infos.inside(SEQUENCE)?;
            signers.push(SignerInfo::read(info, version, content_type)?);
        }
        if !is_whole(bytes) {
            return Err(malformed().into());
        }
        // pkcs7_check_authattrs
        let has = |signer: &SignerInfo<'_>| signer.attributes.is_some();
        if signers.is_empty() || signers.iter().any(has) != signers.iter().all(has) {
            return Err(refused(EINVAL).into());
        }
        Ok(Message {
            content_type,
            content: data.map(|element| (element.value, element.raw)),
            certificates,
            signers,
        })
    }

    /// Whether it is Authenticode's.
    #[must_use]
    pub fn is_authenticode(&self) -> bool {
        self.content_type == oid::SPC_INDIRECT_DATA
    }

    /// What the signer signed, hashed (pkcs7_digest).
    ///
    /// # Errors
    /// ENOPKG without the hash; EBADMSG or EKEYREJECTED where the content is another than is said.
    pub fn signed(
        &self,
        signer: &SignerInfo<'a>,
        knows: Knows<'_>,
    ) -> Result<Signature<'a>, Refusal> {
        if !knows(signer.hash.name()) {
            return Err(refused(ENOPKG));
        }
        let (content, _) = self.content.unwrap_or_default();
        let mut digest = signer.hash.hash([content]);
        if let Some(attributes) = &signer.attributes {
            if attributes.digest.len() != digest.len() {
                return Err(refused(EBADMSG));
            }
            if attributes.digest != digest {
                let why = "what it says of the image was altered";
                return Err(refused_because(EKEYREJECTED, why));
            }
            // Tagged as the SET OF that they are.
            digest = signer
                .hash
                .hash([&[SET][..], attributes.raw.get(1..).unwrap_or_default()]);
        }
        Ok(Signature {
            kind: signer.kind,
            hash: signer.hash,
            digest,
            bytes: signer.signature,
        })
    }

    /// The certificate of a signer, if it is here (pkcs7_find_key): its place.
    #[must_use]
    pub fn certificate_of(&self, signer: &SignerInfo<'_>) -> Option<usize> {
        self.certificates.iter().position(|certificate| {
            signer.id == Some(certificate.id()) && certificate.key.kind() == signer.kind
        })
    }

    /// The image's digest, as it is said to be (mscode_parse).
    ///
    /// # Errors
    /// The kernel's.
    pub fn image_digest(&self) -> Result<(Hash, &'a [u8]), Stop> {
        let (_, raw) = self.content.ok_or_else(|| refused(ENODATA))?;
        let mut fields = Elements(raw).inside(SEQUENCE)?;
        let mut kind = fields.inside(SEQUENCE)?;
        let named = kind.expect(OID)?.value;
        if ![oid::SPC_PE_IMAGE_DATA, oid::SPC_INDIVIDUAL_KEY_PURPOSE].contains(&named) {
            return Err(malformed().into());
        }
        let mut info = fields.inside(SEQUENCE)?;
        let id = info.inside(SEQUENCE)?.expect(OID)?.value;
        let hash = Hash::known(id)?;
        Ok((hash, info.expect(OCTET_STRING)?.value))
    }
}

fn set_or_sequence<'a>(fields: &mut Elements<'a>) -> Result<Elements<'a>, Refusal> {
    either(fields, SET, SEQUENCE)?.ok_or_else(malformed)
}

fn either<'a>(
    fields: &mut Elements<'a>,
    one: u8,
    other: u8,
) -> Result<Option<Elements<'a>>, Refusal> {
    let found = match fields.optional(one)? {
        Some(element) => Some(element),
        None => fields.optional(other)?,
    };
    Ok(found.map(|element| element.elements()))
}

impl<'a> SignerInfo<'a> {
    fn read(mut fields: Elements<'a>, version: &[u8], content_type: &[u8]) -> Result<Self, Stop> {
        let own_version = fields.expect(INTEGER)?.value;
        match (own_version, version) {
            ([1], [1]) | ([3], [3]) => {}
            ([1 | 3], _) => return Err(malformed().into()),
            _ => return Err(refused(EINVAL).into()),
        }
        let id = match fields.optional(SEQUENCE)? {
            Some(named) => {
                let mut named = named.elements();
                Some((named.expect(SEQUENCE)?.value, named.expect(INTEGER)?.value))
            }
            None => {
                fields.expect(0x80)?;
                None
            }
        };
        let hash = fields.inside(SEQUENCE)?.expect(OID)?.value;
        let hash = Hash::known(hash)?;
        let attributes = match fields.optional(constructed(0))? {
            Some(element) => Some(Attributes::read(
                element.elements(),
                element.raw,
                content_type,
            )?),
            None => None,
        };
        let kind = fields.inside(SEQUENCE)?.expect(OID)?.value;
        let kind = KeyKind::of_signer(kind).ok_or_else(|| refused(ENOPKG))?;
        let signature = fields.expect(OCTET_STRING)?.value;
        // pkcs7_note_signed_info
        if content_type == oid::SPC_INDIRECT_DATA && attributes.is_none() {
            return Err(malformed().into());
        }
        either(&mut fields, constructed(1), constructed(3))?;
        fields.finish()?;
        Ok(SignerInfo {
            id,
            hash,
            kind,
            signature,
            attributes,
        })
    }
}

impl<'a> Attributes<'a> {
    /// pkcs7_sig_note_authenticated_attr for each, then pkcs7_sig_note_set_of_authattrs.
    fn read(mut list: Elements<'a>, raw: &'a [u8], content_type: &[u8]) -> Result<Self, Refusal> {
        let (mut named_type, mut digest, mut signed_at) = (None, None, None);
        while !list.is_empty() {
            let mut attribute = list.inside(SEQUENCE)?;
            let id = attribute.expect(OID)?.value;
            let mut values = attribute.inside(SET)?;
            while !values.is_empty() {
                let value = values.any()?;
                let repeated = match id {
                    oid::CONTENT_TYPE => {
                        if value.value != content_type {
                            return Err(malformed());
                        }
                        named_type.replace(value.value).is_some()
                    }
                    oid::MESSAGE_DIGEST => {
                        if value.tag != OCTET_STRING {
                            return Err(malformed());
                        }
                        digest.replace(value.value).is_some()
                    }
                    SIGNING_TIME => signed_at.replace(time(&value)?).is_some(),
                    _ => false,
                };
                if repeated {
                    return Err(refused(EKEYREJECTED));
                }
            }
        }
        match (named_type, digest) {
            (Some(_), Some(digest)) => Ok(Attributes {
                raw,
                digest,
                time: signed_at,
            }),
            _ => Err(malformed()),
        }
    }
}

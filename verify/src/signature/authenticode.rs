//! Authenticode: a PKCS#7 signature over the digest of a PE image ("Windows Authenticode
//! Portable Executable Signature Format", Microsoft, 2008).

use crate::crypto::algorithm::AlgorithmIdentifier;
use crate::crypto::hash::HashAlgorithm;
use crate::der::oid;
use crate::der::{Element, Elements, Malformed, Tag};
use crate::signature::cms::{CmsError, SignedData};

/// What entries of the certificate table are padded to a multiple of ("PE Format", The Attribute
/// Certificate Table).
const ENTRY_ALIGNMENT: usize = 8;

const INDIRECT_DATA: &str = "SpcIndirectDataContent";

/// What the content may be said to be about: a PE image. pesign writes the second instead, and
/// everybody takes it (crypto/asymmetric_keys/mscode_parser.c).
const DATA_TYPES: [&[u8]; 2] = [oid::SPC_PE_IMAGE_DATA, oid::SPC_INDIVIDUAL_KEY_PURPOSE];

/// One entry of an image's certificate table, parsed but not verified.
#[derive(Debug, Clone)]
pub struct Signature<'a> {
    pub(crate) signed: SignedData<'a>,
    /// The contents of SpcIndirectDataContent, which messageDigest is the digest of.
    pub(crate) content: &'a [u8],
    /// The digest that the signature gives for the image.
    pub(crate) image_digest: &'a [u8],
}

impl<'a> Signature<'a> {
    /// Reads the data of a WIN_CERTIFICATE: one ContentInfo, and after it at most the bytes, fewer than
    /// eight, that pad the entry. (Some signers count the padding into the entry's length, some don't,
    /// and of Red Hat's GRUB it isn't zero. Nothing reads it: `docs/harmless-bits.md`.)
    ///
    /// # Errors
    /// If it isn't strict DER of an Authenticode signature, or names algorithms that aren't
    /// accepted.
    pub fn parse(data: &'a [u8]) -> Result<Self, CmsError> {
        let signed = SignedData::parse(without_padding(data)?)?;
        if signed.content_type != oid::SPC_INDIRECT_DATA {
            return Err(Malformed {
                what: INDIRECT_DATA,
            }
            .into());
        }
        let (hash, image_digest) = indirect_data(&signed.content)?;
        if hash != signed.signer.hash {
            return Err(CmsError::AlgorithmsDiffer);
        }
        Ok(Self {
            content: signed.content.value,
            image_digest,
            signed,
        })
    }

    /// The digest that it gives for the image.
    #[must_use]
    pub fn image_digest(&self) -> &'a [u8] {
        self.image_digest
    }

    /// What it consists of.
    #[must_use]
    pub fn signed(&self) -> &SignedData<'a> {
        &self.signed
    }

    /// The hash algorithm, the same everywhere in the signature.
    #[must_use]
    pub fn hash(&self) -> HashAlgorithm {
        self.signed.signer.hash
    }
}

fn without_padding(data: &[u8]) -> Result<&[u8], CmsError> {
    let mut elements = Elements::new(data, "WIN_CERTIFICATE");
    let info = elements.any()?;
    let padding = data.len().saturating_sub(info.raw.len());
    let aligned = padding == 0 || data.len().is_multiple_of(ENTRY_ALIGNMENT);
    if padding < ENTRY_ALIGNMENT && aligned {
        Ok(info.raw)
    } else {
        Err(elements.malformed().into())
    }
}

/// The hash algorithm and the image's digest in an SpcIndirectDataContent. The link or flags
/// in its SpcPeImageData are obsolete, and signers differ in them: only their form is checked.
fn indirect_data<'a>(content: &Element<'a>) -> Result<(HashAlgorithm, &'a [u8]), CmsError> {
    let mut outer = Elements::new(content.raw, INDIRECT_DATA);
    let mut fields = outer.sequence(INDIRECT_DATA)?;

    let mut data = fields.sequence("SpcAttributeTypeAndOptionalValue")?;
    let named = data.oid()?;
    if !DATA_TYPES.contains(&named) {
        return Err(data.malformed().into());
    }
    if !data.is_empty() {
        data.any()?;
    }
    data.finish()?;

    let mut info = fields.sequence("DigestInfo")?;
    let algorithm = AlgorithmIdentifier::read(&mut info)?;
    let digest = info.expect(Tag::OCTET_STRING)?.value;
    info.finish()?;
    fields.finish()?;

    let hash = algorithm.as_hash().ok_or(CmsError::Hash)?;
    if digest.len() != hash.digest_len() {
        return Err(Malformed { what: "DigestInfo" }.into());
    }
    Ok((hash, digest))
}

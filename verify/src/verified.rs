//! What was verified, and by whom.

use alloc::string::String;
use core::fmt;

use crate::display::KeyId;
use crate::trust::AnchorSource;

/// An image that is trusted: it borrows the bytes that were hashed. Only this crate makes one.
#[derive(Debug, Clone)]
pub struct Verified<'a> {
    bytes: &'a [u8],
    digest: [u8; 32],
    signer: Signer,
}

/// Who vouched for an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The name of the signer's certificate, printable ASCII; empty if the image is vouched
    /// for by its digest.
    pub subject: String,
    /// The signer's key; empty if the image is vouched for by its digest.
    pub key_id: KeyId,
    /// The name of the trusted certificate; the signer's own if that is trusted itself.
    pub anchor_subject: String,
    /// The trusted certificate's key.
    pub anchor_key_id: KeyId,
    /// Where the trust comes from.
    pub anchor_source: AnchorSource,
}

impl<'a> Verified<'a> {
    pub(crate) fn new(bytes: &'a [u8], digest: [u8; 32], signer: Signer) -> Self {
        Self {
            bytes,
            digest,
            signer,
        }
    }

    /// The image without its certificate table. The digest covers all of it but two fields of
    /// the PE header: CheckSum, and the directory entry of the certificate table.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Its SHA-256 Authenticode digest.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Who vouched for it.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.signer
    }
}

impl Signer {
    /// For an image whose digest is listed.
    pub(crate) fn listed_digest() -> Self {
        Self {
            subject: String::new(),
            key_id: KeyId::new(&[]),
            anchor_subject: String::new(),
            anchor_key_id: KeyId::new(&[]),
            anchor_source: AnchorSource::MokListHash,
        }
    }
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.anchor_source == AnchorSource::MokListHash {
            return write!(f, "its digest, listed in {}", self.anchor_source);
        }
        write!(f, "\"{}\" (key id {})", self.subject, self.key_id)?;
        if self.key_id == self.anchor_key_id && self.subject == self.anchor_subject {
            return write!(f, ", trusted by {}", self.anchor_source);
        }
        write!(
            f,
            ", vouched for by \"{}\" (key id {}) in {}",
            self.anchor_subject, self.anchor_key_id, self.anchor_source
        )
    }
}

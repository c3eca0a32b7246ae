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
    way: Way,
}

/// How an image is vouched for, in the order in which the ways are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By an Authenticode signature in the PE image.
    Authenticode,
    /// By its Authenticode digest, which is listed in the MOK list.
    ListedDigest,
    /// By a signature appended to it, as to the kernel's modules.
    Appended,
    /// By a signature in a note of the ELF file. Nothing covers the signature itself, so such a
    /// file may be taken for ELF only: another format's header could hide there.
    Note,
    /// By a detached signature that comes with it.
    Detached,
    /// By a signed manifest that lists the SHA-256 of the whole file.
    Manifest,
}

impl Way {
    /// Its name for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Authenticode => "authenticode",
            Self::ListedDigest => "listed-digest",
            Self::Appended => "appended",
            Self::Note => "note",
            Self::Detached => "detached",
            Self::Manifest => "manifest",
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authenticode => "Authenticode signature",
            Self::ListedDigest => "listed digest",
            Self::Appended => "appended signature",
            Self::Note => "signature in an ELF note",
            Self::Detached => "detached signature",
            Self::Manifest => "signed manifest",
        })
    }
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
    pub(crate) fn new(bytes: &'a [u8], digest: [u8; 32], signer: Signer, way: Way) -> Self {
        Self {
            bytes,
            digest,
            signer,
            way,
        }
    }

    /// What is vouched for, bit by bit, but for the following.
    ///
    /// - By Authenticode or a listed digest: the image without its certificate table. Two fields
    ///   of the PE header aren't covered: CheckSum, and the certificate table's directory entry.
    /// - By an appended signature: all that comes before it.
    /// - By an ELF note: the whole file. The note's descriptor, the signature itself, isn't
    ///   covered; it lies in no segment that is loaded, and in no header.
    /// - By a detached signature or a manifest: the whole file.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The SHA-256 of what was signed: by Authenticode or a listed digest the Authenticode
    /// digest; by an ELF note that of the file with the descriptor's bytes zero; otherwise that
    /// of [`Self::bytes`].
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Who vouched for it.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// How they did.
    #[must_use]
    pub fn way(&self) -> Way {
        self.way
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

//! What was verified, and by whom.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use baton_formats::policy::Rules;
use baton_formats::verdict::SignatureKind;

use crate::display::KeyId;
use crate::policy::trust::AnchorSource;

/// An image that is trusted: it borrows the bytes that were hashed. Only this crate makes one.
#[derive(Debug, Clone)]
pub struct Verified<'a> {
    bytes: &'a [u8],
    digest: [u8; 32],
    signer: Signer,
    signature_kind: SignatureKind,
}

/// Who vouched, shared by all that they vouched for.
pub type Signer = Arc<Identity>;

/// Who vouched for an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name of the signer's certificate, as it may be shown; empty if the image is vouched
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
    /// Whether the policy lets the key vouch for kernels.
    pub vouches_for_kernels: bool,
    /// Whether the policy lets the key vouch for manifests.
    pub vouches_for_manifests: bool,
}

impl<'a> Verified<'a> {
    pub(crate) fn new(
        bytes: &'a [u8],
        digest: [u8; 32],
        signer: Signer,
        signature_kind: SignatureKind,
    ) -> Self {
        Self {
            bytes,
            digest,
            signer,
            signature_kind,
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
    pub fn signature_kind(&self) -> SignatureKind {
        self.signature_kind
    }
}

impl Identity {
    /// For an image whose digest is listed.
    pub(crate) fn listed_digest() -> Signer {
        Arc::new(Self {
            subject: String::new(),
            key_id: KeyId::new(&[]),
            anchor_subject: String::new(),
            anchor_key_id: KeyId::new(&[]),
            anchor_source: AnchorSource::MokListHash,
            vouches_for_kernels: true,
            vouches_for_manifests: true,
        })
    }

    /// Whether the key's signature counts for what is code to the kernel, wherever that is: what the key
    /// could bring in anyway, as a kernel or by a manifest that lists one, where `rules` accept those.
    pub(crate) fn vouches_for_code(&self, rules: &Rules<'_>) -> bool {
        let accept =
            |signature_kind: &SignatureKind| rules.kernel.accept_kernel(*signature_kind, true);
        let by_itself = [
            SignatureKind::Authenticode,
            SignatureKind::Appended,
            SignatureKind::Note,
            SignatureKind::Detached,
        ];
        (self.vouches_for_kernels && by_itself.iter().any(accept))
            || (self.vouches_for_manifests && accept(&SignatureKind::Manifest))
    }
}

impl fmt::Display for Identity {
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

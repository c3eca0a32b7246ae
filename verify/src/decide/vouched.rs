//! What was judged, part by part, for the record that travels on with the next kernel.

use alloc::vec::Vec;

use baton_formats::handover::Record;
use baton_formats::policy::Rules;
use baton_formats::uki::Arguments;
use baton_formats::verdict::{ComponentKind, SignatureKind};

use crate::crypto::hash::sha256;
use crate::decide::manifest::VerifiedManifest;
use crate::signature::verified::{Signer, Verified};

/// How a part is vouched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// How; `Unsigned`: user space chose it.
    pub signature_kind: SignatureKind,
    /// By whom; `None` if it isn't vouched for.
    pub signer: Option<Signer>,
}

impl Vouched {
    /// Not at all.
    pub(crate) const UNSIGNED: Self = Self {
        signature_kind: SignatureKind::Unsigned,
        signer: None,
    };

    pub(crate) fn by(signature_kind: SignatureKind, signer: Signer) -> Self {
        Self {
            signature_kind,
            signer: Some(signer),
        }
    }

    pub(crate) fn as_is(image: &Verified<'_>) -> Self {
        Self::by(image.signature_kind(), image.signer().clone())
    }

    /// Whether that counts for what is code to the kernel, too.
    pub(crate) fn counts_for_code(&self, rules: &Rules<'_>) -> bool {
        let signer = self.signer.as_ref();
        signer.is_some_and(|signer| signer.vouches_for_code(rules))
    }
}

/// A part of what is booted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedPart {
    /// What it is.
    pub kind: ComponentKind,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256, or, of a signed PE image, its Authenticode digest; of a part of a UKI or of an
    /// addon the digest of all of that.
    pub digest: [u8; 32],
    /// How it is vouched for.
    pub vouched: Vouched,
}

impl JudgedPart {
    pub(crate) fn new(
        kind: ComponentKind,
        bytes: &[u8],
        digest: [u8; 32],
        vouched: Vouched,
    ) -> Self {
        Self {
            kind,
            size: bytes.len() as u64,
            digest,
            vouched,
        }
    }

    /// A signed image.
    pub(crate) fn image(kind: ComponentKind, record: &Record<'_>, image: &Verified<'_>) -> Self {
        Self::new(kind, record.bytes, image.digest(), Vouched::as_is(image))
    }

    /// The command line as it is booted.
    pub(crate) fn command_line(line: &[u8], vouched: Vouched) -> Self {
        Self::new(ComponentKind::CommandLine, line, sha256([line]), vouched)
    }

    /// The manifest.
    pub(crate) fn manifest(record: &Record<'_>, manifest: &VerifiedManifest<'_>) -> Self {
        let vouched = Vouched::by(SignatureKind::Detached, manifest.signer().clone());
        Self::new(
            ComponentKind::Manifest,
            record.bytes,
            sha256([record.bytes]),
            vouched,
        )
    }
}

/// Adds what is signed together with `image`, a UKI or an addon, but for its command line.
pub(crate) fn add_parts_of(
    image: &Verified<'_>,
    arguments: &Arguments<'_>,
    parts: &mut Vec<JudgedPart>,
) {
    for (kind, bytes) in [
        (ComponentKind::Microcode, arguments.ucode),
        (ComponentKind::Initrd, arguments.initrd),
        (ComponentKind::DeviceTree, arguments.dtb),
    ] {
        if let Some(bytes) = bytes {
            parts.push(JudgedPart::new(
                kind,
                bytes,
                image.digest(),
                Vouched::as_is(image),
            ));
        }
    }
}

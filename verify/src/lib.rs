//! Decides whether bytes are trusted, and says why not.
//!
//! One function decides for everybody: [`decide`] judges a whole handover, [`verify_image`] one
//! PE image, [`verify_kernel`] a kernel of any format, [`verify_detached`] any bytes by a detached
//! signature. The gate and the command line's preflight call the same code with the same
//! arguments, so they can't disagree. A verdict depends on the arguments alone: no clock, no
//! randomness, no environment.
//!
//! What is trusted: bytes with a signature of any of the kinds that [`SignatureKind`] lists whose signer
//! chains to a certificate in [`Trust`], and PE images whose SHA-256 Authenticode digest is listed
//! there. Only this crate makes a [`Verified`], and it borrows the very bytes that were hashed.
//!
//! A signature counts for one role: a kernel, an initrd or a manifest, as the bytes show by how they
//! begin. Any other kernel than Linux in a PE image or in ELF, and all that goes with it, must be listed
//! in a manifest, which says what each file is.
//!
//! What is revoked is refused, whoever vouches for it: certificates and keys, digests of images,
//! initrds and manifests, and images whose `.sbat` is below a level ([`sbat()`]).
//!
//! What is deliberately not judged: validity dates (there is no clock to trust before the next
//! kernel runs; the kernel and shim don't judge them either), extended key usage but for keys that are
//! for kernel modules, and everything in unauthenticated attributes.
//!
//! ```
//! use baton_verify::{Trust, verify_image};
//!
//! # let root = include_bytes!("../tests/fixtures/root.der");
//! # let image = include_bytes!("../tests/fixtures/sbsign-chain.efi");
//! # let altered = &{ let mut bytes = *image; bytes[0x400] ^= 1; bytes };
//! // The root's key issued the intermediate's, which issued the signer's.
//! let trust = Trust::new().add_keys(root)?;
//! let verified = verify_image(image, &trust).map_err(|reason| reason.to_string())?;
//! println!("signed by {}", verified.signer());
//!
//! let reason = verify_image(altered, &trust).unwrap_err();
//! assert_eq!(reason.code(), "digest-mismatch");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

extern crate alloc;

mod crypto;
mod decide;
pub mod der;
mod display;
mod policy;
mod reason;
mod signature;
mod x509;

pub use baton_formats::verdict::SignatureKind;
pub use crypto::hash::{Digest, HashAlgorithm};
pub use decide::arch::arm64::check_page_size;
pub use decide::arch::x86::check_entry;
pub use decide::kernel::{verify_kernel, verify_kernel_on};
pub use decide::machine::Machine;
pub use decide::manifest;
pub use decide::manifest::VerifiedManifest;
pub use decide::payload::{Payload, as_uki};
pub use decide::uki::{signed_command_line, verify_addon};
pub use decide::vouched::{JudgedPart, Vouched};
pub use decide::{AppliedPolicy, Decision, decide, decide_draft, judge_initrds};
pub use display::{KeyId, is_shown};
pub use policy::chain::IssuerProblem;
pub use policy::revoked::check_revoked;
pub use policy::sbat::sbat;
pub use policy::sbat::{SbatSource, check_sbat};
pub use policy::scope::Use;
pub use policy::trust::{AnchorSource, Lists, Phase, RevocationSource, Trust, TrustError};
pub use policy::{command_line, sbat, trust};
pub use reason::Reason;
pub use reason::refusal::{Component, Refusal};
pub use signature::detached::{verify_detached, verify_detached_for};
pub use signature::image::verify_image;
pub use signature::verified::{Identity, Signer, Verified};
pub use signature::{authenticode, cms, detached};
pub use x509::certificate;
pub use x509::certificate::{Certificate, CertificateError};

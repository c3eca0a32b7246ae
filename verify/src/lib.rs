//! Decides whether bytes are trusted, and says why not.
//!
//! One function decides for everybody: [`decide`] judges a whole handover, [`verify_image`] one
//! PE image, [`verify_kernel`] a kernel of any format, [`verify_detached`] any bytes by a detached
//! signature. The gate and the command line's preflight call the same code with the same
//! arguments, so they can't disagree. A verdict depends on the arguments alone: no clock, no
//! randomness, no environment.
//!
//! What is trusted: bytes with a signature of any of the kinds that [`Way`] lists whose signer
//! chains to a certificate in [`Trust`], and PE images whose SHA-256 Authenticode digest is listed
//! there. Only this crate makes a [`Verified`], and it borrows the very bytes that were hashed.
//!
//! A signature counts for one role: a kernel, an initrd or a manifest, as the bytes show by how they
//! begin. Any other kernel than Linux in a PE image or in ELF, and all that goes with it, must be listed
//! in a manifest, which says what each file is.
//!
//! What is revoked is refused, whoever vouches for it: certificates and keys, digests of images,
//! initrds and manifests, and images whose `.sbat` is below a level ([`sbat`]).
//!
//! What is deliberately not judged: validity dates (there is no clock to trust before the next
//! kernel runs; the kernel and shim don't judge them either), extended key usage but for keys that are
//! for kernel modules, and everything in unauthenticated attributes.
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

mod algorithm;
pub mod asn1;
pub mod authenticode;
pub mod certificate;
mod chain;
pub mod cms;
pub mod command_line;
mod decide;
pub mod detached;
mod display;
mod ecdsa;
mod entry;
mod extension;
mod hash;
mod image;
mod joined;
mod kernel;
mod key;
mod machine;
pub mod manifest;
mod montgomery;
mod oid;
mod payload;
mod reason;
mod records;
mod refusal;
mod revoked;
mod rsa;
pub mod sbat;
mod scope;
mod signer_info;
pub mod trust;
mod uki;
mod verified;
mod vouch;
mod vouched;

pub use baton_formats::verdict::Way;
pub use certificate::{Certificate, CertificateError};
pub use chain::IssuerProblem;
pub use decide::{AppliedPolicy, Decision, decide, judge_initrds};
pub use detached::{verify_detached, verify_detached_for};
pub use display::{KeyId, is_shown};
pub use entry::check_entry;
pub use hash::{Digest, HashAlgorithm};
pub use image::verify_image;
pub use kernel::{verify_kernel, verify_kernel_on};
pub use machine::Machine;
pub use manifest::VerifiedManifest;
pub use payload::{Payload, as_uki};
pub use reason::Reason;
pub use refusal::{Component, Refusal};
pub use revoked::check_revoked;
pub use sbat::{SbatSource, check_sbat, sbat};
pub use scope::Use;
pub use trust::{AnchorSource, Lists, Phase, RevocationSource, Trust, TrustError};
pub use uki::{signed_command_line, verify_addon};
pub use verified::{Identity, Signer, Verified};
pub use vouched::{Part, Vouched};

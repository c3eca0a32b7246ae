//! Signatures of any kind, and who made them.

pub mod authenticode;
pub mod cms;
pub mod detached;
pub(crate) mod image;
pub(crate) mod signer_info;
pub(crate) mod verified;
pub(crate) mod vouch;

//! Certificates, as they are read: whom to trust is none of this.

pub mod certificate;
pub(crate) mod extension;

//! Who is trusted for what, what is revoked, and what the policy lets through.

pub(crate) mod chain;
pub mod command_line;
pub(crate) mod revoked;
pub mod sbat;
pub(crate) mod scope;
pub mod trust;

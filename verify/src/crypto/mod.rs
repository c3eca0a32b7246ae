//! Digests, keys, and what they say of each other. Nothing here knows what is signed, or why.

pub(crate) mod algorithm;
pub(crate) mod ecdsa;
pub(crate) mod hash;
pub(crate) mod key;
pub(crate) mod montgomery;
pub(crate) mod rsa;

//! Keys in tokens (smart cards, HSMs, SoftHSM) through a PKCS#11 module: a shared library that is loaded at run time.
//!
//! Declared here is what signing needs of "PKCS #11 Cryptographic Token Interface Base Specification Version 2.40": 15 of
//! its 68 functions. Names beside numbers are the specification's, and the numbers are those of its header pkcs11t.h.

mod error;
mod ffi;
mod module;
mod session;

pub use error::Pkcs11Error;
pub use module::{Module, Token};
pub use session::{Attribute, Class, Mechanism, Object, Session};

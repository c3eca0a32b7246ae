//! Files and texts that are given, read as what they have to be. What a file is, where it may be one of many things,
//! is told by `kind`.

pub mod certs;
pub mod cmdline;
pub mod compression;
pub mod der;
pub mod form;
pub mod keystore;
pub mod p7s;
pub mod pem;
pub mod read;
pub mod revocations;
pub mod variable_store;

//! Writing binary formats: DER, and the fields of headers.

pub mod der;
pub mod field;
pub mod pe;

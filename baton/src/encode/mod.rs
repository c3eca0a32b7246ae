//! Writing binary formats: DER, and the fields of PE headers.

pub mod der;
pub mod pe;

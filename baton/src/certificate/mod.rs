//! What a certificate says besides what trust depends on: when it expires, what its key is for, and the names by which
//! people know it. Neither the kernel nor shim nor the gate goes by any of it.

pub mod details;
pub mod fields;
pub mod key_kind;
pub mod known;
pub mod usefulness;

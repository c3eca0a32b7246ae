//! Parameters that kernels of x86 alone have.

/// Names that reach the same, and where that is seen.
pub const SAME: &[(&[&str], &str)] = &[(&["pti", "nopti", "mitigations"], "arch/x86/mm/pti.c")];

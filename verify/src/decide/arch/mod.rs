//! How kernels of one architecture may be entered.

pub(crate) mod arm64;
pub(crate) mod x86;

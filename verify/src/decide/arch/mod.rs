//! How kernels of one architecture may be entered.

pub(crate) mod x86;

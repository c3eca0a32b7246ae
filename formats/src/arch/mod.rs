//! What one architecture's kernels alone have.

pub mod x86;

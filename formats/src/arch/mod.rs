//! What one architecture's kernels alone have.

pub mod arm64;
pub mod x86;

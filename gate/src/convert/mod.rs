//! Turning what was verified into a running kernel: one module for each format.
//!
//! A converter is a pure function from verified bytes and free memory to a [`BootPlan`]. Carrying
//! the plan out is the machine's work.

pub mod bzimage64;

use baton_verify::Verified;

/// Everything that is left to do: the writes, in order, and the jump.
pub struct BootPlan<'m> {
    /// Whose code is jumped to. Only `baton_verify` can make one.
    pub kernel: Verified<'m>,
    /// The release that the kernel names, for people.
    pub version: Option<&'m str>,
    /// What is copied where. The target never overlaps anything that is borrowed.
    pub copy: Copy<'m>,
    /// The next kernel's boot_params, written over the old ones.
    pub boot_params: [u8; 4096],
    /// Where boot_params go.
    pub boot_params_address: u64,
    /// Where the next kernel is entered, with RSI = `boot_params_address`.
    pub entry: u64,
}

/// Bytes to be copied to a physical address.
pub struct Copy<'m> {
    /// The bytes.
    pub from: &'m [u8],
    /// The physical address they go to.
    pub to: u64,
}

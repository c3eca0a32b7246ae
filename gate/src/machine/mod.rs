//! What only a machine can do. The only folder of the gate where `unsafe` is allowed.

#[allow(
    clippy::cast_possible_truncation,
    reason = "registers and descriptors have the widths their manuals give them"
)]
#[cfg(target_arch = "x86_64")]
pub mod x86_64;

//! What only a machine can do. The only folder of the gate where `unsafe` is allowed.

#[cfg(target_arch = "x86_64")]
pub mod x86_64;

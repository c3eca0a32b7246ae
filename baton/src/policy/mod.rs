//! The gate's policy: as people write it, as the gate reads it, and in sentences.
//!
//! ```text
//! TOML ── source ─▶ model ── compact ─▶ bytes in the gate
//!      ◀─ canonical ──   ◀── compact ──
//! ```
//!
//! docs/policy.md describes the TOML, [`baton_formats::policy`] the bytes, and `baton_verify` what
//! each rule does.

mod aliases;
pub mod args;
pub mod canonical;
pub mod compact;
pub mod cover;
pub mod explain;
pub mod given;
pub mod model;
pub mod preset;
pub mod run;
pub mod source;
mod warnings;

#[cfg(test)]
mod tests;

//! The gate's policy: as people write it, as the gate reads it, in tables, and compared with another.
//!
//! ```text
//! TOML ◀─▶ document ── source ────▶ model ── compact ─▶ bytes in the gate
//!                   ◀─ canonical ──       ◀── compact ──
//! ```
//!
//! What a key of the TOML may hold is said in `document` alone, and its words in [`words`], for whatever reads, writes,
//! explains or shows them.
//!
//! docs/policy.md describes the TOML, [`baton_formats::policy`] the bytes, and `baton_verify` what
//! each rule does.

mod aliases;
pub mod args;
pub mod canonical;
pub mod compact;
pub mod cover;
pub mod diff;
mod document;
pub mod explain;
pub mod given;
pub mod model;
pub mod names;
pub mod preset;
pub mod run;
pub mod source;
pub mod table;
mod warnings;
pub mod words;

#[cfg(test)]
mod tests;

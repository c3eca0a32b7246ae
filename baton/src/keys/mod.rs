//! `baton keys`: whom this machine trusts and for what; keys made, shown and enrolled.
//!
//! ```text
//! lists, keyrings, gate ─ inventory ─▶ list, show
//!                 random ─ generate ─▶ new
//!            certificate ─ request ──▶ enroll ─▶ mokutil
//! ```

pub mod advice;
pub mod args;
pub mod enroll;
pub mod generate;
pub mod given;
pub mod inventory;
pub mod list;
pub mod mokutil;
pub mod new;
pub mod password;
pub mod request;
pub mod run;
pub mod show;

//! `baton setup`: from nothing to a loaded kernel, step by step.
//!
//! ```text
//! readiness::facts ─ situation ─ plan (pure) ─▶ steps
//! ```
//!
//! Nothing is remembered between two runs: what there is to do follows from the machine alone.

pub mod args;
pub mod build;
pub mod command;
pub mod plan;
pub mod reserve;
pub mod run;
pub mod situation;
pub mod step;

#[cfg(test)]
mod plan_tests;

//! `baton exec`.

pub mod args;
pub mod run;

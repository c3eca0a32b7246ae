//! `baton exec`.

pub mod args;
pub mod quirks;
pub mod run;

//! `baton status`.

pub mod args;
pub mod run;
mod tree;

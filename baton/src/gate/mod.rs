//! `baton gate build`.

pub mod args;
pub mod image;
pub mod run;

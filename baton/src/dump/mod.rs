//! `baton dump`: works with dumps of crashed kernels.

pub mod args;
mod check;
mod convert;
mod digest;
mod dmesg;
mod find;
mod info;
mod list;
mod open;
mod progress;
mod raw;
pub mod run;

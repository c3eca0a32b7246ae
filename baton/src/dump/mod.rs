//! `baton dump`: works with dumps of crashed kernels.

pub mod args;
pub(crate) mod check;
pub(crate) mod convert;
mod digest;
pub(crate) mod dmesg;
mod find;
pub(crate) mod info;
pub(crate) mod list;
mod open;
mod progress;
mod raw;
pub mod run;

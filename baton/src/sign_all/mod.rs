//! `baton sign-all`: signs what a file lists, as after a kernel upgrade, and nothing that is signed already.

pub mod args;
pub mod glob;
pub mod job;
pub mod run;
pub mod settings;

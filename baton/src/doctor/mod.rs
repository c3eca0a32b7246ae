//! `baton doctor`: whether a machine is ready to start another kernel, and to survive a crash.

pub mod args;
pub mod run;

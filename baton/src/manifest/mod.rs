//! `baton manifest`.

pub mod args;
pub mod run;

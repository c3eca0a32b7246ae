//! `baton unload`, and `baton crash unload`.

pub mod args;
pub mod run;

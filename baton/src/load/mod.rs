//! `baton load`, and what `baton crash load` has in common with it.

pub mod args;
pub mod entry;
pub mod plan;
pub mod report;
pub mod run;
pub mod settings;

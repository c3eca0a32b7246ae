//! `baton verify`: what an image and its signatures are worth, by the gate's own code.

mod against;
mod anchors;
mod answers;
pub mod args;
mod explain;
mod judge;
pub(crate) mod report;
pub mod run;
mod signature;

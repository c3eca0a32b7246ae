//! `baton verify`: what an image and its signatures are worth, by the gate's own code.

mod anchors;
pub mod args;
mod judge;
mod report;
pub mod run;
mod signature;

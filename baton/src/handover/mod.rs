//! What a load is made of, and the handover that is made of it.

pub mod args;
pub mod build;
pub mod choice;
pub mod files;
pub(crate) mod inputs;

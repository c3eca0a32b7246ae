//! What would be said to a load before it is made: by the running kernel, and by the gate.

pub(crate) mod gate;
pub mod kernel;
pub mod own;
pub mod parts;
pub mod trust;

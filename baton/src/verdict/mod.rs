//! What would be said to a load before it is made: by the running kernel, and by the gate; and at boot by shim.

pub(crate) mod chain;
pub(crate) mod file_load;
pub(crate) mod gate;
pub mod kernel;
pub mod own;
pub mod parts;
pub(crate) mod shim;
pub mod trust;

//! Whether a machine is ready to start another kernel, by choice or after a crash: facts, read once, and what follows
//! from them. `baton doctor` shows the findings, `baton setup` plans by the facts.

pub mod crash;
pub mod facts;
pub mod findings;
pub mod gate;
pub mod key;
pub mod others;
pub mod reservation;
pub mod units;

//! What the host and the program inside the test machines say to each other.
//!
//! The host writes a [`Script`](script::Script) on a disk; the guest carries out the steps of the
//! stage it finds itself in and says what it saw as [`Event`](event::Event)s on the console.

pub mod event;
pub mod script;
pub mod secret;

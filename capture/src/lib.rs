//! What captures a crash: the first program of the capture kernel, and the configuration that tells
//! it what to do, which `baton crash load` writes and checks with this same code.

#![forbid(unsafe_code)]

pub mod config;

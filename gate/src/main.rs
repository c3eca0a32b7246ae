//! The gate's image: the library, and nothing but it.
#![no_std]
#![no_main]

// Its entry point, `gate_entry`, is called by name from the linker script.
use baton_gate as _;

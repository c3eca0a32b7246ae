//! x86-64 PCs.

pub mod arguments;
pub mod convert;
pub mod paging;
pub mod screen;
pub mod serial_consoles;

// It can't be linked into a hosted program: it defines memcpy and a heap.
#[cfg(feature = "image")]
#[allow(unsafe_code)]
#[allow(
    clippy::cast_possible_truncation,
    reason = "registers and descriptors have the widths their manuals give them"
)]
pub mod machine;

//! What kernels of one architecture alone show, and what else of them differs:
//!
//! | what | where |
//! |---|---|
//! | whether page tables have five levels | `five_level_paging` |
//! | whether the next kernel is told of EFI | `passes_efi_on` |
//! | what errors of kexec_file_load mean there | `UNKNOWN_FORMAT`, `NO_KEXEC` |
//!
//! What else the kernels of one show is in its directory.

pub mod x86;

// The one that this is built for.
pub(crate) use x86::{NO_KEXEC, UNKNOWN_FORMAT};
pub use x86::{five_level_paging, passes_efi_on};

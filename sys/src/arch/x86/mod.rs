//! Linux on x86.

pub mod boot_params;
pub mod cpu;
mod kexec_error;
pub mod setup_data;

pub use cpu::five_level_paging;
pub(crate) use kexec_error::{NO_KEXEC, UNKNOWN_FORMAT};

use crate::Root;

/// Whether the kernel tells the next one where EFI's tables are, and of Secure Boot. It does so only with EFI runtime
/// services (setup_efi_state in arch/x86/kernel/kexec-bzimage64.c), not with efi=noruntime.
#[must_use]
pub fn passes_efi_on(root: &Root) -> bool {
    crate::efivars::has_runtime_services(root)
}

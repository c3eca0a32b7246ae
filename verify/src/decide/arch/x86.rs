//! How Linux on x86 may be entered, and what it is told.

use baton_formats::boot_params::{BootParams, SECURE_BOOT_ENABLED};
use baton_formats::bzimage::{XLF_5LEVEL, XLF_EFI_KEXEC};

use crate::decide::machine::Machine;
use crate::decide::payload::Payload;
use crate::reason::Reason;

/// Where the kernel's setup header begins in a bzImage (Documentation/arch/x86/boot.rst).
pub(crate) const SETUP_HEADER: usize = 0x1f1;

/// The longest command line that Linux takes without saying so in a header, without its NUL
/// (`COMMAND_LINE_SIZE` in arch/x86/include/asm/setup.h).
pub(crate) const COMMAND_LINE: u32 = 2047;

impl Machine {
    /// As boot_params say.
    #[must_use]
    pub fn told_by(params: &BootParams<'_>) -> Self {
        Self {
            secure_boot: params.secure_boot() == SECURE_BOOT_ENABLED,
            efi: params.efi_info().systab != 0,
            crash: None,
        }
    }
}

/// Whether it is a bzImage that says it can't be started by kexec under EFI.
pub(crate) fn loses_efi(payload: &Payload<'_>) -> bool {
    matches!(payload, Payload::BzImage(image) if image.xloadflags() & XLF_EFI_KEXEC == 0)
}

/// The gate keeps the number of page-table levels, which a bzImage must know; `kexec_file_load` asks
/// the same of the kernels that it loads itself (bzImage64_probe in
/// arch/x86/kernel/kexec-bzimage64.c). A vmlinux doesn't say whether it does. Other protocols enter
/// a kernel without paging.
///
/// # Errors
/// `NoFiveLevel`.
pub fn check_entry(payload: &Payload<'_>, five_level: bool) -> Result<(), Reason> {
    match payload {
        Payload::BzImage(image) if five_level && image.xloadflags() & XLF_5LEVEL == 0 => {
            Err(Reason::NoFiveLevel)
        }
        _ => Ok(()),
    }
}

//! Whether a kernel can be entered as the machine is when the gate jumps.

use baton_formats::bzimage::{BzImage, XLF_5LEVEL, XLF_CAN_BE_LOADED_ABOVE_4G};

use crate::reason::Reason;

/// The gate passes boot_params, command line and initrds where kexec put them, often above 4 GiB,
/// and keeps the number of page-table levels: the next kernel must know both. `kexec_file_load`
/// asks the same of the kernels it loads itself (bzImage64_probe in
/// arch/x86/kernel/kexec-bzimage64.c).
///
/// # Errors
/// `NotAbove4G` or `NoFiveLevel`.
pub fn check_entry(kernel: &BzImage<'_>, five_level: bool) -> Result<(), Reason> {
    let flags = kernel.xloadflags();
    if flags & XLF_CAN_BE_LOADED_ABOVE_4G == 0 {
        return Err(Reason::NotAbove4G);
    }
    if five_level && flags & XLF_5LEVEL == 0 {
        return Err(Reason::NoFiveLevel);
    }
    Ok(())
}

//! Whether a kernel can be entered as the machine is when the gate jumps.

use baton_formats::bzimage::XLF_5LEVEL;

use crate::decide::payload::Payload;
use crate::reason::Reason;

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

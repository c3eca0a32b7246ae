//! How Linux on arm64 may be entered.

use baton_formats::arch::arm64::image::PageSize;

use crate::decide::payload::Payload;
use crate::reason::Reason;

/// The longest command line that Linux takes, without its NUL (`COMMAND_LINE_SIZE` in
/// arch/arm64/include/uapi/asm/setup.h).
pub(crate) const COMMAND_LINE: u32 = 2047;

/// A kernel stops at its first instructions if the processor hasn't pages of the size that it is built for;
/// `kexec_file_load` asks the same of the kernels that it loads itself (image_load in arch/arm64/kernel/kexec_image.c).
///
/// # Errors
/// `PageSize`.
pub fn check_page_size(
    payload: &Payload<'_>,
    has: impl Fn(PageSize) -> bool,
) -> Result<(), Reason> {
    match payload {
        Payload::Arm64(image) => match image.page_size() {
            Some(size) if !has(size) => Err(Reason::PageSize(size)),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

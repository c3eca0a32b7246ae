//! The boot_params with which the running kernel was started, as it shows them on x86
//! (arch/x86/kernel/ksysfs.c).

use crate::{ReadError, Root};

/// The page of boot_params; `None` if the kernel doesn't show it.
///
/// # Errors
/// When the file exists and can't be read.
pub fn read(root: &Root) -> Result<Option<Vec<u8>>, ReadError> {
    root.read("sys/kernel/boot_params/data")
}

//! EFI variables, through efivarfs.

use crate::{ReadError, Root};
use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
use std::fs::File;
use std::io::{self, ErrorKind};

/// `EFI_GLOBAL_VARIABLE` of the UEFI specification, §3.3.
pub const GLOBAL: &str = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
/// `EFI_IMAGE_SECURITY_DATABASE_GUID` of the UEFI specification, §32.4: `db` and `dbx`.
pub const IMAGE_SECURITY: &str = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";

/// Where a variable is shown, below the root.
#[must_use]
pub fn path(name: &str, guid: &str) -> String {
    format!("sys/firmware/efi/efivars/{name}-{guid}")
}

/// A variable's data, without the four bytes of attributes that efivarfs puts before it; `None` if
/// there is no such variable.
///
/// # Errors
/// When the variable exists and can't be read.
pub fn read(root: &Root, name: &str, guid: &str) -> Result<Option<Vec<u8>>, ReadError> {
    Ok(root
        .read(&path(name, guid))?
        .map(|bytes| bytes.get(4..).unwrap_or_default().to_vec()))
}

/// Removes a variable; that there is none is fine.
///
/// # Errors
/// When it can't be removed.
pub fn remove(root: &Root, name: &str, guid: &str) -> io::Result<()> {
    let path = root.join(path(name, guid));
    // efivarfs makes variables that it doesn't know immutable (efivar_variable_is_removable of drivers/firmware/efi).
    if let Ok(file) = File::open(&path)
        && let Ok(flags) = ioctl_getflags(&file)
        && flags.contains(IFlags::IMMUTABLE)
    {
        // Whether it could be, the removal says.
        let _ = ioctl_setflags(&file, flags.difference(IFlags::IMMUTABLE));
    }
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether this system was booted through EFI.
#[must_use]
pub fn is_efi(root: &Root) -> bool {
    root.exists("sys/firmware/efi")
}

/// Whether the kernel uses the firmware's runtime services: not with `efi=noruntime`, nor does a real-time kernel.
#[must_use]
pub fn has_runtime_services(root: &Root) -> bool {
    root.exists("sys/firmware/efi/runtime-map")
}

/// Whether Secure Boot is on; `None` if the firmware has no such variable (or isn't EFI).
///
/// # Errors
/// When the variable can't be read.
pub fn secure_boot(root: &Root) -> Result<Option<bool>, ReadError> {
    Ok(read(root, "SecureBoot", GLOBAL)?.map(|data| data.first() == Some(&1)))
}

/// The firmware's `db`: the signature lists of what may be booted.
///
/// # Errors
/// When the variable can't be read.
pub fn db(root: &Root) -> Result<Option<Vec<u8>>, ReadError> {
    read(root, "db", IMAGE_SECURITY)
}

/// The firmware's `dbx`: the signature lists of what must not be booted.
///
/// # Errors
/// When the variable can't be read.
pub fn dbx(root: &Root) -> Result<Option<Vec<u8>>, ReadError> {
    read(root, "dbx", IMAGE_SECURITY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;

    #[test]
    fn secure_boot_is_the_byte_after_the_attributes() {
        let name = format!("sys/firmware/efi/efivars/SecureBoot-{GLOBAL}");
        let on = TestRoot::new().with(&name, [6, 0, 0, 0, 1]);
        let off = TestRoot::new().with(&name, [6, 0, 0, 0, 0]);
        assert_eq!(secure_boot(&on.root()).unwrap(), Some(true));
        assert_eq!(secure_boot(&off.root()).unwrap(), Some(false));
        assert_eq!(secure_boot(&TestRoot::new().root()).unwrap(), None);
    }
}

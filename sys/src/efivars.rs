//! EFI variables, through efivarfs.

use crate::{ReadError, Root};

/// `EFI_GLOBAL_VARIABLE` of the UEFI specification, §3.3.
pub const GLOBAL: &str = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
/// `EFI_IMAGE_SECURITY_DATABASE_GUID` of the UEFI specification, §32.4: `db` and `dbx`.
pub const IMAGE_SECURITY: &str = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";

/// A variable's data, without the four bytes of attributes that efivarfs puts before it; `None` if
/// there is no such variable.
///
/// # Errors
/// When the variable exists and can't be read.
pub fn read(root: &Root, name: &str, guid: &str) -> Result<Option<Vec<u8>>, ReadError> {
    let path = format!("sys/firmware/efi/efivars/{name}-{guid}");
    Ok(root
        .read(&path)?
        .map(|bytes| bytes.get(4..).unwrap_or_default().to_vec()))
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

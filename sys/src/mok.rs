//! The tables that shim left in firmware memory, as the kernel shows them
//! (drivers/firmware/efi/mokvar-table.c).

use crate::{ReadError, Root, efivars};

/// `SHIM_LOCK_GUID` (shim's lib/guid.c): the owner of its variables.
pub const SHIM: &str = "605dab50-e046-4300-abb6-3dd810dd8b23";

/// The entries of shim's table that Baton reads; each is `None` if it doesn't exist.
#[derive(Debug, Clone, Default)]
pub struct MokTable {
    /// `MokListRT`: signature lists of what is trusted, including shim's own certificate.
    pub list: Option<Vec<u8>>,
    /// `MokListXRT`: signature lists of what is revoked.
    pub revoked: Option<Vec<u8>>,
    /// `dbx`: the firmware's signature lists of what is revoked, which newer shims copy.
    pub dbx: Option<Vec<u8>>,
    /// `SbatLevelRT`: the revocation levels, as CSV.
    pub sbat_level: Option<Vec<u8>>,
    /// Whether the kernel is to trust MOKs for its own keyring (`MokListTrustedRT`).
    pub trusted: bool,
    /// Whether the kernel passes the address of this table on to the next kernel.
    pub passed_on: bool,
}

impl MokTable {
    /// Reads `/sys/firmware/efi/mok-variables`; empty if shim left no table.
    ///
    /// # Errors
    /// When an entry exists and can't be read (only root can read entries).
    pub fn read(root: &Root) -> Result<MokTable, ReadError> {
        let entry = |name: &str| root.read(&format!("sys/firmware/efi/mok-variables/{name}"));
        Ok(MokTable {
            list: entry("MokListRT")?,
            revoked: entry("MokListXRT")?,
            dbx: entry("dbx")?,
            sbat_level: entry("SbatLevelRT")?,
            trusted: entry("MokListTrustedRT")?.is_some_and(|v| v.first() == Some(&1)),
            passed_on: crate::arch::passes_efi_on(root),
        })
    }
}

/// `MokNew`: the signature lists that shim is asked to enroll at the next boot; `None` if nobody asked.
///
/// # Errors
/// When the variable exists and can't be read (only root can read it).
pub fn requested(root: &Root) -> Result<Option<Vec<u8>>, ReadError> {
    efivars::read(root, "MokNew", SHIM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;

    #[test]
    fn reads_what_shim_left_and_misses_what_it_did_not() {
        let t = TestRoot::new()
            .with("sys/firmware/efi/mok-variables/MokListRT", b"list")
            .with("sys/firmware/efi/mok-variables/MokListTrustedRT", [1]);
        let table = MokTable::read(&t.root()).unwrap();
        assert_eq!(table.list.as_deref(), Some(&b"list"[..]));
        assert!(table.revoked.is_none());
        assert!(table.trusted);
    }

    #[test]
    fn a_request_is_what_follows_the_variables_attributes() {
        let name = format!("sys/firmware/efi/efivars/MokNew-{SHIM}");
        let t = TestRoot::new().with(&name, b"\x07\0\0\0list");
        assert_eq!(requested(&t.root()).unwrap().as_deref(), Some(&b"list"[..]));
        assert_eq!(requested(&TestRoot::new().root()).unwrap(), None);
    }
}

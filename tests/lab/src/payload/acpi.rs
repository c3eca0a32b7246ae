//! Initrds with a table for ACPI, as nobody signed them.

use std::path::Path;

use anyhow::Result;
use fs_err as fs;

use crate::fetch::packages::Packages;
use crate::image::cpio::Archive;

/// Adds `bad/ssdt/LABEL.img`: that kernel's own initrd, after an archive with the table.
pub(super) fn add(tree: &Path, packages: &Packages) -> Result<()> {
    let directory = tree.join("bad/ssdt");
    fs::create_dir_all(&directory)?;
    for kernel in &packages.kernels {
        let mut archive = Archive::default();
        archive.file("kernel/firmware/acpi/baton.aml", &ssdt())?;
        let mut bytes = archive.finish()?;
        let own = tree.join("kernels").join(&kernel.label).join("initrd.img");
        bytes.extend(fs::read(own)?);
        fs::write(directory.join(format!("{}.img", kernel.label)), bytes)?;
    }
    Ok(())
}

/// The smallest table there is: a header (ACPI 6.5, 5.2.6) and no definitions.
fn ssdt() -> Vec<u8> {
    let mut table = b"SSDT".to_vec();
    table.extend(36_u32.to_le_bytes());
    table.extend([2, 0]); // revision, checksum
    table.extend(b"BATON BATNTEST");
    table.extend(1_u32.to_le_bytes());
    table.extend(b"BATN");
    table.extend(1_u32.to_le_bytes());
    let sum = table.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    if let Some(checksum) = table.get_mut(9) {
        *checksum = sum.wrapping_neg();
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_adds_up_to_nothing() {
        let table = ssdt();
        assert_eq!(table.len(), 36);
        let sum = table.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        assert_eq!(sum, 0);
    }
}

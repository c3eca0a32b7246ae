//! The ELF kernel inside of a bzImage.

use fs_err::{self as fs, File};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail, ensure};
use baton_formats::bzimage::BzImage;
use baton_formats::elf::Elf;
use baton_formats::magic::Magic;

use crate::exec;

/// Writes to `out` the ELF kernel that the bzImage at `image` decompresses when it starts.
pub fn extract(image: &Path, out: &Path) -> Result<()> {
    let bytes = fs::read(image)?;
    let (packed, len) = payload(&bytes)?;
    let vmlinux = decompressed(packed, &out.with_extension("packed"))?;
    ensure!(
        vmlinux.len() == len,
        "{}: {} bytes came out of the payload, not {len}",
        image.display(),
        vmlinux.len()
    );
    Ok(fs::write(out, alone(&vmlinux)?)?)
}

/// The compressed kernel and its size when decompressed, which the kernel's build appends to it as 32
/// bits (scripts/Makefile.lib, `size_append`).
fn payload(image: &[u8]) -> Result<(&[u8], usize)> {
    let kernel = BzImage::parse(image).map_err(|error| anyhow!("{error}"))?;
    let begin = usize::try_from(kernel.payload_offset())?;
    let len = usize::try_from(kernel.payload_length())?;
    let (packed, size) = kernel
        .protected_mode()
        .get(begin..)
        .and_then(|rest| rest.get(..len))
        .and_then(<[u8]>::split_last_chunk)
        .context("the setup header's payload isn't in the file")?;
    Ok((packed, usize::try_from(u32::from_le_bytes(*size))?))
}

fn decompressed(packed: &[u8], scratch: &Path) -> Result<Vec<u8>> {
    let program = match Magic::of(packed) {
        Some(Magic::Gzip) => "gzip",
        Some(Magic::Xz) => "xz",
        Some(Magic::Zstd) => "zstd",
        Some(Magic::Lz4Legacy) => "lz4",
        _ => bail!(
            "a payload that begins with {:02x?} isn't known",
            packed.get(..6)
        ),
    };
    fs::write(scratch, packed)?;
    let out = exec::bytes(
        Command::new(program)
            .arg("-dc")
            .stdin(File::open(scratch)?.into_file()),
    )?;
    fs::remove_file(scratch)?;
    Ok(out)
}

/// The ELF file without what the kernel's build puts after it: relocations that only the bzImage's own
/// decompressor reads. The table of section headers is the last thing in the file.
fn alone(vmlinux: &[u8]) -> Result<&[u8]> {
    // e_shoff, e_shentsize, e_shnum ("System V Application Binary Interface", `Elf64_Ehdr`).
    let table = u64::from_le_bytes(at(vmlinux, 0x28)?);
    let entry = u16::from_le_bytes(at(vmlinux, 0x3a)?);
    let count = u16::from_le_bytes(at(vmlinux, 0x3c)?);
    let end = usize::try_from(table)?.saturating_add(usize::from(entry) * usize::from(count));
    let elf = vmlinux
        .get(..end)
        .context("the table of section headers isn't in the file")?;
    Elf::parse(elf).map_err(|error| anyhow!("the payload: {error}"))?;
    Ok(elf)
}

fn at<const N: usize>(bytes: &[u8], offset: usize) -> Result<[u8; N]> {
    let found = bytes.get(offset..).and_then(<[u8]>::first_chunk);
    found.copied().context("the payload is too short")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_section_headers_is_dropped() {
        let mut file = include_bytes!("../../../golden/kernel.elf").to_vec();
        let end = file.len();
        file[0x28..0x30].copy_from_slice(&(end as u64 - 64).to_le_bytes());
        file[0x3a..0x3e].copy_from_slice(&[64, 0, 1, 0]);
        file.extend([0xaa; 99]);
        assert_eq!(alone(&file).unwrap().len(), end);
        file.truncate(end - 1);
        assert!(alone(&file).is_err());
    }
}

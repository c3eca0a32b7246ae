//! A signed initrd that would run if it were taken for a kernel: an archive whose first file begins with a
//! setup header, where a bzImage has it (Documentation/arch/x86/boot.rst), and has code after it.

use std::path::Path;

use anyhow::{Context, Result};
use fs_err as fs;

use super::{forge, signer::Signer};
use crate::image::cpio::Archive;

/// What it says on the first serial port when it runs.
pub const SAYS: &str = "the initrd runs as a kernel";

/// The file in the archive; with the entry's header before it, its contents begin at [`CONTENTS`].
const NAME: &str = "lib/firmware/a";
/// 110 bytes of header, the name, and its zero, to a multiple of 4.
const CONTENTS: usize = 128;
/// The protected-mode part comes after two sectors, and the 64-bit entry point at 0x200 in it.
const ENTRY: usize = 0x400 + 0x200;

/// Adds `bad/signed-initrd.img`, its signature beside it, and a handover with it in a kernel's place.
pub(super) fn add(tree: &Path, signer: &Signer) -> Result<()> {
    let place = tree.join("bad/signed-initrd.img");
    let mut archive = Archive::default();
    archive.file(NAME, &contents()?)?;
    let initrd = archive.finish()?;
    fs::write(&place, &initrd)?;
    signer.detached(&place)?;
    let signature = fs::read(tree.join("bad/signed-initrd.img.p7s"))?;
    fs::write(
        tree.join("bad/signed-initrd.handover"),
        forge::signed_kernel(&initrd, &signature)?,
    )?;
    Ok(())
}

fn contents() -> Result<Vec<u8>> {
    let mut image = vec![0; ENTRY];
    for (at, value) in [
        (0x1f1, &[1][..]),                      // setup_sects
        (0x1fe, &[0x55, 0xaa]),                 // boot_flag
        (0x200, &[0xeb, 0x66]),                 // jump, over the header
        (0x202, b"HdrS"),                       // header
        (0x206, &0x020f_u16.to_le_bytes()),     // version
        (0x211, &[1]),                          // loadflags: LOADED_HIGH
        (0x230, &0x20_0000_u32.to_le_bytes()),  // kernel_alignment
        (0x234, &[1, 21]),                      // relocatable_kernel, min_alignment
        (0x236, &0x7f_u16.to_le_bytes()),       // xloadflags: everything
        (0x238, &2047_u32.to_le_bytes()),       // cmdline_size
        (0x258, &0x100_0000_u64.to_le_bytes()), // pref_address
        (0x260, &0x10_0000_u32.to_le_bytes()),  // init_size
    ] {
        let field = image.get_mut(at..at + value.len());
        field.context("outside the header")?.copy_from_slice(value);
    }
    image.extend(code()?);
    Ok(image.split_off(CONTENTS))
}

/// Says [`SAYS`] and resets the machine.
fn code() -> Result<Vec<u8>> {
    let mut code = vec![
        0x48, 0x8d, 0x35, 0x20, 0, 0, 0, // lea rsi, [rip + 0x20]: the text, at 0x27
        0x66, 0xba, 0xf8, 0x03, // mov dx, 0x3f8: the first serial port
        0xac, // next: lodsb
        0x84, 0xc0, // test al, al
        0x74, 0x03, // jz reset
        0xee, // out dx, al
        0xeb, 0xf8, // jmp next
        0x66, 0xba, 0xf9, 0x0c, // reset: mov dx, 0xcf9: the reset control register
        0xb0, 0x06, // mov al, 6: a full reset
        0xee, // out dx, al
        0xf4, // stop: hlt
        0xeb, 0xfd, // jmp stop
    ];
    code.resize(0x27, 0xf4);
    code.extend(format!("\r\n{SAYS}\r\n\0").bytes());
    Ok(code)
}

#[cfg(test)]
mod tests {
    use baton_formats::bzimage::BzImage;

    use super::*;

    #[test]
    fn the_archive_reads_as_a_bzimage_too() {
        let mut archive = Archive::default();
        archive.file(NAME, &contents().unwrap()).unwrap();
        let bytes = archive.finish().unwrap();
        let image = BzImage::parse(&bytes).unwrap();
        assert_eq!(image.setup_sects(), 1);
        assert_eq!(bytes[ENTRY..ENTRY + 2], [0x48, 0x8d]);
    }
}

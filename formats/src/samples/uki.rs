//! PE images of any sections, and with them UKIs and addons.

use super::{put, put16, put32};

/// A section: its name and what is in it.
pub type Part<'a> = (&'a str, &'a [u8]);

/// Where the section table lies in [`image`].
pub const SECTION_TABLE: usize = 0x108;
const FILE_ALIGNMENT: usize = 0x20;

/// A PE image of these sections, in the order given.
pub fn image(parts: &[Part<'_>]) -> Vec<u8> {
    let headers = (SECTION_TABLE + 40 * parts.len()).next_multiple_of(FILE_ALIGNMENT);
    let mut image = vec![0; headers];
    put(&mut image, 0, b"MZ");
    put32(&mut image, 0x3c, 0x40);
    put(&mut image, 0x40, b"PE\0\0");
    put16(&mut image, 0x44, crate::pe::MACHINE_AMD64);
    put16(&mut image, 0x46, parts.len() as u16);
    put16(&mut image, 0x54, 112 + 8 * 8);
    put16(&mut image, 0x58, 0x20b);
    put32(&mut image, 0x58 + 32, 0x1000);
    put32(&mut image, 0x58 + 36, FILE_ALIGNMENT as u32);
    put32(&mut image, 0x58 + 56, 0x10_0000);
    put32(&mut image, 0x58 + 60, headers as u32);
    put32(&mut image, 0x58 + 108, 8);
    for (index, (name, data)) in parts.iter().enumerate() {
        let header = SECTION_TABLE + 40 * index;
        let begin = image.len();
        image.extend(*data);
        image.resize(image.len().next_multiple_of(FILE_ALIGNMENT), 0);
        let size = image.len() - begin;
        put(&mut image, header, name.as_bytes());
        put32(&mut image, header + 8, data.len() as u32);
        put32(&mut image, header + 12, (0x1000 * (index + 1)) as u32);
        put32(&mut image, header + 16, size as u32);
        put32(&mut image, header + 20, begin as u32);
        put32(&mut image, header + 36, 0x4000_0040);
    }
    image
}

pub const UNAME: &[u8] = b"6.1.0-sample\0";
pub const SBAT: &[u8] = b"sbat,1,SBAT Version,sbat,1,-\nsample,1,Baton,sample,1,-\n";

/// A UKI with everything, and three profiles.
pub fn uki() -> Vec<u8> {
    image(&[
        (".text", &[0xc3]),
        (".sbat", SBAT),
        (".osrel", b"ID=sample\nNAME=\"Sample\"\n"),
        (".uname", UNAME),
        (".cmdline", b"root=/dev/vda quiet\n\0"),
        (".initrd", b"the initrd"),
        (".ucode", b"the microcode"),
        (".dtb", b"the device tree"),
        (".linux", b"the kernel"),
        (".profile", b"ID=main\nTITLE='As always'\n"),
        (".profile", b"TITLE=\"To the rescue\"\nID=rescue\n"),
        (".cmdline", b"  single "),
        (".profile", b"ID=other"),
        (".linux", b"another kernel"),
        (".initrd", b"another initrd"),
    ])
}

/// An addon that adds to the command line.
pub fn addon() -> Vec<u8> {
    image(&[
        (".sbat", SBAT),
        (".uname", UNAME),
        (".cmdline", b"crashkernel=256M"),
    ])
}

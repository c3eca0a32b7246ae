//! Files that are neither ELF nor PE: by how they begin.

use super::{FileKind, Format, Role, has};
use crate::arch::advice::{OTHER_MACHINE, UNWRAP};
use crate::input::certs;
use crate::input::compression;
use crate::input::p7s;
use crate::input::pem;
use baton_formats::initrd;
use baton_formats::magic::Magic;
use baton_formats::policy;
use baton_formats::reader::u32_at;
use std::borrow::Cow;

/// An initrd, or what may be one.
pub(super) fn initrd(image: &[u8]) -> Option<FileKind> {
    // What follows the first part isn't looked at: Linux takes one archive after another, each compressed in a
    // way of its own.
    let name = match compression::name(initrd::first(image)?) {
        Some(by) => format!("compressed data ({by}), as initrds are").into(),
        None => Cow::from("an initrd (cpio archive)"),
    };
    Some(FileKind::new(Format::Data, name, Role::Initrd))
}

/// Kernels of other machines, by the magic of their headers, which may begin as a PE image does.
pub(super) fn image_of_another_machine(image: &[u8], format: Format) -> Option<FileKind> {
    // Documentation/arch/arm64/booting.rst, Documentation/arch/riscv/boot-image-header.rst, and
    // LINUX_PE_MAGIC of include/linux/pe.h, which LoongArch has there.
    let name = if has(image, 0x38, b"ARM\x64") {
        "a Linux kernel for arm64 (Image)"
    } else if has(image, 0x38, b"RSC\x05") || has(image, 0x30, b"RISCV\0\0\0") {
        "a Linux kernel for RISC-V (Image)"
    } else if has(image, 0x38, &[0xcd, 0x23, 0x82, 0x81]) {
        "a Linux kernel for LoongArch (Image)"
    } else {
        return None;
    };
    Some(FileKind::other(format, name, OTHER_MACHINE))
}

/// How other files begin: what they are, and what to do.
const KNOWN: [(usize, &[u8], &str, &str); 18] = [
    // include/image.h and doc/usage/fit in U-Boot
    (0, &[0x27, 0x05, 0x19, 0x56], "a uImage of U-Boot", UNWRAP),
    (
        0,
        &[0xd0, 0x0d, 0xfe, 0xed],
        "a device tree, or U-Boot's FIT image",
        UNWRAP,
    ),
    // arch/arm/boot/compressed/head.S
    (
        0x24,
        &[0x18, 0x28, 0x6f, 0x01],
        "a Linux kernel for arm (zImage)",
        OTHER_MACHINE,
    ),
    (0, b"ANDROID!", "Android's boot image", UNWRAP),
    (
        0,
        b"KDUMP   ",
        "a crash dump (kdump-compressed)",
        "`baton dump info` shows it; name a kernel",
    ),
    (
        0,
        b"makedumpfile",
        "a crash dump (flattened)",
        "`baton dump info` shows it; name a kernel",
    ),
    (
        0,
        b"hsqs",
        "a squashfs image",
        "name the kernel that is in it",
    ),
    (
        0,
        b"QFI\xfb",
        "a disk image (qcow2)",
        "name the kernel that is in it",
    ),
    (
        0x8001,
        b"CD001",
        "an ISO image",
        "name the kernel that is in it",
    ),
    (
        0,
        b"PK\x03\x04",
        "a ZIP archive",
        "name the kernel that is in it",
    ),
    (
        0,
        b"!<arch>\n",
        "a package or an archive",
        "name the kernel that is in it",
    ),
    (
        0,
        &[0xed, 0xab, 0xee, 0xdb],
        "an RPM package",
        "name the kernel that is in it",
    ),
    (
        257,
        b"ustar",
        "a tar archive",
        "name the kernel that is in it",
    ),
    // lib/decompress_unlz4.c in Linux takes the legacy frames of `lz4 -l` alone.
    (
        0,
        Magic::Lz4.bytes(),
        "compressed data (lz4, in frames that Linux doesn't unpack)",
        "compress an initrd with `lz4 -l`; of a compressed kernel, name what is in it",
    ),
    (0, b"#!", "a script", "name a kernel"),
    (0, &policy::MAGIC, "a policy", "name a kernel"),
    (
        0,
        b"070707",
        "a cpio archive of a form that Linux doesn't unpack",
        "make it in the form newc",
    ),
    (
        0x1fe,
        &[0x55, 0xaa],
        "a boot sector, or a disk's image",
        "name the kernel that is in it",
    ),
];

/// Recognises all the rest.
pub(super) fn kind(image: &[u8]) -> FileKind {
    if let Some(kind) = image_of_another_machine(image, Format::Data) {
        return kind;
    }
    if is_multiboot1(image) {
        return multiboot1(Format::Data);
    }
    let mut fitting = KNOWN.iter();
    if let Some((_, _, name, advice)) = fitting.find(|(at, magic, ..)| has(image, *at, magic)) {
        return FileKind::other(Format::Data, *name, advice);
    }
    if p7s::cms(image).is_some() {
        let advice = "name the file that it is a signature of, beside which it lies as FILE.p7s";
        return FileKind::other(Format::Signature, "a detached signature", advice);
    }
    if certs::parse(image).is_ok() {
        return FileKind::other(Format::Certificate, "a certificate", "name a kernel");
    }
    if has(image, 0, b"-----BEGIN ") {
        return FileKind::other(Format::Data, in_pem(image), "name a kernel");
    }
    FileKind::new(
        Format::Data,
        "data of no format that Baton knows",
        Role::Data,
    )
}

/// PEM, by what it says it is.
fn in_pem(file: &[u8]) -> String {
    match pem::blocks(file) {
        Ok(blocks) => {
            let labels: Vec<&str> = blocks.iter().map(|block| &block.label[..]).collect();
            format!("PEM ({})", labels.join(", "))
        }
        Err(why) => format!("PEM, which is broken ({why})"),
    }
}

/// The older multiboot's header: in the first 8 KiB, at a multiple of 4, with flags and a checksum that
/// makes the sum of all three zero (Multiboot Specification 0.6.96, 3.1.1).
pub(super) fn is_multiboot1(image: &[u8]) -> bool {
    const HEADER: u32 = 0x1bad_b002;
    let head = image.get(..8192).unwrap_or(image);
    let mut offsets = (0..head.len()).step_by(4);
    offsets.any(|at| {
        let field = |n: usize| u32_at(head, at + 4 * n);
        let sum = |flags: u32, check: u32| HEADER.wrapping_add(flags).wrapping_add(check);
        field(0) == Some(HEADER)
            && matches!((field(1), field(2)), (Some(flags), Some(check)) if sum(flags, check) == 0)
    })
}

/// A kernel of the older multiboot.
pub(super) fn multiboot1(format: Format) -> FileKind {
    FileKind::other(
        format,
        "a kernel of multiboot's first version",
        "take one that is built for multiboot2 or PVH",
    )
}

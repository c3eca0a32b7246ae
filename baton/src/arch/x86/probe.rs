//! Which images the kernel's loader takes (arch/x86/kernel/kexec-bzimage64.c), with its error numbers.
//!
//! `baton_formats` asks more of a bzImage than the loader does: what only the former refuses is loaded all the same.

use baton_formats::bzimage::{
    LOADED_HIGH, MIN_VERSION, XLF_5LEVEL, XLF_CAN_BE_LOADED_ABOVE_4G, XLF_KERNEL_64,
};
use baton_formats::reader::{u16_at, u32_at};
use baton_sys::kexec_error::errno::{EADDRNOTAVAIL, EINVAL, ENOEXEC};

/// Fields of the setup header (Documentation/arch/x86/boot.rst).
const SETUP_SECTS: usize = 0x1f1;
const BOOT_FLAG: usize = 0x1fe;
const HEADER: usize = 0x202;
const VERSION: usize = 0x206;
const LOADFLAGS: usize = 0x211;
const XLOADFLAGS: usize = 0x236;
const CMDLINE_SIZE: usize = 0x238;
const INIT_SIZE: usize = 0x260;

/// MAX_ELFCOREHDR_STR_LEN of the same file.
const FOR_ELFCOREHDR: u64 = 30;

const PAGE: u64 = 4096;

/// bzImage64_probe.
///
/// # Errors
/// ENOEXEC, and why.
pub fn probe(image: &[u8], five_level: bool) -> Result<(), (i32, &'static str)> {
    let u8_at = |at: usize| image.get(at).copied().unwrap_or(0);
    let u16_at = |at| u16_at(image, at).unwrap_or(0);
    let flag = |flag| u16_at(XLOADFLAGS) & flag != 0;
    let asked = [
        (image.len() >= 1024, "it is shorter than 1024 bytes"),
        (
            image.get(HEADER..HEADER + 4) == Some(b"HdrS"),
            "it isn't a bzImage (no HdrS at 0x202)",
        ),
        (
            u16_at(BOOT_FLAG) == 0xaa55,
            "it has no boot sector's mark (0xaa55 at 0x1fe)",
        ),
        (
            u16_at(VERSION) >= MIN_VERSION,
            "its boot protocol is older than 2.12",
        ),
        (
            u8_at(LOADFLAGS) & LOADED_HIGH != 0,
            "it is a zImage (LOADED_HIGH isn't set)",
        ),
        (
            flag(XLF_KERNEL_64),
            "it has no 64-bit entry point (XLF_KERNEL_64 isn't set)",
        ),
        (
            flag(XLF_CAN_BE_LOADED_ABOVE_4G),
            "it can't lie above 4 GiB (XLF_CAN_BE_LOADED_ABOVE_4G isn't set)",
        ),
        (
            flag(XLF_5LEVEL) || !five_level,
            "it can't be entered with 5-level paging, which is on here (XLF_5LEVEL isn't set)",
        ),
    ];
    match asked.iter().find(|(is_so, _)| !is_so) {
        Some((_, why)) => Err((ENOEXEC, why)),
        None => Ok(()),
    }
}

/// What bzImage64_load and sanity_check_segment_list (kernel/kexec_core.c) ask further of an image that was found, as
/// far as the image alone decides it. The command line's length is without its NUL.
///
/// # Errors
/// The error's number, and why.
pub fn load(
    image: &[u8],
    cmdline_len: usize,
    memory: Option<u64>,
) -> Result<(), (i32, &'static str)> {
    let refused = |errno, why| Err((errno, why));
    let sectors = image.get(SETUP_SECTS).copied().unwrap_or(0);
    let sectors = if sectors == 0 { 4 } else { sectors };
    let setup_len = (u64::from(sectors) + 1) * 512;
    let len = image.len() as u64;
    let Some(rest) = len.checked_sub(setup_len) else {
        return refused(ENOEXEC, "it ends within its setup part");
    };
    let limit = u32_at(image, CMDLINE_SIZE).unwrap_or(0);
    if cmdline_len as u64 + 1 + FOR_ELFCOREHDR > u64::from(limit) {
        return refused(EINVAL, "the command line is longer than it takes");
    }
    let init_size = u32_at(image, INIT_SIZE).unwrap_or(0);
    let size = u64::from(init_size).next_multiple_of(PAGE);
    if rest > size {
        return refused(
            EINVAL,
            "it is longer than the memory that it asks for (init_size)",
        );
    }
    // locate_mem_hole_callback in kernel/kexec_file.c comes first.
    if memory.is_some_and(|memory| size > memory) {
        return refused(EADDRNOTAVAIL, "it asks for more memory than there is");
    }
    if memory.is_some_and(|memory| size > memory / 2) {
        return refused(EINVAL, "it asks for more than half of the machine's memory");
    }
    Ok(())
}

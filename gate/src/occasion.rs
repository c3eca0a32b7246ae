//! Whether a crash is one.
//!
//! In a crash the running kernel puts `elfcorehdr=` first on the command line (setup_cmdline in
//! arch/x86/kernel/kexec-bzimage64.c). Root can write the same on a normal load, to be judged by the
//! rules for a crash. What root can't do is to change the memory map: the kernel takes what the parameter
//! points to out of a crash kernel's RAM (memmap_exclude_ranges in arch/x86/kernel/crash.c), and on a
//! normal load passes all RAM on. There lie the headers of the dump (crash_prepare_elf64_headers in
//! kernel/crash_core.c), which root would have to write to memory that is no RAM.

use baton_verify::{Component, Reason, Refusal};

use crate::memory::PhysicalMemory;
use crate::plan::{MapEntry, Use};

/// How the headers of a dump begin: ELF, of 64 bits, little-endian, of version 1.
const ELF: [u8; 7] = *b"\x7fELF\x02\x01\x01";
/// The offset of e_type, and ET_CORE there (System V gABI, "ELF Header").
const TYPE: core::ops::Range<usize> = 16..18;
const CORE: [u8; 2] = [4, 0];
/// The length of an ELF header.
const HEADER_LEN: u64 = 64;

/// Checks that what a crash's line begins with is the kernel's own.
///
/// # Errors
/// `OnlyForCrash`.
pub fn check<M: PhysicalMemory>(line: &[u8], map: &[MapEntry], memory: &M) -> Result<(), Refusal> {
    match elfcorehdr(line).is_some_and(|at| !is_ram(at, map) && is_dump(at, memory)) {
        true => Ok(()),
        false => Err(Refusal::new(Component::Handover, Reason::OnlyForCrash)),
    }
}

/// The address in the line's first parameter, as the kernel writes it.
fn elfcorehdr(line: &[u8]) -> Option<u64> {
    let mut address = 0_u64;
    for byte in line.strip_prefix(b"elfcorehdr=0x")? {
        let Some(digit) = char::from(*byte).to_digit(16) else {
            break;
        };
        address = address.checked_mul(16)?.checked_add(u64::from(digit))?;
    }
    Some(address)
}

fn is_dump<M: PhysicalMemory>(address: u64, memory: &M) -> bool {
    memory.read(address, HEADER_LEN).is_some_and(|header| {
        header.starts_with(&ELF) && header.get(TYPE).is_some_and(|kind| kind == CORE)
    })
}

fn is_ram(address: u64, map: &[MapEntry]) -> bool {
    let holds = |entry: &&MapEntry| {
        let offset = address.checked_sub(entry.address);
        entry.kind == Use::Ram && offset.is_some_and(|offset| offset < entry.size)
    };
    map.iter().any(|entry| holds(&entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first MiB, and a crash region with a hole at 0x3000_0000.
    const MAP: [MapEntry; 3] = [
        ram(0, 0xa_0000),
        ram(0x2000_0000, 0x1000_0000),
        ram(0x3000_1000, 0x1000),
    ];

    const fn ram(address: u64, size: u64) -> MapEntry {
        MapEntry {
            address,
            size,
            kind: Use::Ram,
        }
    }

    /// A dump's headers in the hole, and in RAM.
    struct Headers;

    impl PhysicalMemory for Headers {
        fn read(&self, address: u64, length: u64) -> Option<&[u8]> {
            const CORE: [u8; 64] = header(4);
            const PROGRAM: [u8; 64] = header(2);
            assert_eq!(length, 64);
            match address {
                0x2fff_ffff | 0x3000_0000 | 0x3000_1000 => Some(&CORE),
                0x3000_0400 => Some(&PROGRAM),
                0x3000_0800 => Some(&[0; 64]),
                _ => None,
            }
        }
    }

    const fn header(kind: u8) -> [u8; 64] {
        let mut header = [0; 64];
        let mut index = 0;
        while index < ELF.len() {
            header[index] = ELF[index];
            index += 1;
        }
        header[16] = kind;
        header
    }

    fn said(line: &[u8]) -> Result<(), &'static str> {
        check(line, &MAP, &Headers).map_err(|refusal| refusal.reason.code())
    }

    #[test]
    fn what_the_kernel_put_first_points_to_what_is_no_ram() {
        assert_eq!(said(b"elfcorehdr=0x30000000 quiet"), Ok(()));
        assert_eq!(said(b"elfcorehdr=0x30000000"), Ok(()));
        assert_eq!(
            said(b"elfcorehdr=0x30000000 dmcryptkeys=0x30000800 ro"),
            Ok(())
        );
    }

    #[test]
    fn what_is_no_ram_holds_the_headers_of_a_dump_in_a_crash_alone() {
        for address in ["0x30000400", "0x30000800", "0x7f000000"] {
            let line = format!("elfcorehdr={address} quiet");
            assert_eq!(said(line.as_bytes()), Err("only-for-crash"), "{address}");
        }
    }

    #[test]
    fn a_line_that_root_wrote_points_to_ram() {
        assert_eq!(said(b"elfcorehdr=0x2fffffff quiet"), Err("only-for-crash"));
        assert_eq!(said(b"elfcorehdr=0x30001000"), Err("only-for-crash"));
        assert_eq!(said(b"elfcorehdr=64M"), Err("only-for-crash"));
        assert_eq!(said(b"quiet elfcorehdr=0x30000000"), Err("only-for-crash"));
    }
}

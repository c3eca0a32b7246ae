//! Whether a crash is one, and what memory was reserved for it.
//!
//! In a crash the running kernel puts `elfcorehdr=` first on the command line ([`CrashLine`]). Root can write the
//! same on a normal load, to be judged by the rules for a crash. What root can't do is to change the memory map. Where
//! the parameter points to lie the headers of the dump (crash_prepare_elf64_headers in kernel/crash_core.c). Linux puts
//! them at the start of the memory that it reserved for a crash, before anything else (crash_load_segments in
//! arch/x86/kernel/crash.c, and kexec_add_buffer, which goes upwards), loads the gate and the handover into the rest,
//! and takes out of the crash kernel's RAM what the headers lie in (memmap_exclude_ranges). Headers that root wrote to
//! memory that is no RAM, a display's for example, have no such RAM behind them.
//!
//! The map of a crash lists more RAM than what was reserved. With `crashkernel=…,cma` these are ranges that were
//! user space's until then (crash_setup_memmap_entries). Devices that weren't stopped may go on writing there, so that
//! Linux itself waits for ten seconds before it uses them; the gate doesn't use them at all. And it is the first MiB,
//! which Linux uses to start processors alone (reserve_real_mode in arch/x86/realmode/init.c): the gate writes a page
//! and two words there for kernels that look for what a BIOS would have left (convert/multiboot2.rs).

extern crate alloc;

use alloc::vec::Vec;

use baton_formats::cmdline::CrashLine;
use baton_formats::elf::{Class, Elf, HEADER_LEN};
use baton_verify::{Component, Reason, Refusal};

use crate::memory::PhysicalMemory;
use crate::plan::{LOWEST, MapEntry, Range, Use};

/// What is cut out of the RAM for a crash is no longer: the headers at most 56 bytes for each of 8192 processors
/// (NR_CPUS_RANGE_END) and 8192 ranges of memory (CONFIG_CRASH_MAX_MEMORY_RANGES), the keys for disks, which may
/// follow them, a few hundred bytes for each of 128 (KEY_NUM_MAX in kernel/crash_dump_dm_crypt.c).
const MAX_CUT: u64 = 1 << 20;

/// The RAM that was reserved for this crash, if it is one: what the line begins with is the kernel's own, and all
/// that was `loaded` lies in that RAM.
///
/// # Errors
/// `OnlyForCrash`.
pub fn reserved<M: PhysicalMemory>(
    line: &[u8],
    map: &[MapEntry],
    loaded: &[Range],
    memory: &M,
) -> Result<Vec<Range>, Refusal> {
    find(line, map, loaded, memory)
        .filter(|parts| {
            loaded
                .iter()
                .all(|it| parts.iter().any(|ram| holds(ram, it)))
        })
        .ok_or(Refusal::new(Component::Handover, Reason::OnlyForCrash))
}

fn find<M: PhysicalMemory>(
    line: &[u8],
    map: &[MapEntry],
    loaded: &[Range],
    memory: &M,
) -> Option<Vec<Range>> {
    let line = CrashLine::split(line)?;
    // Below lies a display's memory, too, with RAM behind it.
    if line.headers < LOWEST || !is_dump(line.headers, memory) {
        return None;
    }
    let first = ram_behind(line.headers, map)?;
    let mut parts = Vec::new();
    parts.push(first);
    // Keys for disks lie anywhere in it, and are cut out, too (crash_load_dm_crypt_keys). Root can write this
    // parameter, so what lies behind is believed to be reserved only if Linux loaded something into it.
    let keys = line.keys.filter(|keys| *keys == first.end);
    let second = keys.and_then(|keys| ram_behind(keys, map));
    parts.extend(second.filter(|ram| loaded.iter().any(|it| holds(ram, it))));
    Some(parts)
}

fn is_dump<M: PhysicalMemory>(address: u64, memory: &M) -> bool {
    let header = memory.read(address, HEADER_LEN as u64);
    header.and_then(Elf::core_class) == Some(Class::Elf64)
}

/// The RAM that begins where what was cut out of it from `start` on ends: nothing is listed between.
fn ram_behind(start: u64, map: &[MapEntry]) -> Option<Range> {
    map.iter()
        .filter(|entry| entry.kind == Use::Ram)
        .filter_map(|entry| Range::new(entry.address, entry.size))
        .find(|ram| {
            let cut = ram.start.checked_sub(start);
            let cut = cut.filter(|length| *length <= MAX_CUT);
            cut.and_then(|length| Range::new(start, length))
                .is_some_and(|cut| !map.iter().any(|entry| entry.claims(cut)))
        })
}

fn holds(outer: &Range, inner: &Range) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first MiB, a low region, and what was reserved, with headers at its start and keys at 0x4000_0000.
    const MAP: [MapEntry; 4] = [
        ram(0, 0xa_0000),
        ram(0x2000_0000, 0xff0_0000),
        ram(0x3000_1000, 0xfff_f000),
        ram(0x4000_1234, 0x7ff_edcc),
    ];

    const fn ram(address: u64, size: u64) -> MapEntry {
        MapEntry {
            address,
            size,
            kind: Use::Ram,
        }
    }

    /// A dump's headers where they belong, in RAM, and on a display.
    struct Headers;

    impl PhysicalMemory for Headers {
        fn read(&self, address: u64, length: u64) -> Option<&[u8]> {
            const CORE: [u8; 64] = header(4);
            const PROGRAM: [u8; 64] = header(2);
            assert_eq!(length, 64);
            match address {
                0xb_8000 | 0x2fef_ffff | 0x3000_0000 | 0x3000_1000 => Some(&CORE),
                0x3000_0400 => Some(&PROGRAM),
                0x3000_0800 => Some(&[0; 64]),
                _ => None,
            }
        }
    }

    const fn header(kind: u8) -> [u8; 64] {
        let mut header = [0; 64];
        header
            .split_at_mut(7)
            .0
            .copy_from_slice(b"\x7fELF\x02\x01\x01");
        header[16] = kind;
        header
    }

    /// Where the gate and the handover are.
    const LOADED: [Range; 2] = [
        Range {
            start: 0x3000_1000,
            end: 0x3000_2000,
        },
        Range {
            start: 0x3800_0000,
            end: 0x3c00_0000,
        },
    ];

    /// Keys for disks between them.
    const ACROSS: [Range; 2] = [
        LOADED[0],
        Range {
            start: 0x4400_0000,
            end: 0x4800_0000,
        },
    ];

    fn said(line: &[u8]) -> Result<Vec<(u64, u64)>, &'static str> {
        said_with(line, &LOADED)
    }

    fn said_with(line: &[u8], loaded: &[Range]) -> Result<Vec<(u64, u64)>, &'static str> {
        match reserved(line, &MAP, loaded, &Headers) {
            Ok(parts) => Ok(parts.iter().map(|it| (it.start, it.end)).collect()),
            Err(refusal) => Err(refusal.reason.code()),
        }
    }

    const ALL: [(u64, u64); 1] = [(0x3000_1000, 0x4000_0000)];

    #[test]
    fn what_the_kernel_put_first_points_to_the_start_of_what_was_reserved() {
        assert_eq!(said(b"elfcorehdr=0x30000000 quiet"), Ok(ALL.to_vec()));
        assert_eq!(said(b"elfcorehdr=0x30000000"), Ok(ALL.to_vec()));
        assert_eq!(
            said(b"elfcorehdr=0x30000000 dmcryptkeys=0x30000800 ro"),
            Ok(ALL.to_vec())
        );
    }

    #[test]
    fn keys_that_were_cut_out_behind_it_leave_more() {
        let line = b"elfcorehdr=0x30000000 dmcryptkeys=0x40000000 ro";
        let both = [ALL[0], (0x4000_1234, 0x4800_0000)];
        assert_eq!(said_with(line, &ACROSS), Ok(both.to_vec()));
        // What nothing was loaded into may be no reserved memory at all.
        assert_eq!(said(line), Ok(ALL.to_vec()));
        for other in [
            &b"elfcorehdr=0x30000000 ro dmcryptkeys=0x40000000"[..],
            b"elfcorehdr=0x30000000  dmcryptkeys=0x40000000",
            b"elfcorehdr=0x30000000 dmcryptkeys=0x3ffff000",
            b"elfcorehdr=0x30000000 dmcryptkeys=0x140000000000000000",
        ] {
            assert_eq!(said(other), Ok(ALL.to_vec()));
        }
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
        assert_eq!(said(b"elfcorehdr=0x2fefffff quiet"), Err("only-for-crash"));
        assert_eq!(said(b"elfcorehdr=0x30001000"), Err("only-for-crash"));
        assert_eq!(said(b"elfcorehdr=64M"), Err("only-for-crash"));
        assert_eq!(said(b"quiet elfcorehdr=0x30000000"), Err("only-for-crash"));
    }

    /// The first MiB holds a display's memory; RAM begins behind it.
    #[test]
    fn below_1_mib_there_are_no_headers() {
        assert_eq!(said(b"elfcorehdr=0xb8000"), Err("only-for-crash"));
        let map = [ram(0, 0xa_0000), ram(0x10_0000, 0x4000_0000)];
        let said = reserved(b"elfcorehdr=0xb8000", &map, &LOADED, &Headers);
        assert_eq!(said.map_err(|it| it.reason.code()), Err("only-for-crash"));
    }
}

//! Estimates of what a capture is going to need: memory, and room for a dump.

use super::prepare::Prepared;
use super::target::FoundTarget;
use baton_capture::dump::Dump;
use baton_kdump::encode::Compression;
use baton_sys::{ReadError, Root, memory};

const MIB: u64 = 1 << 20;

/// What a kernel takes besides its image: page structures, slabs, per-CPU areas, the structures of buses and
/// disks, and the capture program with its buffers. Kernels of virtual machines were content with 11 to 24 MiB
/// (docs/figures.md); other machines have more devices.
const KERNEL_AND_PROGRAM: u64 = 32 * MIB;
/// What each further processor takes, and the buffers of the thread that compresses on it.
const EACH_CPU: u64 = 8 * MIB;

/// Bytes of memory that a capture is likely to need, so that less deserves a warning. While it starts, the
/// archive and what is unpacked of it are both there; afterwards the modules are, once loaded and once as
/// files.
#[must_use]
pub fn memory(prepared: &Prepared) -> u64 {
    let archive = prepared.initramfs.len() as u64;
    let cpus = u64::from(prepared.cpus.saturating_sub(1));
    prepared.kernel.init_size
        + 2 * archive
        + prepared.modules_len
        + KERNEL_AND_PROGRAM
        + cpus * EACH_CPU
}

/// The note if less memory is reserved than a capture is likely to need.
#[must_use]
pub fn small_reservation(reserved: u64, needed: u64) -> Option<String> {
    (reserved > 0 && needed > reserved).then(|| {
        format!(
            "{} MiB are reserved and about {} MiB are likely to be needed; boot with a larger crashkernel=",
            reserved / MIB,
            needed.div_ceil(MIB)
        )
    })
}

/// Bytes of kernel memory, and what compression makes of them: 134 MiB became 53 on a machine of 1 GiB, and
/// larger ones have more that is alike.
const COMPRESSED: (u64, u64) = (5, 2);

/// Bytes that a dump would take now: memory without what the level leaves out, compressed. `None` where the
/// kernel doesn't say how it uses its memory.
///
/// # Errors
/// When `/proc/meminfo` can't be read.
pub fn dump(root: &Root, dump: &Dump) -> Result<Option<u64>, ReadError> {
    let Some(text) = root.read_text("proc/meminfo")? else {
        return Ok(None);
    };
    let ram = memory::system_ram(root)?.or_else(|| memory::parse_total(&text));
    let kept = ram.map(|ram| kept(ram, &text, dump.level.into()));
    Ok(kept.map(|kept| match dump.compression {
        Compression::None => kept,
        Compression::Zlib(_) | Compression::Zstd(_) => kept / COMPRESSED.0 * COMPRESSED.1,
    }))
}

/// Bytes that a level keeps (the bits of makedumpfile(8) -d). Zero pages aren't counted anywhere.
fn kept(ram: u64, meminfo: &str, level: u8) -> u64 {
    const CACHE: u8 = 2 | 4;
    const USER: u8 = 8;
    const FREE: u8 = 16;
    let of = |name: &str| memory::field(meminfo, name).unwrap_or(0);
    let mut kept = ram;
    if level & CACHE != 0 {
        kept = kept.saturating_sub(of("Cached") + of("Buffers") + of("SwapCached"));
    }
    if level & USER != 0 {
        kept = kept.saturating_sub(of("AnonPages") + of("Hugetlb"));
    }
    if level & FREE != 0 {
        kept = kept.saturating_sub(of("MemFree"));
    }
    kept
}

/// What is against a target's room, in words.
#[must_use]
pub fn shortage(target: &dyn FoundTarget, free: Option<u64>, dump: Option<u64>) -> Option<String> {
    let (free, dump) = (free?, dump?);
    (free < dump).then(|| {
        format!(
            "{} has {} MiB free, and a dump would take about {} MiB now; free some space, or raise dump.level",
            target.describe(),
            free / MIB,
            dump.div_ceil(MIB)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMINFO: &str = "MemTotal: 8000000 kB\nMemFree: 1000000 kB\nBuffers: 100000 kB\n\
        Cached: 3000000 kB\nSwapCached: 0 kB\nAnonPages: 2000000 kB\nHugetlb: 500000 kB\n";

    #[test]
    fn each_bit_of_the_level_leaves_its_pages_out() {
        for (level, kept_kib) in [
            (0, 8_000_000),
            (1, 8_000_000),
            (4, 4_900_000),
            (8, 5_500_000),
            (16, 7_000_000),
            (31, 1_400_000),
        ] {
            let kept = kept(8_000_000 * 1024, MEMINFO, level);
            assert_eq!(kept, kept_kib * 1024, "level {level}");
        }
    }
}

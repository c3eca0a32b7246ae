//! Estimates of what a capture is going to need: memory, and room for a dump.

use super::prepare::Prepared;
use super::target::FoundTarget;
use crate::arch::capture::LOW_MEMORY;
use baton_capture::dump::Dump;
use baton_kdump::encode::Compression;
use baton_kdump::filter::Level;
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

/// Memory for a crash kernel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CrashMemory {
    /// Bytes that are reserved, where whatever is loaded has its place.
    pub reserved: u64,
    /// Bytes of it that lie below 4 GiB, where the rest lies above (`crashkernel=…,high`); 0 where none does.
    pub low: u64,
    /// Bytes that programs use until a crash, and the crash kernel then (`crashkernel=…,cma`).
    pub lent: u64,
}

impl CrashMemory {
    /// Looks for what is lent, and for where all of it lies, beside so many bytes that are reserved.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn read(root: &Root, reserved: u64) -> Result<CrashMemory, ReadError> {
        const BORDER: u64 = 4 << 30;
        let regions = memory::crash_regions(root)?;
        let is_high = regions.iter().any(|region| region.start >= BORDER);
        let low = regions
            .iter()
            .filter(|region| is_high && region.start < BORDER);
        Ok(CrashMemory {
            reserved,
            low: low.map(|region| region.end - region.start).sum(),
            lent: memory::crash_cma(root)?,
        })
    }

    /// All that a capture can use: what the kernel takes below 4 GiB for devices serves nothing else.
    #[must_use]
    pub fn usable(self) -> u64 {
        let for_devices = self.low.min(LOW_MEMORY);
        self.reserved
            .saturating_sub(for_devices)
            .saturating_add(self.lent)
    }

    /// In words.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            CrashMemory { reserved: 0, .. } => "none".to_owned(),
            CrashMemory {
                reserved, lent: 0, ..
            } => format!("{} MiB", reserved / MIB),
            CrashMemory { reserved, lent, .. } => format!(
                "{} MiB, and {} MiB that programs use until then",
                reserved / MIB,
                lent / MIB
            ),
        }
    }

    /// Why a kernel with this command line wouldn't start in it.
    #[must_use]
    pub fn shortage(self, command_line: &[u8]) -> Option<String> {
        let mut words = command_line.split(u8::is_ascii_whitespace);
        let is_chosen = words.any(|word| word.starts_with(b"swiotlb="));
        ((1..LOW_MEMORY).contains(&self.low) && !is_chosen).then(|| {
            format!(
                "the crash kernel doesn't start with {} MiB below 4 GiB, of which it takes 64 MiB for devices with 32-bit addressing; boot with crashkernel={}M,low or more, or without ,low",
                self.low / MIB,
                LOW_MEMORY / MIB
            )
        })
    }

    /// What a person should know of it, where a capture is likely to need so many bytes, and leaves out this of the
    /// memory.
    pub fn notes(self, needed: u64, level: Level) -> impl Iterator<Item = String> {
        let small = (self.reserved > 0 && needed > self.usable()).then(|| {
            format!(
                "a capture has {} MiB and is likely to need about {} MiB; boot with a larger crashkernel=",
                self.usable() / MIB,
                needed.div_ceil(MIB)
            )
        });
        let missing = (self.lent > 0 && u8::from(level) & PROGRAMS != PROGRAMS).then(|| {
            format!(
                "no dump has what programs and the page cache keep in the {} MiB of crashkernel=…,cma: the capture itself uses that memory",
                self.lent / MIB
            )
        });
        small.into_iter().chain(missing)
    }
}

/// The bits of a level that leave out all that may lie where memory is lent: pages that can be moved.
const PROGRAMS: u8 = 4 | 8;

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
    fn what_is_lent_counts_and_is_missed_where_a_dump_would_have_it() {
        let level = |number: u8| Level::try_from(number).unwrap();
        let notes = |memory: CrashMemory, level| memory.notes(100 * MIB, level).collect::<Vec<_>>();
        let of = |reserved: u64, lent: u64| CrashMemory {
            reserved: reserved * MIB,
            low: 0,
            lent: lent * MIB,
        };
        let none: [&str; 0] = [];
        assert_eq!(notes(of(0, 0), level(0)), none);
        assert_eq!(notes(of(100, 0), level(0)), none);
        assert_eq!(notes(of(80, 20), level(31)), none);
        let small = notes(of(80, 19), level(31)).concat();
        assert!(small.starts_with("a capture has 99 MiB and is likely to need about 100 MiB"));
        for missing in [0, 1, 23, 27] {
            let missing = notes(of(80, 20), level(missing)).concat();
            assert!(missing.contains("in the 20 MiB of"), "{missing}");
        }
        let words = of(80, 20).describe();
        assert_eq!(words, "80 MiB, and 20 MiB that programs use until then");
    }

    #[test]
    fn a_kernel_above_4_gib_needs_room_below_for_swiotlb() {
        let of = |low: u64| CrashMemory {
            reserved: 256 * MIB,
            low: low * MIB,
            lent: 0,
        };
        let short = |low, line: &str| of(low).shortage(line.as_bytes()).is_some();
        assert!(short(64, "quiet") && short(71, "xswiotlb=1"));
        assert!(!short(0, "") && !short(72, "") && !short(256, ""));
        assert!(!short(64, "quiet swiotlb=noforce"));
        // What the kernel takes there is nothing that a capture can use.
        assert_eq!(of(72).usable(), (256 - 72) * MIB);
        assert_eq!(of(128).usable(), (256 - 72) * MIB);
        assert_eq!(of(0).usable(), 256 * MIB);
    }

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

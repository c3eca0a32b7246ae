//! The amount and use of memory.

use crate::{ReadError, Root};
use rustix::mm::{Advice, madvise};
use std::ops::Range;

/// The least for which large pages are asked: two of 2 MiB, one of which surely lies within.
const LARGE: usize = 4 << 20;

/// A multiple of every size of page that Linux has.
const ALIGNMENT: usize = 64 << 10;

/// An empty buffer with room for `capacity` bytes, or without any where so much can't be had. It is in large pages where
/// the kernel gives some: the page faults of an image in small ones take longer than to read it.
#[must_use]
pub fn buffer(capacity: usize) -> Vec<u8> {
    let mut buffer = Vec::new();
    if buffer.try_reserve_exact(capacity).is_err() || capacity < LARGE {
        return buffer;
    }
    let start: *mut u8 = buffer.as_mut_ptr();
    let before = start.align_offset(ALIGNMENT).min(capacity);
    let len = (capacity - before) / ALIGNMENT * ALIGNMENT;
    // SAFETY: the range lies within the allocation, and the advice changes no contents. A kernel that has no large pages
    // refuses it, and there are small ones.
    let _ = unsafe {
        madvise(
            start.wrapping_add(before).cast(),
            len,
            Advice::LinuxHugepage,
        )
    };
    buffer
}

/// The bytes of RAM that the kernel manages (`MemTotal`); `None` if it doesn't report them.
///
/// # Errors
/// When `/proc/meminfo` can't be read.
pub fn total(root: &Root) -> Result<Option<u64>, ReadError> {
    Ok(root
        .read_text("proc/meminfo")?
        .as_deref()
        .and_then(parse_total))
}

/// The regions reserved for a crash kernel; empty if there are none or their addresses are hidden from this
/// process (all zero).
///
/// # Errors
/// When `/proc/iomem` can't be read.
pub fn crash_regions(root: &Root) -> Result<Vec<Range<u64>>, ReadError> {
    Ok(parse_crash_regions(
        &root.read_text("proc/iomem")?.unwrap_or_default(),
    ))
}

/// The bytes that programs may use until a crash, and a crash kernel has in addition to what is reserved for it
/// (`crashkernel=…,cma`, Linux 6.17); 0 if there are none, or the kernel doesn't tell (CONFIG_CMA_SYSFS).
///
/// # Errors
/// When the file that says so exists and can't be read.
pub fn crash_cma(root: &Root) -> Result<u64, ReadError> {
    // reserve_crashkernel_cma of kernel/crash_reserve.c gives the area its name.
    let pages = root.read_number("sys/kernel/mm/cma/crashkernel/total_pages")?;
    let pages = pages.and_then(|pages| u64::try_from(pages).ok());
    let page_size = rustix::param::page_size() as u64;
    Ok(pages.unwrap_or(0).saturating_mul(page_size))
}

/// What the kernel tells a crash kernel of when that is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// As text; `None` if it is hidden from this process.
    pub text: Option<String>,
    /// Whether the kernel tells what is loaded again when it changes (`crash_hotplug`, Linux 6.5:
    /// Documentation/admin-guide/kdump/kdump.rst). While nothing is loaded it doesn't
    /// (crash_check_hotplug_support of kernel/crash_core.c).
    pub is_kept: bool,
}

/// What is memory, by the lines of `/proc/iomem`.
///
/// # Errors
/// When `/proc` or `/sys` can't be read.
pub fn map_told(root: &Root) -> Result<Told, ReadError> {
    Ok(Told {
        text: root.read_text("proc/iomem")?.as_deref().and_then(parse_ram),
        is_kept: is_kept(root, "memory")?,
    })
}

/// Which processors there are, by `present` of `sys/devices/system/cpu`.
///
/// # Errors
/// When `/sys` can't be read.
pub fn processors_told(root: &Root) -> Result<Told, ReadError> {
    Ok(Told {
        text: root.read_text("sys/devices/system/cpu/present")?,
        is_kept: is_kept(root, "cpu")?,
    })
}

fn is_kept(root: &Root, what: &str) -> Result<bool, ReadError> {
    let text = root.read_text(&format!("sys/devices/system/{what}/crash_hotplug"))?;
    Ok(text.is_some_and(|text| text.trim() == "1"))
}

/// The lines of `/proc/iomem` about RAM, also of what a driver added (`System RAM (kmem)`); `None` where the addresses are
/// hidden.
fn parse_ram(iomem: &str) -> Option<String> {
    let is_ram = |line: &&str| {
        let name = line.split_once(" : ").map_or("", |(_, name)| name);
        name.starts_with("System RAM") && region(line, name).is_some()
    };
    let lines: Vec<&str> = iomem.lines().filter(is_ram).map(str::trim).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The bytes that programs can still allocate (`MemAvailable`); `None` if the kernel doesn't report them.
///
/// # Errors
/// When `/proc/meminfo` can't be read.
pub fn available(root: &Root) -> Result<Option<u64>, ReadError> {
    let text = root.read_text("proc/meminfo")?;
    Ok(text.as_deref().and_then(|it| field(it, "MemAvailable")))
}

/// The bytes that programs and the kernel together can still allocate: `MemAvailable`, and the swap space to which
/// other memory can be moved; `None` if the kernel doesn't report them.
///
/// # Errors
/// When `/proc/meminfo` can't be read.
pub fn obtainable(root: &Root) -> Result<Option<u64>, ReadError> {
    let text = root.read_text("proc/meminfo")?;
    Ok(text.as_deref().and_then(parse_obtainable))
}

/// As [`obtainable`], from the text of `/proc/meminfo`.
#[must_use]
pub fn parse_obtainable(meminfo: &str) -> Option<u64> {
    let available = field(meminfo, "MemAvailable")?;
    Some(available.saturating_add(field(meminfo, "SwapFree").unwrap_or(0)))
}

/// The peak resident memory of this process (`VmHWM`), in bytes.
///
/// # Errors
/// When `/proc/self/status` can't be read.
pub fn peak_resident(root: &Root) -> Result<Option<u64>, ReadError> {
    let text = root.read_text("proc/self/status")?;
    Ok(text.as_deref().and_then(|it| field(it, "VmHWM")))
}

/// `MemTotal` of `/proc/meminfo` in bytes.
#[must_use]
pub fn parse_total(meminfo: &str) -> Option<u64> {
    field(meminfo, "MemTotal")
}

/// A field of `/proc/meminfo` in bytes; `None` if it is missing or isn't an amount of memory.
#[must_use]
pub fn field(meminfo: &str, name: &str) -> Option<u64> {
    let value = meminfo
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kib: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The bytes of RAM that the running kernel uses, including its own image and page structures: `System RAM` minus
/// what is reserved for a crash kernel; `None` if the addresses are hidden from this process.
///
/// # Errors
/// When `/proc/iomem` can't be read.
pub fn system_ram(root: &Root) -> Result<Option<u64>, ReadError> {
    let iomem = root.read_text("proc/iomem")?.unwrap_or_default();
    Ok(parse_system_ram(&iomem))
}

/// As [`system_ram`], from the text of `/proc/iomem`.
#[must_use]
pub fn parse_system_ram(iomem: &str) -> Option<u64> {
    let size = |regions: Vec<Range<u64>>| {
        let sizes = regions.into_iter().map(|it| it.end - it.start);
        sizes.fold(0, u64::saturating_add)
    };
    let ram = size(
        iomem
            .lines()
            .filter_map(|line| region(line, "System RAM"))
            .collect(),
    );
    let reserved = size(parse_crash_regions(iomem));
    (ram > 0).then(|| ram.saturating_sub(reserved))
}

/// RAM in which nothing lies that the kernel names, as half-open ranges; empty if the addresses are hidden from this
/// process.
///
/// # Errors
/// When `/proc/iomem` can't be read.
pub fn free_ram(root: &Root) -> Result<Vec<Range<u64>>, ReadError> {
    Ok(parse_free_ram(
        &root.read_text("proc/iomem")?.unwrap_or_default(),
    ))
}

/// As [`free_ram`], from the text of `/proc/iomem`: `System RAM` without what is indented below it.
#[must_use]
pub fn parse_free_ram(iomem: &str) -> Vec<Range<u64>> {
    let mut free: Vec<Range<u64>> = Vec::new();
    let mut is_ram = false;
    for line in iomem.lines() {
        if !line.starts_with(' ') {
            let ram = region(line, "System RAM");
            is_ram = ram.is_some();
            free.extend(ram);
            continue;
        }
        let name = line.split_once(" : ").map_or("", |(_, name)| name);
        if let (true, Some(used), Some(last)) = (is_ram, region(line, name), free.last_mut()) {
            // They are listed by their addresses, each of them within the last one.
            let rest = used.end.max(last.start)..last.end;
            last.end = used.start.clamp(last.start, last.end);
            free.push(rest);
        }
    }
    free.retain(|range| !range.is_empty());
    free
}

/// The `Crash kernel` lines of `/proc/iomem`, as half-open ranges.
#[must_use]
pub fn parse_crash_regions(iomem: &str) -> Vec<Range<u64>> {
    iomem
        .lines()
        .filter_map(|line| region(line, "Crash kernel"))
        .collect()
}

/// The region of a line, if it has this name. Hidden addresses are zero.
fn region(line: &str, wanted: &str) -> Option<Range<u64>> {
    let (range, name) = line.trim().split_once(" : ")?;
    if name != wanted {
        return None;
    }
    let (start, last) = range.split_once('-')?;
    let start = u64::from_str_radix(start, 16).ok()?;
    let end = u64::from_str_radix(last, 16).ok()?.checked_add(1)?;
    (start != 0 && start < end).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;

    #[test]
    fn the_total_is_given_in_kib() {
        assert_eq!(
            parse_total("MemTotal:        2048 kB\nMemFree: 1 kB\n"),
            Some(2 << 20)
        );
        assert_eq!(parse_total("MemFree: 1 kB\n"), None);
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let meminfo = "SwapCached: 1 kB\nCached: 2 kB\nHugePages_Total: 3\n";
        assert_eq!(field(meminfo, "Cached"), Some(2048));
        assert_eq!(field(meminfo, "Cach"), None);
        assert_eq!(field(meminfo, "HugePages_Total"), None);
    }

    #[test]
    fn what_swap_can_take_can_be_had_too() {
        let meminfo = "MemAvailable: 2048 kB\nSwapFree: 1024 kB\n";
        assert_eq!(parse_obtainable(meminfo), Some(3 << 20));
        assert_eq!(parse_obtainable("MemAvailable: 1024 kB\n"), Some(1 << 20));
        assert_eq!(parse_obtainable("SwapFree: 1024 kB\n"), None);
    }

    #[test]
    fn crash_regions_are_found_by_name() {
        let iomem = "00100000-3fffffff : System RAM\n  25000000-34ffffff : Crash kernel\n";
        let regions = parse_crash_regions(iomem);
        assert_eq!(regions.len(), 1);
        assert_eq!(regions[0], 0x2500_0000..0x3500_0000);
    }

    #[test]
    fn what_is_reserved_for_a_crash_is_not_used() {
        let iomem = "00000000-00000fff : Reserved\n00100000-3fffffff : System RAM\n  \
            25000000-34ffffff : Crash kernel\n100000000-13fffffff : System RAM\n";
        assert_eq!(parse_system_ram(iomem), Some((2048 - 1 - 256) << 20));
        assert_eq!(parse_system_ram("00000000-00000000 : System RAM\n"), None);
    }

    #[test]
    fn ram_is_free_but_for_what_is_named_below_it() {
        let iomem = "00000000-00000fff : Reserved\n00100000-3fffffff : System RAM\n  \
            01000000-01ffffff : Kernel code\n    01800000-018fffff : inside\n  \
            25000000-3fffffff : Crash kernel\nfd000000-fdffffff : PCI\n  fd000000-fd00ffff : vga\n\
            100000000-13fffffff : System RAM\n";
        assert_eq!(
            parse_free_ram(iomem),
            [
                0x10_0000..0x100_0000,
                0x200_0000..0x2500_0000,
                0x1_0000_0000..0x1_4000_0000
            ]
        );
        assert!(parse_free_ram("00000000-00000000 : System RAM\n").is_empty());
    }

    #[test]
    fn the_map_of_memory_has_ram_alone_and_is_none_where_addresses_are_hidden() {
        let iomem = "00000000-00000fff : Reserved\n00100000-3fffffff : System RAM\n  \
            01000000-01ffffff : Kernel code\n100000000-13fffffff : Persistent Memory\n  \
            100000000-11fffffff : System RAM (kmem)\n";
        assert_eq!(
            parse_ram(iomem).as_deref(),
            Some("00100000-3fffffff : System RAM\n100000000-11fffffff : System RAM (kmem)")
        );
        assert_eq!(parse_ram("00000000-00000000 : System RAM\n"), None);
    }

    #[test]
    fn hidden_addresses_are_no_region() {
        assert!(parse_crash_regions("00000000-00000000 : Crash kernel\n").is_empty());
    }

    #[test]
    fn a_buffer_has_the_room_that_is_asked_for_and_none_where_there_is_none() {
        for capacity in [0, 1, LARGE - 1, LARGE, LARGE + 1, 5 * LARGE + 12_345] {
            let mut buffer = buffer(capacity);
            assert!(buffer.is_empty() && buffer.capacity() >= capacity);
            let before = buffer.as_ptr();
            buffer.resize(capacity, 7);
            assert_eq!(buffer.as_ptr(), before, "it grew");
            assert!(buffer.iter().all(|byte| *byte == 7));
        }
        assert_eq!(buffer(usize::MAX).capacity(), 0);
    }

    #[test]
    fn what_programs_may_use_until_a_crash_is_told_in_pages() {
        let page = rustix::param::page_size() as u64;
        let t = TestRoot::new().with("sys/kernel/mm/cma/crashkernel/total_pages", "32768\n");
        assert_eq!(crash_cma(&t.root()).unwrap(), 32768 * page);
        assert_eq!(crash_cma(&TestRoot::new().root()).unwrap(), 0);
    }
}

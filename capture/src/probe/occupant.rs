//! Whether a whole device may be overwritten. It may if it is empty or holds a dump; everything else counts as
//! occupied.
//!
//! No list of signatures is complete. So it is defined what counts as free, and the list serves to name occupants.

use super::superblock::{Owner, superblock};
use super::within;
use crate::trailer;
use baton_kdump::{Dump, Source};
use std::fmt;
use std::io;

/// How many bytes at the beginning of an empty device are zero: as many as are cleared before a dump is written.
pub const BEGINNING: usize = 64 << 10;
/// How many bytes at the end of an empty device are zero. The last superblock of an md array lies within them;
/// what Baton's trailer holds doesn't, except for summaries of implausible length.
pub const END: usize = 128 << 10;

/// What occupies a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occupant {
    /// A file system or another owner whose superblock this program reads.
    Known(Owner),
    /// An owner of which only the signature is known.
    Named(&'static str),
    /// Data that isn't recognised.
    Unknown,
}

impl fmt::Display for Occupant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Occupant::Known(kind) => kind.fmt(f),
            Occupant::Named(name) => f.write_str(name),
            Occupant::Unknown => write!(
                f,
                "unknown data (neither a dump nor only zeros in its first {} and last {} KiB)",
                BEGINNING >> 10,
                END >> 10
            ),
        }
    }
}

/// What occupies the device; `None` if a dump may overwrite all of it.
///
/// # Errors
/// When the device's beginning or end can't be read.
pub fn occupant(source: &dyn Source) -> io::Result<Option<Occupant>> {
    if let Some(found) = superblock(source)? {
        return Ok(Some(Occupant::Known(found.owner)));
    }
    let size = source.size()?;
    let beginning = part(source, 0, BEGINNING, size)?;
    let is_dump = is_dump(&beginning);
    // Behind a dump's header are pages of the crashed machine, which may contain any signature.
    let reach = if is_dump { BEGINNING as u64 } else { size };
    if let Some(name) = named(source, size, reach)? {
        return Ok(Some(Occupant::Named(name)));
    }
    let is_free = is_dump || is_empty(source, size, is_zero(&beginning))?;
    Ok((!is_free).then_some(Occupant::Unknown))
}

fn is_empty(source: &dyn Source, size: u64, begins_empty: bool) -> io::Result<bool> {
    match trailer::read(source, size) {
        // An interrupted dump, or a complete one whose beginning was wiped since.
        Ok(trailer) => Ok(begins_empty || !trailer.complete),
        Err(_) if !begins_empty => Ok(false),
        Err(_) => {
            let end = size.saturating_sub(END as u64);
            Ok(is_zero(&part(source, end, END, size)?))
        }
    }
}

fn part(source: &dyn Source, offset: u64, length: usize, size: u64) -> io::Result<Vec<u8>> {
    let there = usize::try_from(size.saturating_sub(offset)).unwrap_or(length);
    let mut buffer = vec![0; length.min(there)];
    source.read_at(offset, &mut buffer)?;
    Ok(buffer)
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// Whether this is the beginning of a dump, or of one of diskdump, from which kdump-compressed ones descend
/// (makedumpfile's diskdump_mod.h).
fn is_dump(beginning: &[u8]) -> bool {
    Dump::recognises(beginning) || beginning.starts_with(b"DISKDUMP")
}

/// Where a signature lies.
enum At {
    Start(u64),
    /// This number of bytes before the end.
    End(u64),
}

use At::{End, Start};

const GPT: &str = "a partition table (GPT)";
const MD: &str = "a part of a RAID array (md)";
const ZFS: &str = "a part of a ZFS pool";
/// MD_SB_MAGIC of include/uapi/linux/raid/md_p.h.
const MD_MAGIC: &[u8] = &0xa92b_4efc_u32.to_le_bytes();
/// The uberblock's magic of ZFS (include/sys/uberblock_impl.h).
const ZFS_MAGIC: &[u8] = &0x00ba_b10c_u64.to_le_bytes();

/// Signatures of the most frequent owners besides those that [`superblock`] knows. Those of file systems are from
/// fs/NAME of Linux, that of GPT from section 5.3.2 of the UEFI specification.
const SIGNATURES: [(&str, At, &[u8]); 34] = [
    (GPT, Start(512), b"EFI PART"),
    (GPT, Start(4096), b"EFI PART"),
    (GPT, End(512), b"EFI PART"),
    (GPT, End(4096), b"EFI PART"),
    ("an NTFS file system", Start(3), b"NTFS    "),
    ("an exFAT file system", Start(3), b"EXFAT   "),
    ("a BitLocker volume", Start(3), b"-FVE-FS-"),
    // Versions 1.1 and 1.2 (drivers/md/md.c: super_1_load); the place of the others depends on the size.
    (MD, Start(0), MD_MAGIC),
    (MD, Start(4096), MD_MAGIC),
    (
        "a bcache device",
        Start(4096 + 24),
        b"\xc6\x85\x73\xf6\x4e\x1a\x45\xca",
    ),
    (
        "a bcachefs file system",
        Start(4096 + 24),
        b"\xc6\x85\x73\xf6\x66\xce\x90\xa9",
    ),
    ("an F2FS file system", Start(1024), b"\x10\x20\xf5\xf2"),
    ("an EROFS file system", Start(1024), b"\xe2\xe1\xf5\xe0"),
    ("an HFS+ file system", Start(1024), b"H+"),
    ("a NILFS2 file system", Start(1024 + 6), b"\x34\x34"),
    ("a squashfs file system", Start(0), b"hsqs"),
    ("an APFS container", Start(32), b"NXSB"),
    ("a VDO volume", Start(0), b"dmvdo001"),
    ("a Ceph OSD", Start(0), b"bluestore block device"),
    ("an ISO 9660 file system", Start(0x8001), b"CD001"),
    ("a UDF file system", Start(0x8001), b"BEA01"),
    ("a JFS file system", Start(0x8000), b"JFS1"),
    ("a ReiserFS file system", Start(0x1_0034), b"ReIsEr"),
    ("a GFS2 file system", Start(0x1_0000), b"\x01\x16\x19\x70"),
    ("a VMFS volume", Start(0x10_0000), b"\x0d\xd0\x01\xc0"),
    // The second header of LUKS2, where it can lie (LUKS2 On-Disk Format Specification, 2.1).
    (LUKS, Start(0x4000), SECOND),
    (LUKS, Start(0x8000), SECOND),
    (LUKS, Start(0x1_0000), SECOND),
    (LUKS, Start(0x2_0000), SECOND),
    (LUKS, Start(0x4_0000), SECOND),
    (LUKS, Start(0x8_0000), SECOND),
    (LUKS, Start(0x10_0000), SECOND),
    (LUKS, Start(0x20_0000), SECOND),
    (LUKS, Start(0x40_0000), SECOND),
];

const LUKS: &str = "a LUKS volume (its second header)";
const SECOND: &[u8] = b"SKUL\xba\xbe";

fn named(source: &dyn Source, size: u64, reach: u64) -> io::Result<Option<&'static str>> {
    for (name, at, magic) in &SIGNATURES {
        let offset = match at {
            Start(offset) => Some(*offset).filter(|offset| *offset < reach),
            End(before) => size.checked_sub(*before),
        };
        if stands(source, offset, magic)? {
            return Ok(Some(name));
        }
    }
    Ok(if is_md(source, size)? {
        Some(MD)
    } else if is_zfs(source, size, reach)? {
        Some(ZFS)
    } else if stands(source, Some(510), &[0x55, 0xaa])? {
        Some("a partition table (MBR) or a boot sector")
    } else {
        None
    })
}

/// Whether a signature stands at an offset. What can't be read may be one, and is an error.
fn stands(source: &dyn Source, offset: Option<u64>, magic: &[u8]) -> io::Result<bool> {
    let Some(offset) = offset else {
        return Ok(false);
    };
    let mut found = vec![0; magic.len()];
    let read = source.read_at(offset, &mut found);
    let is_there = within(source, offset, magic.len(), read)?.is_some();
    Ok(is_there && found == magic)
}

fn any_stands(
    source: &dyn Source,
    mut offsets: impl Iterator<Item = u64>,
    magic: &[u8],
) -> io::Result<bool> {
    offsets.try_fold(false, |found, offset| {
        Ok(found || stands(source, Some(offset), magic)?)
    })
}

/// Versions 0.90 (MD_NEW_SIZE_SECTORS of md_p.h) and 1.0 (super_1_load of drivers/md/md.c).
fn is_md(source: &dyn Source, size: u64) -> io::Result<bool> {
    let old = (size & !0xffff).checked_sub(0x1_0000);
    let new = size.checked_sub(0x2000).map(|at| at & !0xfff);
    any_stands(source, [old, new].into_iter().flatten(), MD_MAGIC)
}

/// Each label of ZFS has 256 KiB, whose second half is a ring of uberblocks of 1 KiB or a multiple
/// (include/sys/vdev_impl.h). The first and the last label are searched.
fn is_zfs(source: &dyn Source, size: u64, reach: u64) -> io::Result<bool> {
    let first = Some(128 << 10).filter(|start| *start < reach);
    let last = (size & !0x3_ffff).checked_sub(128 << 10);
    let rings = [first, last].into_iter().flatten();
    let places = rings.flat_map(|start| (0..128).map(move |number| start + number * 1024));
    any_stands(source, places, ZFS_MAGIC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trailer::Trailer;
    use baton_kdump::write::Output;
    use std::sync::Mutex;

    const SIZE: usize = 8 << 20;

    fn blank() -> Vec<u8> {
        vec![0; SIZE]
    }

    fn with(parts: &[(usize, &[u8])]) -> Vec<u8> {
        let mut bytes = blank();
        for (at, part) in parts {
            bytes[*at..*at + part.len()].copy_from_slice(part);
        }
        bytes
    }

    fn found(bytes: &Vec<u8>) -> String {
        let occupant = occupant(bytes).unwrap();
        occupant.map_or_else(|| "nobody".to_owned(), |it| it.to_string())
    }

    struct Written(Mutex<Vec<u8>>);

    impl Output for Written {
        fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
            let at = usize::try_from(offset).unwrap();
            self.0.lock().unwrap()[at..at + bytes.len()].copy_from_slice(bytes);
            Ok(())
        }

        fn read_back(&self, _: u64, _: &mut [u8]) -> io::Result<bool> {
            Ok(false)
        }

        fn begins_empty(&self) -> bool {
            false
        }
    }

    fn with_trailer(bytes: Vec<u8>, complete: bool) -> Vec<u8> {
        let written = Written(Mutex::new(bytes));
        let trailer = Trailer {
            complete,
            log: vec![b'x'; 4 << 20],
            summary: vec![b' '; 1000],
            ..Trailer::default()
        };
        trailer::write(&written, trailer::place(SIZE as u64).unwrap(), &trailer).unwrap();
        written.0.into_inner().unwrap()
    }

    #[test]
    fn zeros_and_dumps_are_nobodys() {
        let mut core = b"\x7fELF\x02\x01\x01".to_vec();
        core.resize(16, 0);
        core.extend([4, 0]);
        for start in [&b""[..], b"KDUMP   ", b"DISKDUMP", b"makedumpfile\0", &core] {
            let whole = with(&[(0, start), (SIZE - 5, b"data!")]);
            let blank = start.is_empty();
            assert_eq!(found(&whole) == "nobody", !blank, "{start:?}");
        }
        assert_eq!(found(&blank()), "nobody");
        // What lies between isn't looked at.
        assert_eq!(found(&with(&[(BEGINNING, b"data")])), "nobody");
    }

    #[test]
    fn an_elf_program_is_no_dump() {
        let mut program = b"\x7fELF\x02\x01\x01".to_vec();
        program.resize(16, 0);
        program.extend([2, 0]);
        assert!(found(&with(&[(0, &program)])).starts_with("unknown data"));
    }

    #[test]
    fn a_capture_that_broke_off_anywhere_may_be_written_over() {
        let data = with(&[(100, b"headers come last")]);
        assert_eq!(found(&with_trailer(data.clone(), false)), "nobody");
        assert_eq!(found(&with_trailer(blank(), true)), "nobody", "wiped since");
        // The partition was put to another use after a dump.
        let other = found(&with_trailer(data, true));
        assert!(other.starts_with("unknown data"), "{other}");
        // Interrupted between two steps: the trailer is invalid and the beginning cleared.
        let mut cleared = with_trailer(with(&[(BEGINNING, b"an old dump's pages")]), true);
        let place = usize::try_from(trailer::place(SIZE as u64).unwrap()).unwrap();
        cleared[place..place + 4096].fill(0);
        assert_eq!(found(&cleared), "nobody");
    }

    #[test]
    fn a_byte_anywhere_at_the_beginning_or_the_end_is_somebodys() {
        for at in [
            1,
            511,
            5000,
            BEGINNING - 1,
            SIZE - END,
            SIZE - 4097,
            SIZE - 1,
        ] {
            let said = found(&with(&[(at, b"\x01")]));
            assert!(said.starts_with("unknown data"), "{at}: {said}");
        }
    }

    #[test]
    fn each_owner_is_called_by_its_name_even_where_a_dump_begins() {
        for start in [&b""[..], b"KDUMP   "] {
            for (name, at, magic) in &SIGNATURES {
                let at = match at {
                    Start(offset) => *offset,
                    End(before) => SIZE as u64 - before,
                };
                let at = usize::try_from(at).unwrap();
                let mut whole = with(&[(0, start)]);
                whole[at..at + magic.len()].copy_from_slice(magic);
                let is_dump = whole.starts_with(b"KDUMP   ");
                let is_page = (BEGINNING..SIZE - END).contains(&at);
                let expected = if is_dump && is_page { "nobody" } else { name };
                assert_eq!(found(&whole), expected, "{name} at {at}");
            }
        }
        for (name, at, magic) in [
            (MD, SIZE - 0x1_0000, MD_MAGIC),
            (MD, SIZE - 0x2000, MD_MAGIC),
            (ZFS, (128 << 10) + 7 * 1024, ZFS_MAGIC),
            (ZFS, SIZE - (128 << 10) + 9 * 1024, ZFS_MAGIC),
            (
                "a partition table (MBR) or a boot sector",
                510,
                &[0x55, 0xaa],
            ),
            ("an ext2, ext3 or ext4 file system", 1080, &[0x53, 0xef]),
        ] {
            assert_eq!(found(&with(&[(at, magic)])), name);
        }
    }

    #[test]
    fn what_is_cut_off_anywhere_is_judged_without_a_panic() {
        let whole = with_trailer(with(&[(0, b"KDUMP   ")]), true);
        for length in [0, 1, 511, 4096, BEGINNING, END + 1, SIZE - 1] {
            let mut cut = whole.clone();
            cut.truncate(length);
            let _ = occupant(&cut);
        }
    }
}

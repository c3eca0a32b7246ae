//! The names that a disk's partition table gives to one of its partitions.
//!
//! The kernel has read the table already and knows where each partition lies. The names are taken only from an
//! entry that begins where the kernel says.

use super::{array, bytes, uuid};
use crate::device::Device;
use baton_kdump::Source;
use std::io;

/// The names of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// The partition's identifier, as blkid shows it.
    pub uuid: String,
    /// The partition's name; those of an MBR have none.
    pub label: Option<String>,
}

impl Names {
    /// Whether the partition is called `PARTUUID=…` or `PARTLABEL=…` like this.
    #[must_use]
    pub fn are(&self, name: &Device) -> bool {
        match name {
            Device::PartUuid(uuid) => self.uuid.eq_ignore_ascii_case(uuid),
            Device::PartLabel(label) => self.label.as_ref() == Some(label),
            _ => false,
        }
    }
}

/// The sizes of logical blocks that disks have.
const BLOCK_SIZES: [u64; 4] = [512, 1024, 2048, 4096];

/// The names of the partition of this number (from 1), which begins at byte `start` of the disk.
///
/// # Errors
/// When the disk gives no answer.
pub fn names(
    disk: &dyn Source,
    block_size: u64,
    number: u32,
    start: u64,
) -> io::Result<Option<Names>> {
    if !BLOCK_SIZES.contains(&block_size) {
        return Ok(None);
    }
    let mut failed = None;
    // UEFI specification, 5.3.2: a header in block 1, and another in the last block.
    let last = (disk.size()? / block_size).saturating_sub(1);
    for block in [1, last] {
        let header = block.saturating_mul(block_size);
        match entry(disk, header, block_size, number) {
            Ok(Some(entry)) if entry.start.checked_mul(block_size) == Some(start) => {
                return Ok(Some(entry.names));
            }
            Ok(Some(_)) => break,
            Ok(None) => {}
            // The other one is there for that.
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) => Err(error),
        None => mbr(disk, number),
    }
}

struct Entry {
    start: u64,
    names: Names,
}

/// UEFI specification, tables 5-5 (header) and 5-6 (entry).
fn entry(
    disk: &dyn Source,
    header: u64,
    block_size: u64,
    number: u32,
) -> io::Result<Option<Entry>> {
    let header = bytes(disk, header)?;
    let Some(place) = header.and_then(|it| place(&it, block_size, number)) else {
        return Ok(None);
    };
    Ok(bytes(disk, place)?.and_then(|it| entry_in(&it)))
}

/// Where the entry of this number is, by the header.
fn place(header: &[u8; 92], block_size: u64, number: u32) -> Option<u64> {
    header.starts_with(b"EFI PART").then_some(())?;
    let table = u64::from_le_bytes(array(header, 72)?);
    let count = u32::from_le_bytes(array(header, 80)?);
    let size = u32::from_le_bytes(array(header, 84)?);
    let index = number.checked_sub(1).filter(|index| *index < count)?;
    (size >= 128).then_some(())?;
    let place = u64::from(index).checked_mul(size.into())?;
    table.checked_mul(block_size)?.checked_add(place)
}

fn entry_in(entry: &[u8; 128]) -> Option<Entry> {
    (array::<16>(entry, 0)? != [0; 16]).then_some(())?;
    Some(Entry {
        start: u64::from_le_bytes(array(entry, 32)?),
        names: Names {
            uuid: guid(array(entry, 16)?),
            label: utf16(entry.get(56..128)?),
        },
    })
}

/// The first three fields of a GUID are little-endian (UEFI specification, appendix A).
fn guid(mut bytes: [u8; 16]) -> String {
    bytes[0..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    uuid(bytes)
}

fn utf16(bytes: &[u8]) -> Option<String> {
    let units = bytes
        .chunks_exact(2)
        .filter_map(|pair| Some(u16::from_le_bytes(array(pair, 0)?)));
    let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
    (!units.is_empty()).then(|| String::from_utf16_lossy(&units))
}

/// An MBR stores no names. The kernel forms them from the disk's signature, at byte 440, and the partition's
/// number (block/partitions/msdos.c, set_info).
fn mbr(disk: &dyn Source, number: u32) -> io::Result<Option<Names>> {
    let block = bytes(disk, 0)?;
    Ok(block.and_then(|it| mbr_in(&it, number)))
}

fn mbr_in(block: &[u8; 512], number: u32) -> Option<Names> {
    (block.get(510..512)? == [0x55, 0xaa]).then_some(())?;
    // A partition of type 0xee means that the disk has a GPT, which has been read already.
    (*block.get(450)? != 0xee).then_some(())?;
    let signature = u32::from_le_bytes(array(block, 440)?);
    (signature != 0).then(|| Names {
        uuid: format!("{signature:08x}-{number:02x}"),
        label: None,
    })
}

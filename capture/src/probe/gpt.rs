//! The names that a disk's partition table gives to one of its partitions.
//!
//! The kernel has read the table already and knows where each partition lies. The names are taken only from an
//! entry that begins where the kernel says.

use super::{array, bytes, uuid};
use crate::device::Device;
use baton_kdump::Source;

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
#[must_use]
pub fn names(disk: &dyn Source, block_size: u64, number: u32, start: u64) -> Option<Names> {
    if !BLOCK_SIZES.contains(&block_size) {
        return None;
    }
    let last = (disk.size().ok()? / block_size).checked_sub(1)?;
    // UEFI specification, 5.3.2: a header in block 1, and another in the last block.
    let mut headers = [1, last].into_iter();
    headers
        .find_map(|block| entry(disk, block.checked_mul(block_size)?, block_size, number))
        .filter(|entry| entry.start.checked_mul(block_size) == Some(start))
        .map(|entry| entry.names)
        .or_else(|| mbr(disk, number))
}

struct Entry {
    start: u64,
    names: Names,
}

/// UEFI specification, tables 5-5 (header) and 5-6 (entry).
fn entry(disk: &dyn Source, header: u64, block_size: u64, number: u32) -> Option<Entry> {
    let header: [u8; 92] = bytes(disk, header)?;
    header.starts_with(b"EFI PART").then_some(())?;
    let table = u64::from_le_bytes(array(&header, 72)?);
    let count = u32::from_le_bytes(array(&header, 80)?);
    let size = u32::from_le_bytes(array(&header, 84)?);
    let index = number.checked_sub(1).filter(|index| *index < count)?;
    (size >= 128).then_some(())?;
    let place = u64::from(index).checked_mul(size.into())?;
    let place = table.checked_mul(block_size)?.checked_add(place)?;
    let entry: [u8; 128] = bytes(disk, place)?;
    (array::<16>(&entry, 0)? != [0; 16]).then_some(())?;
    Some(Entry {
        start: u64::from_le_bytes(array(&entry, 32)?),
        names: Names {
            uuid: guid(array(&entry, 16)?),
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
fn mbr(disk: &dyn Source, number: u32) -> Option<Names> {
    let block: [u8; 512] = bytes(disk, 0)?;
    (block.get(510..512)? == [0x55, 0xaa]).then_some(())?;
    // A partition of type 0xee means that the disk has a GPT, which has been read already.
    (*block.get(450)? != 0xee).then_some(())?;
    let signature = u32::from_le_bytes(array(&block, 440)?);
    (signature != 0).then(|| Names {
        uuid: format!("{signature:08x}-{number:02x}"),
        label: None,
    })
}

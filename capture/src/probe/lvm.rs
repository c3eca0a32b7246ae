//! What a physical volume of LVM says of itself and of its volume group.
//!
//! lib/format_text/layout.h and lib/label/label.h of LVM2 define the structures, lib/format_text/import_vsn1.c the
//! text. All numbers are little-endian.

mod id;
mod text;

#[cfg(test)]
mod tests;

pub use id::{Id, NotAnId};
pub use text::volume_group;

use super::{array, bytes, within};
use baton_kdump::Source;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;

/// A physical volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhysicalVolume {
    /// Its identifier.
    pub id: Id,
    /// Its volume group; `None` if it is in none, or if other physical volumes have the metadata.
    pub group: Option<VolumeGroup>,
}

/// A volume group, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeGroup {
    /// Its name.
    pub name: GroupName,
    /// Its identifier.
    pub id: Id,
    /// How often its metadata was written. Every change raises it.
    pub seqno: u32,
}

/// The name of a volume group: letters, digits and `+_.-` (lvm(8)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupName(String);

/// A text isn't the name of a volume group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no name of a volume group; it has letters, digits and the characters +_.-")]
pub struct NotAGroupName(String);

impl TryFrom<String> for GroupName {
    type Error = NotAGroupName;

    fn try_from(name: String) -> Result<GroupName, NotAGroupName> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "+_.-".contains(c);
        // NAME_LEN of lib/metadata/metadata-exported.h
        if (1..128).contains(&name.len()) && name.chars().all(is_allowed) {
            Ok(GroupName(name))
        } else {
            Err(NotAGroupName(name))
        }
    }
}

impl From<GroupName> for String {
    fn from(name: GroupName) -> String {
        name.0
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a physical volume can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LvmError {
    /// There is no label.
    #[error("it is no physical volume of LVM")]
    NoLabel,
    /// The disk gives no answer.
    #[error("it can't be read")]
    Unreadable,
    /// This part of it isn't what it has to be.
    #[error("the {0} of its LVM metadata is damaged")]
    Damaged(Part),
    /// The metadata is longer than any that is read here.
    #[error("its LVM metadata is longer than {} MiB", MAX_TEXT >> 20)]
    Long,
}

impl LvmError {
    /// What helps.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            LvmError::Unreadable => "check the disk",
            LvmError::NoLabel | LvmError::Damaged(_) => "check the volume group with `vgck`",
            LvmError::Long => {
                "take the volume out of that group (`vgsplit`), or name another target"
            }
        }
    }
}

impl From<io::Error> for LvmError {
    fn from(_: io::Error) -> LvmError {
        LvmError::Unreadable
    }
}

/// A part of what LVM writes to a physical volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The label with the physical volume's header.
    Label,
    /// The header of a metadata area.
    Header,
    /// The text that describes the volume group.
    Text,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Label => "label",
            Part::Header => "header",
            Part::Text => "text",
        })
    }
}

/// Sectors that may have the label (LABEL_SCAN_SECTORS), and their size.
const LABEL_SECTORS: u64 = 4;
const SECTOR: usize = 512;

/// MDA_HEADER_SIZE: the header's length. The text's ring begins behind it.
const HEADER: usize = 512;

/// The longest text that is read. Groups of thousands of volumes have 2 MiB.
const MAX_TEXT: u64 = 4 << 20;

/// Reads a physical volume.
///
/// # Errors
/// When the source isn't one, or any of its metadata that is in use is damaged.
pub fn physical_volume(source: &dyn Source) -> Result<PhysicalVolume, LvmError> {
    let label = label(source)??;
    let (id, areas) = header(&label).ok_or(LvmError::Damaged(Part::Label))?;
    let mut newest: Option<VolumeGroup> = None;
    for area in areas {
        if let Some(group) = area.group(source)?
            && newest.as_ref().is_none_or(|it| it.seqno < group.seqno)
        {
            newest = Some(group);
        }
    }
    Ok(PhysicalVolume { id, group: newest })
}

/// The identifier of a physical volume; `None` if the source isn't one.
///
/// # Errors
/// When the source can't be read.
pub fn id(source: &dyn Source) -> io::Result<Option<Id>> {
    let label = label(source)?.ok();
    Ok(label.and_then(|it| header(&it)).map(|(id, _)| id))
}

/// `struct label_header`: id at 0, sector_xl at 8, crc_xl at 16 (of all behind it), offset_xl at 20, type at 24.
fn label(source: &dyn Source) -> io::Result<Result<[u8; SECTOR], LvmError>> {
    for number in 0..LABEL_SECTORS {
        let Some(sector) = bytes::<SECTOR>(source, number * SECTOR as u64)? else {
            break;
        };
        if !sector.starts_with(b"LABELONE") {
            continue;
        }
        let is_whole = array(&sector, 8) == Some(number.to_le_bytes())
            && array(&sector, 16) == sector.get(20..).map(|it| checksum(it).to_le_bytes())
            && array(&sector, 24) == Some(*b"LVM2 001");
        let damaged = LvmError::Damaged(Part::Label);
        return Ok(is_whole.then_some(sector).ok_or(damaged));
    }
    Ok(Err(LvmError::NoLabel))
}

/// `struct pv_header`: pv_uuid at 0, and from 40 on two lists of `struct disk_locn` (offset, size), each of which ends
/// with an offset of 0: the areas of data, then those of metadata.
fn header(label: &[u8; SECTOR]) -> Option<(Id, Vec<Area>)> {
    let begin = usize::try_from(u32::from_le_bytes(array(label, 20)?)).ok()?;
    let header = label.get(begin..)?;
    let id = Id::stored(array(header, 0)?)?;
    let mut places = header.get(40..)?.chunks_exact(16);
    let mut place = || {
        let place = places.next()?;
        Some(Area {
            offset: u64::from_le_bytes(array(place, 0)?),
            size: u64::from_le_bytes(array(place, 8)?),
        })
    };
    while place()?.offset != 0 {}
    let mut areas = Vec::new();
    loop {
        match place()? {
            Area { offset: 0, .. } => return Some((id, areas)),
            area => areas.push(area),
        }
    }
}

/// A metadata area: a header, and a ring that holds the text in its newest form and older ones.
struct Area {
    offset: u64,
    size: u64,
}

/// `struct raw_locn`: where a text is in its area, and its checksum.
struct Place {
    offset: u64,
    size: u64,
    checksum: u32,
    flags: u32,
}

/// RAW_LOCN_IGNORED: the area isn't kept up to date.
const IGNORED: u32 = 1;

impl Area {
    /// The volume group that the area describes; `None` if it describes none.
    fn group(&self, source: &dyn Source) -> Result<Option<VolumeGroup>, LvmError> {
        let header = bytes(source, self.offset)?;
        let place = header.and_then(|it| self.place(&it));
        let place = place.ok_or(LvmError::Damaged(Part::Header))?;
        if place.offset == 0 || place.flags & IGNORED != 0 {
            return Ok(None);
        }
        if place.size > MAX_TEXT {
            return Err(LvmError::Long);
        }
        let text = self.text(source, &place)?;
        let group = text.and_then(|text| volume_group(&text));
        group.map(Some).ok_or(LvmError::Damaged(Part::Text))
    }

    /// `struct mda_header`: checksum_xl at 0 (of all behind it), magic at 4, version at 20, start at 24, size at 32, and
    /// at 40 raw_locns, of which the first is that of the text in use.
    fn place(&self, header: &[u8; HEADER]) -> Option<Place> {
        let is_whole = array(header, 0)? == checksum(header.get(4..)?).to_le_bytes()
            && array(header, 4)? == *b" LVM2 x[5A%r0N*>"
            && array(header, 20)? == 1_u32.to_le_bytes()
            && array(header, 24)? == self.offset.to_le_bytes()
            && array(header, 32)? == self.size.to_le_bytes();
        is_whole.then_some(())?;
        Some(Place {
            offset: u64::from_le_bytes(array(header, 40)?),
            size: u64::from_le_bytes(array(header, 48)?),
            checksum: u32::from_le_bytes(array(header, 56)?),
            flags: u32::from_le_bytes(array(header, 60)?),
        })
    }

    /// The text, which goes on behind the header where it reaches the area's end.
    fn text(&self, source: &dyn Source, place: &Place) -> io::Result<Option<Vec<u8>>> {
        let Some(ranges) = self.ranges(place) else {
            return Ok(None);
        };
        let mut text = Vec::new();
        for (offset, length) in ranges {
            let mut part = vec![0; length];
            let read = source.read_at(offset, &mut part);
            if within(source, offset, length, read)?.is_none() {
                return Ok(None);
            }
            text.extend(part);
        }
        Ok((checksum(&text) == place.checksum).then_some(text))
    }

    /// Where the text's parts are in the source, and their lengths; `None` if they aren't in the area.
    fn ranges(&self, place: &Place) -> Option<[(u64, usize); 2]> {
        let begin = HEADER as u64;
        let is_inside = (begin..self.size).contains(&place.offset)
            && place.size <= self.size.checked_sub(begin)?;
        is_inside.then_some(())?;
        let before_end = place.size.min(self.size.checked_sub(place.offset)?);
        let length = |it: u64| usize::try_from(it).ok();
        Some([
            (self.offset.checked_add(place.offset)?, length(before_end)?),
            (
                self.offset.checked_add(begin)?,
                length(place.size - before_end)?,
            ),
        ])
    }
}

/// LVM's checksum (lib/misc/crc.c): the CRC-32 of IEEE 802.3, begun with another value and not inverted at the end.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    const INITIAL: u32 = 0xf597_a6cf;
    bytes.iter().fold(INITIAL, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (POLYNOMIAL & (sum & 1).wrapping_neg())
        })
    })
}

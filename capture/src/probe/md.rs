//! What a member of a RAID array (md) says of itself and of its array: the superblock of version 1
//! (`struct mdp_superblock_1` of include/uapi/linux/raid/md_p.h, super_1_load of drivers/md/md.c). All numbers are
//! little-endian.

use super::{array, bytes, uuid, within};
use baton_kdump::Source;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;

#[cfg(test)]
mod tests;

/// A member of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The array's identifier.
    pub array: ArrayId,
    /// Where the superblock is.
    pub version: Minor,
    /// The RAID level, as the kernel numbers it: 0, 1, 10, -1 (linear) and others.
    pub level: i32,
    /// How often the superblock was written. A member that was left behind has a lower number.
    pub events: u64,
    /// The member's own number, which is its place among the roles.
    pub number: u32,
    /// What each member is, by its number.
    pub roles: Vec<Role>,
    /// What the superblock needs besides, bit by bit (`MD_FEATURE_…`).
    pub features: u32,
}

/// The identifier of an array, as blkid shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ArrayId(String);

/// A text isn't the identifier of an array.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no identifier of an array, which has 32 hexadecimal digits in five groups")]
pub struct NotAnArrayId(String);

impl TryFrom<String> for ArrayId {
    type Error = NotAnArrayId;

    fn try_from(text: String) -> Result<ArrayId, NotAnArrayId> {
        let is_right = |(at, byte): (usize, u8)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        };
        if text.len() == 36 && text.bytes().enumerate().all(is_right) {
            Ok(ArrayId(text))
        } else {
            Err(NotAnArrayId(text))
        }
    }
}

impl From<ArrayId> for String {
    fn from(id: ArrayId) -> String {
        id.0
    }
}

impl fmt::Display for ArrayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The minor version of a superblock, which says where it is on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Minor {
    /// At the end.
    #[serde(rename = "1.0")]
    End,
    /// At the beginning.
    #[serde(rename = "1.1")]
    Beginning,
    /// 4 KiB behind the beginning.
    #[serde(rename = "1.2")]
    Behind,
}

impl Minor {
    /// All, in the order in which they are looked for.
    const ALL: [Minor; 3] = [Minor::Behind, Minor::Beginning, Minor::End];

    /// Its number.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Minor::End => 0,
            Minor::Beginning => 1,
            Minor::Behind => 2,
        }
    }

    /// The offset of the superblock on a device of this size, in bytes (super_1_load); `None` if it is too small.
    fn offset(self, size: u64) -> Option<u64> {
        match self {
            // 8 KiB before the end, and at a multiple of 4 KiB.
            Minor::End => Some((size / SECTOR).checked_sub(16)? / 8 * 8 * SECTOR),
            Minor::Beginning => Some(0),
            Minor::Behind => Some(4096),
        }
    }
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It has this place in the array.
    Active(u16),
    /// It failed, or was taken out (`MD_DISK_ROLE_FAULTY`).
    Faulty,
    /// It waits to take another's place (`MD_DISK_ROLE_SPARE`).
    Spare,
    /// It keeps the array's journal (`MD_DISK_ROLE_JOURNAL`).
    Journal,
}

impl From<u16> for Role {
    fn from(role: u16) -> Role {
        match role {
            0xffff => Role::Spare,
            0xfffe => Role::Faulty,
            0xfffd => Role::Journal,
            place => Role::Active(place),
        }
    }
}

/// Why a member can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MdError {
    /// There is no superblock of version 1.
    #[error("it is no member of a RAID array with superblocks of version 1")]
    None,
    /// The disk gives no answer.
    #[error("it can't be read")]
    Unreadable,
    /// The superblock isn't what it has to be.
    #[error("its RAID superblock is damaged")]
    Damaged,
}

impl MdError {
    /// What helps.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            MdError::Unreadable => "check the disk",
            MdError::None | MdError::Damaged => "check the array with `mdadm --examine`",
        }
    }
}

impl From<io::Error> for MdError {
    fn from(_: io::Error) -> MdError {
        MdError::Unreadable
    }
}

const SECTOR: u64 = 512;

/// MD_SB_MAGIC
const MAGIC: u32 = 0xa92b_4efc;

/// The length of what is in each superblock; the roles follow, of which there are at most as many as reach the end of
/// 4 KiB (super_1_load).
const HEAD: usize = 256;
const MOST_ROLES: usize = (4096 - HEAD) / 2;

/// Reads a member.
///
/// # Errors
/// When the source isn't one, or its superblock is damaged.
pub fn member(source: &dyn Source) -> Result<Member, MdError> {
    let size = source.size()?;
    for version in Minor::ALL {
        let Some(offset) = version.offset(size) else {
            continue;
        };
        let Some(head) = bytes::<HEAD>(source, offset)? else {
            continue;
        };
        // A copy of the superblock that is in another place belongs to something else: super_offset says where it is.
        if number(&head, 0) != Some(MAGIC)
            || number(&head, 4) != Some(1)
            || long(&head, 144) != Some(offset / SECTOR)
        {
            continue;
        }
        return whole(source, offset, &head)?
            .and_then(|block| parse(&block, version))
            .ok_or(MdError::Damaged);
    }
    Err(MdError::None)
}

/// The superblock with its roles (max_dev at 220); `None` if it can't have so many, or the device ends before.
fn whole(source: &dyn Source, offset: u64, head: &[u8; HEAD]) -> io::Result<Option<Vec<u8>>> {
    let count = number(head, 220).and_then(|count| usize::try_from(count).ok());
    let Some(count) = count.filter(|count| *count <= MOST_ROLES) else {
        return Ok(None);
    };
    let mut block = vec![0; HEAD + 2 * count];
    let read = source.read_at(offset, &mut block);
    Ok(within(source, offset, block.len(), read)?.map(|()| block))
}

/// feature_map at 8, set_uuid at 16, level at 72, dev_number at 160, events at 200, sb_csum at 216, dev_roles at 256.
fn parse(block: &[u8], version: Minor) -> Option<Member> {
    (number(block, 216)? == checksum(block)).then_some(())?;
    let roles = block.get(HEAD..)?.chunks_exact(2);
    let roles = roles.map(|role| Some(Role::from(u16::from_le_bytes(array(role, 0)?))));
    Some(Member {
        array: ArrayId(uuid(array(block, 16)?)),
        version,
        level: i32::from_le_bytes(array(block, 72)?),
        events: long(block, 200)?,
        number: number(block, 160)?,
        roles: roles.collect::<Option<_>>()?,
        features: number(block, 8)?,
    })
}

fn number(block: &[u8], at: usize) -> Option<u32> {
    array(block, at).map(u32::from_le_bytes)
}

fn long(block: &[u8], at: usize) -> Option<u64> {
    array(block, at).map(u64::from_le_bytes)
}

/// The checksum of a superblock, as if sb_csum was 0 (calc_sb_1_csum): the sum of its 32-bit words, to which what is left,
/// 16 bits, and what doesn't fit into 32 bits is added.
#[must_use]
pub fn checksum(block: &[u8]) -> u32 {
    let words = block.chunks(4).enumerate().map(|(at, word)| match *word {
        _ if at == 216 / 4 => 0,
        [a, b, c, d] => u64::from(u32::from_le_bytes([a, b, c, d])),
        [a, b, ..] => u64::from(u16::from_le_bytes([a, b])),
        _ => 0,
    });
    let [a, b, c, d, e, f, g, h] = words.sum::<u64>().to_le_bytes();
    // The kernel adds them as 32-bit numbers.
    u32::from_le_bytes([a, b, c, d]).wrapping_add(u32::from_le_bytes([e, f, g, h]))
}

impl Member {
    /// What this member is, by its own superblock.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        self.role_of(self.number)
    }

    /// What the member with this number is, by this one's superblock.
    #[must_use]
    pub fn role_of(&self, number: u32) -> Option<Role> {
        let number = usize::try_from(number).ok()?;
        self.roles.get(number).copied()
    }
}

/// Bits of [`Member::features`] (`MD_FEATURE_…` of md_p.h).
pub mod feature {
    /// The array is being reshaped.
    pub const RESHAPE: u32 = 4;
    /// Several machines use the array.
    pub const CLUSTERED: u32 = 256;
    /// What is written goes to a journal first.
    pub const JOURNAL: u32 = 512;
    /// Parities are logged (PPL), in one form or the other.
    pub const PPL: u32 = 1024 | 2048;
}

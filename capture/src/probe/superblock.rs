//! The superblocks of the file systems that dumps are written to.

use super::{array, bytes, label, luks, lvm, uuid};
use crate::device::Device;
use crate::file_system::FileSystem;
use baton_kdump::Source;
use std::io;

/// What a superblock says the device belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// ext2, ext3 or ext4.
    Ext,
    /// XFS.
    Xfs,
    /// Btrfs.
    Btrfs,
    /// FAT of any width.
    Vfat,
    /// Swap space.
    Swap,
    /// A volume encrypted by cryptsetup.
    Luks,
    /// An LVM physical volume.
    Lvm,
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Owner::Ext => "an ext2, ext3 or ext4 file system",
            Owner::Xfs => "an XFS file system",
            Owner::Btrfs => "a Btrfs file system",
            Owner::Vfat => "a FAT file system",
            Owner::Swap => "swap space",
            Owner::Luks => "a LUKS volume",
            Owner::Lvm => "an LVM physical volume",
        })
    }
}

/// The superblock of a file system or of another owner of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superblock {
    /// The type of file system, or the other owner.
    pub owner: Owner,
    /// The identifier of the file system, of the encrypted volume or of the physical volume, as blkid shows it; empty for
    /// other owners.
    pub uuid: String,
    /// The file system's label.
    pub label: Option<String>,
    /// The part of the file system that is on another device, if any.
    pub elsewhere: Option<Elsewhere>,
    /// For a btrfs on more than one device: what this one is of it.
    pub member: Option<Member>,
}

/// One of the devices that a btrfs is spread over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The device's own identifier.
    pub uuid: String,
    /// How many devices there are.
    pub of: u64,
}

impl Superblock {
    /// The type of file system, if dumps can be written to it.
    #[must_use]
    pub fn filesystem(&self) -> Option<FileSystem> {
        match self.owner {
            Owner::Ext => Some(FileSystem::Ext4),
            Owner::Xfs => Some(FileSystem::Xfs),
            Owner::Btrfs => Some(FileSystem::Btrfs),
            Owner::Vfat => Some(FileSystem::Vfat),
            Owner::Swap | Owner::Luks | Owner::Lvm => None,
        }
    }

    /// Whether the file system is called `UUID=…` or `LABEL=…` like this.
    #[must_use]
    pub fn is_called(&self, name: &Device) -> bool {
        match name {
            Device::Uuid(uuid) => self.uuid.eq_ignore_ascii_case(uuid),
            Device::Label(label) => self.label.as_ref() == Some(label),
            _ => false,
        }
    }
}

/// A part of a file system that is on another device, which a capture doesn't search for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elsewhere {
    /// The journal of ext3 or ext4.
    Journal,
    /// The log of XFS.
    Log,
    /// The real-time section of XFS.
    RealTime,
}

impl std::fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Elsewhere::Journal => f.write_str("its journal is on another device"),
            Elsewhere::Log => f.write_str("its log is on another device"),
            Elsewhere::RealTime => f.write_str("its real-time section is on another device"),
        }
    }
}

/// The superblock on a device; `None` if there is none of a known type.
///
/// # Errors
/// When the device gives no answer.
pub fn superblock(source: &dyn Source) -> io::Result<Option<Superblock>> {
    for find in [ext, xfs, btrfs, other_owner, fat] {
        if let Some(found) = find(source)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// `struct ext4_super_block` (fs/ext4/ext4.h) at byte 1024: s_magic at 0x38, s_feature_compat at 0x5c,
/// s_uuid at 0x68, s_volume_name at 0x78, s_journal_inum at 0xe0. A journal (EXT4_FEATURE_COMPAT_HAS_JOURNAL)
/// without an inode is on another device (ext4_load_journal of fs/ext4/super.c).
fn ext(source: &dyn Source) -> io::Result<Option<Superblock>> {
    let block = bytes(source, 1024)?;
    Ok(block.and_then(ext_in))
}

fn ext_in(block: [u8; 0xe4]) -> Option<Superblock> {
    const HAS_JOURNAL: u32 = 4;
    (array(&block, 0x38)? == 0xef53_u16.to_le_bytes()).then_some(())?;
    let has_journal = u32::from_le_bytes(array(&block, 0x5c)?) & HAS_JOURNAL != 0;
    let is_elsewhere = has_journal && array(&block, 0xe0)? == [0; 4];
    Some(Superblock {
        owner: Owner::Ext,
        uuid: uuid(array(&block, 0x68)?),
        label: label(block.get(0x78..0x88)?),
        elsewhere: is_elsewhere.then_some(Elsewhere::Journal),
        member: None,
    })
}

/// `struct xfs_dsb` (fs/xfs/libxfs/xfs_format.h): sb_magicnum at 0, sb_rblocks at 16, sb_uuid at 32,
/// sb_logstart at 48 (0 if the log isn't on this device), sb_fname at 108.
fn xfs(source: &dyn Source) -> io::Result<Option<Superblock>> {
    let block = bytes(source, 0)?;
    Ok(block.and_then(xfs_in))
}

fn xfs_in(block: [u8; 120]) -> Option<Superblock> {
    block.starts_with(b"XFSB").then_some(())?;
    let elsewhere = match (array(&block, 48)?, array(&block, 16)?) {
        ([0, 0, 0, 0, 0, 0, 0, 0], _) => Some(Elsewhere::Log),
        (_, [0, 0, 0, 0, 0, 0, 0, 0]) => None,
        _ => Some(Elsewhere::RealTime),
    };
    Some(Superblock {
        owner: Owner::Xfs,
        uuid: uuid(array(&block, 32)?),
        label: label(block.get(108..120)?),
        elsewhere,
        member: None,
    })
}

/// `struct btrfs_super_block` (include/uapi/linux/btrfs_tree.h) at 64 KiB: fsid at 0x20, magic at 0x40,
/// num_devices at 0x88, label at 0x12b; in dev_item (`struct btrfs_dev_item`) at 0xc9 the device's uuid at 0x42.
fn btrfs(source: &dyn Source) -> io::Result<Option<Superblock>> {
    let block = bytes(source, 64 << 10)?;
    Ok(block.and_then(btrfs_in))
}

fn btrfs_in(block: [u8; 0x22b]) -> Option<Superblock> {
    (array(&block, 0x40)? == *b"_BHRfS_M").then_some(())?;
    let member = Member {
        uuid: uuid(array(&block, 0xc9 + 0x42)?),
        of: u64::from_le_bytes(array(&block, 0x88)?),
    };
    Some(Superblock {
        owner: Owner::Btrfs,
        uuid: uuid(array(&block, 0x20)?),
        label: label(block.get(0x12b..0x22b)?),
        elsewhere: None,
        member: (member.of > 1).then_some(member),
    })
}

/// Owners other than file systems, which no dump may overwrite by mistake: LUKS ([`luks`]), LVM
/// (`struct label_header` in one of the first sectors, the second by default), swap (`union swap_header`
/// of include/linux/swap.h: the end of the first page).
fn other_owner(source: &dyn Source) -> io::Result<Option<Superblock>> {
    let owned = |owner, uuid| {
        Ok(Some(Superblock {
            owner,
            uuid,
            label: None,
            elsewhere: None,
            member: None,
        }))
    };
    let found = |owner| owned(owner, String::new());
    if bytes(source, 0)? == Some(luks::MAGIC) {
        let id = luks::id(source)?.map(String::from);
        return owned(Owner::Luks, id.unwrap_or_default());
    }
    for sector in 0..4 {
        if bytes(source, sector * 512)? == Some(*b"LABELONE") {
            let id = lvm::id(source)?.map(String::from);
            return owned(Owner::Lvm, id.unwrap_or_default());
        }
    }
    match bytes(source, 4096 - 10)?.as_ref() {
        Some(b"SWAPSPACE2" | b"SWAP-SPACE") => found(Owner::Swap),
        _ => Ok(None),
    }
}

/// `struct fat_boot_sector` (include/uapi/linux/msdos_fs.h): vol_id at 39 (FAT12, FAT16) or 67 (FAT32),
/// then vol_label and fs_type; the mark 0x55 0xaa at 510. The label is the one in the boot sector, which
/// mkfs.fat and fatlabel keep the same as the one in the root directory.
fn fat(source: &dyn Source) -> io::Result<Option<Superblock>> {
    let block = bytes(source, 0)?;
    Ok(block.and_then(fat_in))
}

fn fat_in(block: [u8; 512]) -> Option<Superblock> {
    (block.get(510..512)? == [0x55, 0xaa]).then_some(())?;
    let id = match block {
        _ if block.get(82..87)? == b"FAT32" => 67,
        _ if block.get(54..58)? == b"FAT1" => 39,
        _ => return None,
    };
    let number = u32::from_le_bytes(array(&block, id)?);
    let name = String::from_utf8_lossy(block.get(id + 4..id + 15)?).into_owned();
    let name = name.trim_end().to_owned();
    Some(Superblock {
        owner: Owner::Vfat,
        uuid: format!("{:04X}-{:04X}", number >> 16, number & 0xffff),
        label: (!name.is_empty() && name != "NO NAME").then_some(name),
        elsewhere: None,
        member: None,
    })
}

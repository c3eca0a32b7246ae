//! Why a layer can't be set up.

use super::device_mapper::{Description, VolumeError};
use super::{Base, Name};
use crate::device::Device;
use crate::probe::luks::LuksId;
use crate::probe::lvm::{LvmError, VolumeGroup};
use crate::wait::DeviceError;
use std::io;

/// Why a target's device can't be reached through its layers.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The target's device isn't there.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A part of a volume isn't there.
    #[error("the volume {volume} isn't whole: {missing}")]
    Leg {
        /// The volume.
        volume: Name,
        /// What is missing.
        missing: DeviceError,
    },
    /// The parts of a volume don't fit together.
    #[error("the volume {volume} isn't set up: {error}")]
    Volume {
        /// The volume.
        volume: Name,
        /// Which.
        error: VolumeError,
    },
    /// Several devices have the name of a part of a volume.
    #[error("{volume} isn't set up: {ambiguity}; disconnect the copy")]
    Ambiguous {
        /// The volume.
        volume: Name,
        /// Which devices.
        ambiguity: String,
    },
    /// A device can't be read to see whether the volume is still there.
    #[error("the volume {volume} isn't set up: {leg} can't be read: {error}; check the disk")]
    Unreadable {
        /// The volume.
        volume: Name,
        /// The device.
        leg: Base,
        /// Why.
        error: io::Error,
    },
    /// LVM's metadata on a device can't be read.
    #[error("the volume {volume} isn't set up: {leg}: {error}; {}", .error.help())]
    Lvm {
        /// The volume.
        volume: Name,
        /// The device.
        leg: Base,
        /// What is wrong with it.
        error: LvmError,
    },
    /// A device is another physical volume than it was.
    #[error(
        "the volume {volume} isn't set up: {leg} is another physical volume than when the capture was loaded; load again after such changes (`baton crash load`)"
    )]
    OtherPhysicalVolume {
        /// The volume.
        volume: Name,
        /// The device.
        leg: Base,
    },
    /// No device of the volume has metadata.
    #[error(
        "the volume {volume} isn't set up: none of its physical volumes belongs to a volume group any more; load again after such changes (`baton crash load`)"
    )]
    NoGroup {
        /// The volume.
        volume: Name,
    },
    /// The physical volumes belong to another volume group.
    #[error(
        "the volume {volume} isn't set up: its physical volume {leg} belongs to the volume group {} ({}), and belonged to {} ({}) when the capture was loaded; load again after such changes (`baton crash load`)",
        .now.name, .now.id, .then.name, .then.id
    )]
    OtherGroup {
        /// The volume.
        volume: Name,
        /// The physical volume that says so.
        leg: Base,
        /// The volume group as it was.
        then: Box<VolumeGroup>,
        /// The one that is found now.
        now: Box<VolumeGroup>,
    },
    /// The volume group was changed.
    #[error(
        "the volume {volume} isn't set up: the volume group {} changed after the capture was loaded (seqno {} then, {} now, says {leg}), so a dump might overwrite something else; load again after such changes (`baton crash load`)",
        .then.name, .then.seqno, .now.seqno
    )]
    Changed {
        /// The volume.
        volume: Name,
        /// The physical volume that says so.
        leg: Base,
        /// The volume group as it was.
        then: Box<VolumeGroup>,
        /// As it is now.
        now: Box<VolumeGroup>,
    },
    /// An encrypted volume was made anew, or isn't one any more.
    #[error(
        "the volume {volume} isn't set up: {leg} doesn't hold the LUKS volume {then} any more; load again after such changes (`baton crash load`)"
    )]
    OtherLuks {
        /// The volume.
        volume: Name,
        /// The device.
        leg: Base,
        /// The identifier that was there when the capture was loaded.
        then: LuksId,
    },
    /// The keys that were kept can't be had.
    #[error(
        "the volume {volume} isn't set up: the keys of encrypted volumes can't be restored: {error}"
    )]
    Keys {
        /// The volume.
        volume: Name,
        /// Why.
        error: io::Error,
    },
    /// The key of an encrypted volume isn't among those that were kept.
    #[error(
        "the volume {volume} can't be set up: its key {key} wasn't kept, or isn't valid: {error}; load again (`baton crash load`)"
    )]
    NoKey {
        /// The volume.
        volume: Name,
        /// The key's name.
        key: Description,
        /// What the kernel says.
        error: io::Error,
    },
    /// None of the copies that a mirror consists of can be used.
    #[error("the volume {volume} isn't set up: none of its copies is there")]
    NoCopy {
        /// The volume.
        volume: Name,
    },
    /// The kernel doesn't make the volume.
    #[error("the volume {volume} can't be set up: {error}; the kernel's log may say more")]
    Kernel {
        /// The volume.
        volume: Name,
        /// Why.
        error: io::Error,
    },
    /// No member of an array can be used.
    #[error(
        "the array {array} isn't set up: {why}; load again after such changes (`baton crash load`)"
    )]
    NoMember {
        /// The array.
        array: Name,
        /// Why, of each.
        why: String,
    },
    /// The kernel doesn't start the array.
    #[error("the array {array} can't be set up: {error}{}; the kernel's log may say more", besides(.without))]
    Array {
        /// The array.
        array: Name,
        /// Why.
        error: io::Error,
        /// What it would have gone without; empty if it is whole.
        without: String,
    },
    /// The volume can't be read to see what is on it.
    #[error("{volume} gives no answer: {error}; check the disks that it lies on")]
    Silent {
        /// The volume.
        volume: Name,
        /// Why.
        error: io::Error,
    },
    /// The volume has something else on it.
    #[error(
        "{volume} doesn't hold the file system {device}; load again after such changes (`baton crash load`)"
    )]
    OtherFileSystem {
        /// The volume.
        volume: Name,
        /// The file system's name.
        device: Device,
    },
}

impl LayerError {
    /// Whether it is about a disk that is gone, and not about one that changed.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        matches!(
            self,
            LayerError::Leg { .. }
                | LayerError::Unreadable { .. }
                | LayerError::Lvm {
                    error: LvmError::Unreadable,
                    ..
                }
        )
    }
}

fn besides(without: &str) -> String {
    if without.is_empty() {
        String::new()
    } else {
        format!(" ({without})")
    }
}

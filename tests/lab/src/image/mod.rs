//! Disks and archives, written without root and without loop devices.

pub mod cpio;
pub mod disk;
